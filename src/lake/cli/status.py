"""`lake status`: the stack, the last runs, how far each entity is; or one run, whole."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from rich.text import Text

from lake.cli.answer import DEGRADED, EXIT_CODES, FAILED, GOOD, Answer
from lake.cli.aws import Stack, client, endpoint, find_stack
from lake.cli.errors import OperatorError, code_of
from lake.cli.executions import Ending, ending
from lake.cli.pictures import balance_table, colored, duration, instant, number, plain_table, roughly
from lake.cli.progress import EntityStatus, Lease, deployed_plans, read_lease, run_state, standing
from lake.cli.reports import Report, read_report
from lake.cli.running import concluded
from lake.instants import now

RUNS_SHOWN = 5
# So many of the last runs are asked when an entity was last read: a source may run more often than another.
RUNS_READ = 20


def status(stack_name: str) -> Answer:
    """How the lake is."""
    stack = find_stack(stack_name)
    runs = last_runs(stack, RUNS_READ)
    reports = [report for run in runs if (report := read_report(stack, run.run_id)) is not None]
    entities = entity_lines(stack, reports)
    lease = read_lease(stack)
    document = {
        "stack": {"name": stack.name, "status": stack.status, "changed_at": stack.changed_at, "endpoint": endpoint()},
        "runs": [asdict(run) for run in runs[:RUNS_SHOWN]],
        "lease": asdict(lease),
        "entities": [_entity_document(line) for line in entities],
        "last_report": reports[0].document if reports else None,
    }
    return Answer(document, _pictures(stack, runs, lease, entities, reports), _code(runs, entities))


def status_of_run(stack_name: str, run_id: str) -> Answer:
    """How one run went, or goes."""
    stack = find_stack(stack_name)
    execution = stack.output("Pipeline").replace(":stateMachine:", ":execution:") + f":{run_id}"
    try:
        end = ending(client("stepfunctions").describe_execution(executionArn=execution))
    except ClientError as error:
        if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
            raise OperatorError(f"There is no run {run_id}.", "`lake status` lists the last runs.") from None
        raise
    if end.status == "RUNNING":
        going = f"Run {run_id} is going on since {duration(now() - end.started_at)}."
        return Answer({"run_id": run_id, "execution": execution, "outcome": "RUNNING"}, [going])
    return concluded(stack, execution, end)


def last_runs(stack: Stack, count: int) -> list[Ending]:
    """The last runs, the newest first."""
    sfn = client("stepfunctions")
    listed = sfn.list_executions(stateMachineArn=stack.output("Pipeline"), maxResults=count)["executions"]
    found = [ending(sfn.describe_execution(executionArn=item["executionArn"])) for item in listed]
    return sorted(found, key=lambda run: run.started_at, reverse=True)


def entity_lines(stack: Stack, reports: list[Report]) -> list[EntityStatus]:
    """Each deployed entity's standing."""
    state, moment = run_state(stack), now()
    documents = [report.document for report in reports]
    return [
        standing(plan, state.progress(name), state.rests_until(name, moment), documents, moment)
        for name, plan in deployed_plans(stack).items()
    ]


def _code(runs: list[Ending], entities: list[EntityStatus]) -> int:
    """Failed where the last run that ended failed; degraded where it was, or where an entity is not as it should be."""
    over = [run for run in runs if run.outcome not in ("RUNNING", "QUEUED")]
    last = EXIT_CODES.get(over[0].outcome, FAILED) if over else GOOD
    if last == GOOD and any(line.standing in ("LATE", "FAILED", "PAUSED") for line in entities):
        return DEGRADED
    return last


def _entity_document(line: EntityStatus) -> dict[str, Any]:
    return {
        **asdict(line.progress),
        "standing": line.standing,
        "reason": line.reason,
        "read_at": line.read_at,
        "owes_s": line.owes.total_seconds(),
    }


def _pictures(
    stack: Stack, runs: list[Ending], lease: Lease, entities: list[EntityStatus], reports: list[Report]
) -> list[Any]:
    moment = now()
    where = endpoint() or "AWS"
    head = f"Stack {stack.name} at {where}: {stack.status}, changed {duration(moment - stack.changed_at)} ago"
    pictures: list[Any] = [Text(head, style="bold")]
    if lease.execution:
        waiting = f", {len(lease.pending)} more waiting" if lease.pending else ""
        pictures.append(
            f"Run {lease.execution.rpartition(':')[2]} holds the pipeline since {instant(lease.since)}{waiting}"
        )
    pictures += [_runs_table(runs[:RUNS_SHOWN])] if runs else ["No run yet. Start one: lake run"]
    pictures.append(_entities_table(entities, moment))
    pictures += [Text.assemble((line.progress.entity, "bold"), f": {line.reason}") for line in entities if line.reason]
    if reports:
        pictures += [Text(f"Balance of run {reports[0].document['run_id']}", style="bold")]
        pictures += [balance_table(reports[0].document), f"Report: {reports[0].address}"]
    return pictures


def _runs_table(runs: list[Ending]) -> Any:
    table = plain_table("run", "began", "took", "outcome")
    for run in runs:
        took = duration((run.ended_at or now()) - run.started_at)
        table.add_row(run.run_id, instant(run.started_at), took, colored(run.outcome))
    return table


def _entities_table(entities: list[EntityStatus], moment: datetime) -> Any:
    table = plain_table("entity", "state", "watermark", "load", "curated", "read", "owes", numbers=("load", "curated"))
    for line in entities:
        read = f"{roughly(moment - line.read_at)} ago" if line.read_at else "-"
        table.add_row(
            line.progress.entity,
            colored(line.standing),
            instant(line.progress.watermark),
            number(line.progress.last_load),
            number(line.progress.through),
            read,
            duration(line.owes),
        )
    return table
