"""What is said of a run that has ended, by how it ended."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from lake.cli.aws import Stack
from lake.cli.executions import Ending, History
from lake.cli.follow import picture
from lake.cli.running import concluded, unreported

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
STACK = Stack("lake", "CREATE_COMPLETE", NOON, {}, {})


def end(**changes: Any) -> Ending:
    values: dict[str, Any] = {
        "run_id": "lake-1",
        "status": "FAILED",
        "outcome": "FAILED",
        "error": None,
        "cause": None,
        "holder": None,
        "started_at": NOON,
        "ended_at": NOON,
    }
    return Ending(**(values | changes))


def test_a_request_that_waits_names_the_run_that_it_waits_for() -> None:
    answer = concluded(STACK, "arn:1", end(outcome="QUEUED", status="SUCCEEDED", holder="arn:aws:states:x:y:lake-0"))

    assert answer.code == 0
    assert answer.document["outcome"] == "QUEUED"
    assert "(lake-0)" in str(answer.pictures[0])
    assert "starts when that one ends" in str(answer.pictures[0])


@pytest.mark.parametrize(
    ("ended", "said", "next_step"),
    [
        (end(error="BadRequest", cause="sources names what this lake does not have: hr"), "hr", "lake run --help"),
        (end(status="ABORTED"), "aborted", "goes on where this one stopped"),
        (end(status="TIMED_OUT"), "TIMED_OUT without a report", "Step Functions console"),
    ],
)
def test_a_run_without_a_report_says_why_and_what_to_do(ended: Ending, said: str, next_step: str) -> None:
    error = unreported(ended)

    assert said in error.what
    assert next_step in error.next_step


def test_steps_are_shown_in_their_order_with_time_and_figures() -> None:
    history = History()
    read = '{"entity": "crm.account"}'
    result = '{"entity": "crm.account", "result": {"counts": {"received": 7}, "loads": [1]}}'
    events: list[dict[str, Any]] = [
        {"stateEnteredEventDetails": {"name": "BeginRun", "input": "{}"}},
        {"stateExitedEventDetails": {"name": "BeginRun", "output": "{}"}},
        {"stateEnteredEventDetails": {"name": "ReadEntity", "input": read}},
        {"stateExitedEventDetails": {"name": "ReadEntity", "output": result}},
        {"stateEnteredEventDetails": {"name": "Curate", "input": "{}"}},
    ]
    for number, event in enumerate(events, start=1):
        history.take({"id": number, "timestamp": NOON + timedelta(seconds=10 * number), **event})
    file = StringIO()

    Console(file=file, width=100).print(picture(history))

    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert lines[0] == "✓ take the lease 10 s"
    assert lines[1] == "✓ read crm.account 10 s 7 rows, 1 load"
    assert "merge into curated (Glue)" in lines[2]
    assert "✓" not in lines[2]
