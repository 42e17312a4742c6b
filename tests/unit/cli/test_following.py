"""What is shown of a run while it goes on: from events of its history to lines."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.cli.executions import STEPS, History, ending, request, run_name

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
PROJECT = Path(__file__).parents[3]


class Execution:
    """A history as GetExecutionHistory answers it, an event a second."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def entered(self, name: str, **data: Any) -> None:
        self._add("TaskStateEntered", {"stateEnteredEventDetails": {"name": name, "input": json.dumps(data)}})

    def left(self, name: str, **data: Any) -> None:
        self._add("TaskStateExited", {"stateExitedEventDetails": {"name": name, "output": json.dumps(data)}})

    def history(self) -> History:
        history = History()
        for event in self.events:
            history.take(event)
        return history

    def _add(self, kind: str, details: dict[str, Any]) -> None:
        number = len(self.events) + 1
        self.events.append({"id": number, "type": kind, "timestamp": NOON + timedelta(seconds=number), **details})


def _names_of_states(definition: Any) -> set[str]:
    if isinstance(definition, list):
        return set().union(*map(_names_of_states, definition))
    if not isinstance(definition, dict):
        return set()
    own = set(definition.get("States", {}))
    return own.union(*map(_names_of_states, definition.values()))


def test_each_state_that_has_a_line_is_a_state_of_the_machine() -> None:
    definition = yaml.safe_load((PROJECT / "statemachine" / "pipeline.asl.yaml").read_text(encoding="utf-8"))

    assert set(STEPS) <= _names_of_states(definition)


def test_an_entitys_line_sums_its_invocations() -> None:
    execution = Execution()
    for count in (1_000, 250):
        execution.entered("ReadEntity", entity="erp.sales_order", invocations=0)
        result = {"status": "DONE", "loads": [count], "counts": {"received": count}}
        execution.left("ReadEntity", entity="erp.sales_order", result=result)

    (step,) = execution.history().steps.values()

    assert step.title == "read erp.sales_order"
    assert step.phase == "done"
    assert step.detail == "1,250 rows, 2 loads"
    assert step.started == NOON + timedelta(seconds=1)
    assert step.ended == NOON + timedelta(seconds=4)


def test_an_entity_that_is_read_again_runs_again() -> None:
    execution = Execution()
    execution.entered("ReadEntity", entity="erp.sales_order")
    execution.left("ReadEntity", entity="erp.sales_order", result={"status": "CONTINUE"})
    execution.entered("ReadEntity", entity="erp.sales_order")

    (step,) = execution.history().steps.values()

    assert (step.phase, step.ended) == ("running", None)


def test_entities_of_both_sources_have_lines_of_their_own() -> None:
    execution = Execution()
    execution.entered("ReadEntity", entity="crm.account")
    execution.entered("ReadEntity", entity="erp.sales_order")
    execution.left("ReadEntity", entity="erp.sales_order", status="FAILED", error="SourceAuthError", cause="401")

    steps = execution.history().steps

    assert steps["read crm.account"].phase == "running"
    assert (steps["read erp.sales_order"].phase, steps["read erp.sales_order"].detail) == ("failed", "SourceAuthError")


def test_a_pause_is_told() -> None:
    execution = Execution()
    execution.entered("ReadEntity", entity="crm.account")
    result = {"status": "PAUSED", "resume_at": "2026-11-17T00:00:00.000000Z", "counts": {"received": 5}, "loads": [1]}
    execution.left("ReadEntity", entity="crm.account", result=result)

    assert execution.history().steps["read crm.account"].detail == (
        "5 rows, 1 load, rests until 2026-11-17T00:00:00.000000Z"
    )


@pytest.mark.parametrize(
    ("state", "last", "phase"),
    [("RUNNING", "UNKNOWN", "running"), ("READY", "SUCCEEDED", "done"), ("READY", "FAILED", "failed")],
)
def test_a_crawler_is_over_when_it_is_ready_and_well_when_its_crawl_was(state: str, last: str, phase: str) -> None:
    execution = Execution()
    for name in ("StartCrawler", "GetCrawler"):
        execution.entered(name, crawler="lake-raw-crm", polls=0)
        execution.left(
            name, crawler="lake-raw-crm", polls=1, **({} if name == "StartCrawler" else {"state": state, "last": last})
        )

    assert execution.history().steps["crawl lake-raw-crm"].phase == phase


def test_a_crawler_that_cannot_be_started_fails_its_own_line() -> None:
    execution = Execution()
    execution.entered("StartCrawler", crawler="lake-raw-crm", polls=0)
    execution.left("StartCrawler", step="CrawlRaw lake-raw-crm", error="Glue.AccessDeniedException", cause="no")

    (step,) = execution.history().steps.values()

    assert (step.title, step.phase) == ("crawl lake-raw-crm", "failed")


def test_an_event_that_is_seen_twice_counts_once() -> None:
    execution = Execution()
    execution.entered("ReadEntity", entity="crm.account")
    execution.left("ReadEntity", entity="crm.account", result={"counts": {"received": 7}, "loads": [1]})
    history = execution.history()

    for event in execution.events:
        history.take(event)

    assert history.steps["read crm.account"].detail == "7 rows, 1 load"


@pytest.mark.parametrize(
    ("status", "output", "outcome"),
    [
        ("RUNNING", None, "RUNNING"),
        ("SUCCEEDED", {"outcome": "DEGRADED", "run_id": "r"}, "DEGRADED"),
        ("SUCCEEDED", {"outcome": "QUEUED", "holder": "arn:x"}, "QUEUED"),
        ("FAILED", None, "FAILED"),
        ("ABORTED", None, "FAILED"),
        ("TIMED_OUT", None, "FAILED"),
    ],
)
def test_an_execution_ends_as_its_output_says_and_else_badly(
    status: str, output: dict[str, str] | None, outcome: str
) -> None:
    described = {"name": "r", "status": status, "startDate": NOON}

    end = ending(described | ({"output": json.dumps(output)} if output else {}))

    assert end.outcome == outcome


def test_a_request_says_only_what_was_asked_for() -> None:
    assert request([], []) == {"trigger": "lake"}
    assert request(["erp", "crm"], []) == {"sources": ["crm", "erp"], "trigger": "lake"}
    assert request([], ["crm.account"]) == {"entities": ["crm.account"], "trigger": "lake"}


def test_runs_of_one_second_have_different_names() -> None:
    names = {run_name(NOON) for _ in range(5)}

    assert len(names) > 1
    assert all(name.startswith("lake-20261116T120000Z-") for name in names)
