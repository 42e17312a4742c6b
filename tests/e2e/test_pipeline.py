"""The pipeline's life in good times: everything once, a day of changes, nothing new; each way to start it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.deployed import ROOT
from tests.e2e.runs import CRM, ENTITIES, ORDERS, PLANS, assert_balanced

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.deployed import DeployedLake, Run
    from tests.e2e.runs import Differences

pytestmark = pytest.mark.stack

BUSY = set(ENTITIES) - {"erp.company_code"}
"""What some people change each day."""
WHAT_IT_NAMES = {
    "everything": set(ENTITIES),
    "one-source": CRM,
    "one-entity": {ORDERS},
    "some-entities": {"crm.account", "erp.business_partner"},
    "curate-only": {ORDERS},
    "maintain": set(ENTITIES) - CRM,
    "rebuild": {ORDERS},
    "replay": {ORDERS},
    "verify": set(ENTITIES),
}
SAMPLES = sorted((ROOT / "events" / "executions").glob("*.json"))


def test_the_initial_extraction_is_good_and_its_balance_closes(lake: DeployedLake, initial: Run) -> None:
    assert initial.outcome == "GOOD", initial.report
    assert_balanced(initial)
    rows = lake.crm.state()["rows"] | lake.erp.state()["rows"]
    for name in ENTITIES:
        entity = initial.entity(name)
        assert entity["status"] == "DONE"
        if PLANS[name].filter is None:
            assert entity["extracted"]["landed"] == rows[name]
        assert entity["unsettled"] == 0


def test_after_the_initial_extraction_the_lake_is_what_the_sources_are(initial: Run, differences: Differences) -> None:
    assert initial.outcome == "GOOD", initial.report
    assert differences() == []


def test_functions_are_unpacked_in_the_stacks_own_folder(lake: DeployedLake, initial: Run) -> None:
    assert initial.outcome == "GOOD", initial.report
    unpacked = [path.name for path in (lake.stack.directory / "scratch").iterdir() if path.is_dir()]
    assert any("extract-erp" in name for name in unpacked)


def test_a_day_of_changes_is_read_and_its_balance_closes(changed: Run) -> None:
    assert changed.outcome == "GOOD", changed.report
    assert_balanced(changed)
    for name in ENTITIES:
        entity = changed.entity(name)
        assert entity["unsettled"] == 0, "held against the source's count though nothing of it was curated"
        if name in BUSY:
            assert entity["curated"]["merged"] > 0
    assert changed.entity("crm.opportunity_line")["curated"]["tombstoned"] >= 3
    assert changed.entity("erp.sales_order")["curated"]["tombstoned"] >= 5
    assert changed.entity("erp.outbound_delivery")["curated"]["tombstoned"] >= 1


def test_after_a_day_of_changes_the_lake_is_what_the_sources_are_deletions_included(
    changed: Run, differences: Differences
) -> None:
    assert changed.outcome == "GOOD", changed.report
    assert differences() == []


def test_a_run_without_news_starts_no_job_and_no_crawler_and_leaves_every_snapshot(
    lake: DeployedLake, changed: Run
) -> None:
    assert changed.outcome == "GOOD", changed.report
    before = (lake.snapshots(), lake.job_runs(), lake.crawls())
    lake.crm.advance(hours=0.1)
    lake.erp.advance(hours=0.1)
    run = lake.run()
    assert run.outcome == "GOOD", run.report
    assert_balanced(run)
    assert {run.entity(name)["extracted"]["landed"] for name in ENTITIES} == {0}
    assert not {"Curate", "BuildAnalytics", "StartCrawler"} & set(lake.states(run.arn))
    assert (lake.snapshots(), lake.job_runs(), lake.crawls()) == before


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_of_an_execution_starts_a_run_that_works_on_what_it_names(lake: DeployedLake, sample: Path) -> None:
    asked = json.loads(sample.read_text("utf-8"))
    run = lake.run(asked)
    assert run.outcome == "GOOD", run.report
    assert run.report is not None
    assert_balanced(run)
    assert {entity["entity"] for entity in run.report["entities"]} == WHAT_IT_NAMES[sample.stem]
    done = {entity["task"]["task"] for entity in run.report["entities"] if entity["task"]}
    assert done == ({asked["task"]} if asked.get("task", "curate") != "curate" else set())


@pytest.mark.usefixtures("changed")
def test_a_good_run_ends_the_command_with_zero_and_shows_its_balance(lake: DeployedLake) -> None:
    asked = lake.lake("run", "--source", "crm", "--json")
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["outcome"] == "GOOD"
    assert answer["balanced"]
    shown = lake.lake("status", answer["run_id"])
    assert shown.returncode == 0, shown.stderr
    assert "crm.account" in shown.stdout
