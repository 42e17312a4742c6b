"""The pipeline starts by itself, in the rhythm that the stack's parameters say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.runs import CRM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployed import DeployedLake

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("changed")]


@pytest.fixture
def every_minute(lake: DeployedLake) -> Iterator[set[str]]:
    """The CRM is read each minute; the executions that there were before. Afterwards starting is left to people again."""
    before, scheduler = set(lake.executions()), lake.aws("scheduler")
    lake.deploy_parameters(CrmSchedule="rate(1 minute)", ScheduleState="ENABLED")
    yield before
    for listed in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
        kept = ("Name", "GroupName", "ScheduleExpression", "Target", "FlexibleTimeWindow")
        scheduler.update_schedule(**{name: schedule[name] for name in kept}, State="DISABLED")


def test_with_the_schedule_set_to_one_minute_the_pipeline_starts_by_itself(
    lake: DeployedLake, every_minute: set[str]
) -> None:
    lake.until(lambda: set(lake.executions()) > every_minute, "an execution that nobody started", within_s=150)
    started = (set(lake.executions()) - every_minute).pop()
    assert json.loads(lake.execution(started)["input"]) == {"sources": ["crm"], "trigger": "schedule"}
    run = lake.wait(started)
    assert run.outcome == "GOOD", run.report
    assert run.report is not None
    assert {entity["entity"] for entity in run.report["entities"]} == CRM
