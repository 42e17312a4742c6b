"""`lake backfill`: a past range of one entity, read beside the runs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from lake.cli.answer import Answer, err
from lake.cli.aws import client, find_stack
from lake.cli.errors import OperatorError
from lake.cli.executions import run_name
from lake.cli.pictures import duration, instant
from lake.cli.progress import deployed_plans
from lake.cli.stating import known
from lake.instants import from_text, now, to_text

if TYPE_CHECKING:
    from datetime import datetime

POLL_S = 2.0


def backfill(stack_name: str, entity: str, since: str, until: str, *, wait: bool) -> Answer:
    """Starts the reading of `[since, until)` and, unless told otherwise, waits for its end."""
    stack = find_stack(stack_name)
    plan = deployed_plans(stack)[known(stack, entity)]
    if plan.cursor.kind == "none":
        raise OperatorError(f"{entity} has no stamps to read a past range by.", f"Read it whole: lake reload {entity}")
    start, end = _instant("--from", since), _instant("--to", until)
    if start >= end:
        raise OperatorError(f"{since} is not before {until}.", "Give --from an instant before --to.")
    name = run_name(now()).replace("lake-", "backfill-", 1)
    asked = {"entity": entity, "from": to_text(start), "to": to_text(end), "trigger": "lake"}
    sfn = client("stepfunctions")
    execution = sfn.start_execution(stateMachineArn=stack.output("Backfill"), name=name, input=json.dumps(asked))[
        "executionArn"
    ]
    head = {"backfill": name, "execution": execution, "entity": entity, "from": to_text(start), "to": to_text(end)}
    if not wait:
        return Answer(head | {"status": "RUNNING"}, [f"{name} has begun. See how far it is: lake state show {entity}"])
    err().print(f"{name}: {entity} from {instant(start)} to {instant(end)}", style="dim")
    try:
        found = _followed(sfn, execution)
    except KeyboardInterrupt:
        err().print(f"It goes on. See how far it is: lake state show {entity}")
        raise
    if found["status"] != "SUCCEEDED":
        raise OperatorError(
            f"{name} ended as {found['status']}: {found.get('cause') or found.get('error') or 'no reason given'}",
            "What it had read is landed. Put right what it names, then start it again.",
        )
    output = json.loads(found["output"])
    took = duration(found["stopDate"] - found["startDate"])
    loads = ", ".join(str(load) for load in output["loads"]) or "none"
    pictures: list[Any] = [
        f"{output['landed']:,} rows landed in {took} (loads: {loads}).",
        "The next run curates them: lake run",
    ]
    return Answer(head | {"status": "SUCCEEDED", "loads": output["loads"], "landed": output["landed"]}, pictures)


def _followed(sfn: Any, execution: str) -> dict[str, Any]:
    while (found := sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(POLL_S)
    return dict(found)


def _instant(option: str, text: str) -> datetime:
    """An instant; a date alone is its midnight in UTC. OperatorError else."""
    try:
        return from_text(f"{text}T00:00:00Z" if len(text) == len("2026-11-16") else text)
    except ValueError:
        raise OperatorError(
            f"{option} {text!r} is no instant with an offset.", "Write it like 2026-11-16 or 2026-11-16T06:00:00Z."
        ) from None
