"""`lake run`: starts the pipeline, follows it, shows the balance."""

import json
from typing import Any

from lake.cli.answer import EXIT_CODES, FAILED, Answer, err
from lake.cli.aws import Stack, client, find_stack
from lake.cli.errors import OperatorError
from lake.cli.executions import Ending, request, run_name
from lake.cli.follow import follow
from lake.cli.pictures import duration, report_pictures
from lake.cli.reports import read_report
from lake.instants import now


def run(stack_name: str, sources: list[str], entities: list[str], *, wait: bool, task: str | None = None) -> Answer:
    """Starts an execution and, unless told otherwise, waits for its end. `task`: what it does instead of an ordinary run."""
    stack = find_stack(stack_name)
    sfn = client("stepfunctions")
    asked = request(sources, entities, task)
    run_id = run_name(now())
    started = sfn.start_execution(stateMachineArn=stack.output("Pipeline"), name=run_id, input=json.dumps(asked))
    execution = started["executionArn"]
    if not wait:
        pictures: list[Any] = [f"Run {run_id} has begun. See how it goes: lake status {run_id}"]
        return Answer({"run_id": run_id, "execution": execution, "outcome": "RUNNING"}, pictures)
    console = err()
    console.print(f"Run {run_id}", style="dim")
    try:
        end = follow(sfn, execution, console)
    except KeyboardInterrupt:
        console.print(f"The run goes on. See how: lake status {run_id}")
        raise
    return concluded(stack, execution, end)


def concluded(stack: Stack, execution: str, end: Ending) -> Answer:
    """The answer of a run that has ended, with the report where it wrote one."""
    document: dict[str, Any] = {"run_id": end.run_id, "execution": execution, "outcome": end.outcome}
    if end.outcome == "QUEUED":
        holder = (end.holder or "").rpartition(":")[2]
        said = f"Another run is going on ({holder}). This request waits and starts when that one ends: lake status"
        return Answer(document | {"holder": end.holder}, [said])
    report = read_report(stack, end.run_id)
    if report is None:
        raise unreported(end)
    took = duration((end.ended_at or end.started_at) - end.started_at)
    code = EXIT_CODES.get(end.outcome, FAILED)
    pictures = [*report_pictures(report.document, report.address), f"It took {took}."]
    return Answer(document | {"report": report.address, **report.document}, pictures, code)


def unreported(end: Ending) -> OperatorError:
    """Why there is no report: the input was refused, or the run was stopped before it could settle."""
    if end.error == "BadRequest":
        return OperatorError(f"The request was refused: {end.cause}", "Correct it: `lake run --help`.")
    if end.status == "ABORTED":
        return OperatorError(
            f"Run {end.run_id} was aborted.", "Start it again with `lake run`: it goes on where this one stopped."
        )
    return OperatorError(
        f"Run {end.run_id} ended as {end.status} without a report: {end.error or 'no error'}. {end.cause or ''}".rstrip(),
        "Look at the execution in the Step Functions console, and at the log of the step that failed; then `lake run`.",
    )
