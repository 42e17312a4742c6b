"""The samples fit what they are sent to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from lake.contract.build import compile_folder
from lake.instants import from_text
from lake.run import events
from lake.run.request import TASKS, parse
from tests.support.stack import ROOT, resources

if TYPE_CHECKING:
    from pathlib import Path

ENTITIES = [name.removesuffix(".json") for name in compile_folder(ROOT / "contracts") if not name.startswith("source.")]
EXECUTIONS = sorted((ROOT / "events" / "executions").glob("*.json"))
BACKFILLS = sorted((ROOT / "events" / "backfills").glob("*.json"))
MODELS: dict[str, type[events.Event]] = {
    "begin_run": events.BeginRun,
    "plan_work": events.PlanWork,
    "settle_run": events.SettleRun,
    "notify": events.Notify,
    "end_run": events.EndRun,
}


@pytest.mark.parametrize("path", EXECUTIONS, ids=lambda path: path.stem)
def test_a_sample_of_an_execution_is_a_request_that_the_lake_takes(path: Path) -> None:
    parse(json.loads(path.read_text("utf-8")), ENTITIES)


def test_there_is_a_sample_for_each_way_to_start() -> None:
    inputs = [json.loads(path.read_text("utf-8")) for path in EXECUTIONS]
    ways = {frozenset(each) - {"trigger"} for each in inputs if "task" not in each}
    assert ways == {frozenset(), frozenset({"sources"}), frozenset({"entities"})}
    assert {each["task"] for each in inputs if "task" in each} == set(TASKS)


@pytest.mark.parametrize("path", BACKFILLS, ids=lambda path: path.stem)
def test_a_sample_of_a_backfill_names_an_entity_and_a_range_of_the_past(path: Path) -> None:
    asked = json.loads(path.read_text("utf-8"))
    assert asked.pop("entity") in ENTITIES
    assert set(asked) == {"from", "to"}
    assert from_text(asked["from"]) < from_text(asked["to"])


def test_the_machine_takes_from_a_backfills_input_what_the_sample_holds() -> None:
    definition = (ROOT / "statemachine" / "backfill.asl.yaml").read_text("utf-8")
    taken = set(re.findall(r"\$states\.input\.(\w+)", definition)) - {"status", "resume_at"}
    assert BACKFILLS
    assert [set(json.loads(path.read_text("utf-8"))) for path in BACKFILLS] == [taken] * len(BACKFILLS)


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_of_a_functions_event_fits_its_model(name: str) -> None:
    MODELS[name].model_validate_json((ROOT / "events" / "functions" / f"{name}.json").read_text("utf-8"))


def test_what_the_schedules_send_is_a_request_that_the_lake_takes() -> None:
    for event in resources("AWS::Serverless::StateMachine")["Pipeline"]["Events"].values():
        request = parse(json.loads(event["Properties"]["Input"]), ENTITIES)
        assert request.trigger == "schedule"
        assert request.sources
