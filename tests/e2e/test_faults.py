"""What goes wrong is told with cause and remedy, stays where it happened, and is made good by the next run."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from local.up import SECRETS
from tests.e2e.killing import end_function, end_spark
from tests.e2e.runs import CRM, ORDERS, TROUBLED, assert_made_good, good_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.deployed import DeployedLake
    from tests.e2e.runs import Differences

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("changed")]


@pytest.fixture(autouse=True)
def calm(lake: DeployedLake) -> Iterator[None]:
    """Ends a test's trouble, whatever comes of the test."""
    yield
    lake.crm.fault("none")
    lake.erp.fault("none")


def make_news(lake: DeployedLake, *sources: str) -> None:
    """Something new in the entities of some sources, and the time in which it settles in all."""
    if "crm" in sources:
        lake.crm.touch("crm.account", rows=30)
    if "erp" in sources:
        lake.erp.touch("erp.business_partner", rows=20)
        lake.erp.touch(ORDERS, rows=50)
    lake.crm.advance(hours=0.5)
    lake.erp.advance(hours=0.5)


def test_a_wrong_password_fails_its_source_alone_and_is_told_with_entity_cause_and_remedy(
    lake: DeployedLake, differences: Differences
) -> None:
    make_news(lake, "crm", "erp")
    lake.put_secret("erp", {"user": "LAKE", "password": "mistyped"})
    end_function(lake.stack, "lake-extract-erp")  # a warm one keeps the secret for some minutes
    asked = lake.lake("run", *(f"--entity={name}" for name in TROUBLED), "--json")
    lake.put_secret("erp", SECRETS["erp"])

    assert asked.returncode == 3, asked.stderr
    report = json.loads(asked.stdout)
    assert report["outcome"] == "DEGRADED"
    entities = {item["entity"]: item for item in report["entities"]}
    assert {name: entity["status"] for name, entity in entities.items()} == {
        name: "DONE" if name in CRM else "FAILED" for name in TROUBLED
    }
    assert entities["crm.account"]["curated"]["merged"] >= 30
    for told in (report["message"], lake.messages()[-1]):
        assert f"{ORDERS}: SourceAuthError" in told
        assert f"{lake.stack.erp_url} refused the credentials of source erp (401)" in told
        assert "Put valid credentials into the source's secret" in told
    assert_made_good(lake, differences)


def test_a_source_that_is_down_leaves_the_other_running_and_is_read_when_it_is_back(
    lake: DeployedLake, differences: Differences
) -> None:
    make_news(lake, "crm")
    lake.crm.fault("http", status=503, retry_after=0)
    run = lake.run({"entities": TROUBLED})
    assert run.outcome == "DEGRADED", run.report
    problem = run.problem("crm.account")
    assert problem["error"] == "SourceUnavailable"
    assert f"{lake.stack.crm_url} answers 503" in problem["cause"]
    assert "nothing is lost" in problem["remedy"]
    assert run.entity(ORDERS)["status"] == "DONE"
    lake.crm.fault("none")
    assert assert_made_good(lake, differences).entity("crm.account")["extracted"]["landed"] >= 30


def test_an_extractor_that_is_killed_in_the_middle_of_a_run_is_made_good_by_the_next(
    lake: DeployedLake, differences: Differences
) -> None:
    make_news(lake, "erp")
    lake.erp.fault(
        "http", status=503, retry_after=20, times=2
    )  # both of the ERP's entities are held up in the middle of their reading
    execution = lake.start({"entities": TROUBLED})
    run_id = execution.rpartition(":")[2]
    lake.until(
        lambda: lake.state(f"entity#{ORDERS}", "live").get("lease_owner") == run_id, "the extractor has its lease"
    )
    assert end_function(lake.stack, "lake-extract-erp") > 0
    run = lake.wait(execution)
    assert run.outcome == "DEGRADED", run.report
    assert run.entity("crm.account")["status"] == "DONE"
    assert run.entity(ORDERS)["status"] == "FAILED"
    lake.erp.fault("none")
    assert assert_made_good(lake, differences).entity(ORDERS)["extracted"]["landed"] >= 50


def test_a_spark_process_that_is_killed_in_the_middle_of_its_merges_is_made_good_by_the_next_run(
    lake: DeployedLake, differences: Differences
) -> None:
    make_news(lake, "crm", "erp")
    before, runs = lake.table_versions(), set(lake.job_runs())
    execution = lake.start({"entities": TROUBLED})
    lake.until(lambda: lake.table_versions() != before, "a first table was merged")
    (job_run,) = set(lake.job_runs()) - runs
    end_spark(lake.stack, job_run)
    run = lake.wait(execution)
    assert run.status == "FAILED", run.report
    problem = run.problem("Curate")
    assert problem["error"] == "GlueJobFailed"
    assert job_run in problem["cause"]
    assert "the next run curates them" in problem["remedy"]
    good = assert_made_good(lake, differences)
    assert {good.entity(name)["extracted"]["landed"] for name in TROUBLED} == {0}
    assert any(good.entity(name)["curated"] for name in TROUBLED)


def test_of_two_executions_started_at_once_one_runs_and_the_other_waits_behind_it(lake: DeployedLake) -> None:
    before = set(lake.executions())
    for source in (lake.crm, lake.erp):
        source.fault("http", status=503, retry_after=1)  # whichever runs is not over before the other begins
    arns = (first, second) = (lake.start({"sources": ["crm"]}), lake.start({"entities": [ORDERS]}))
    lake.until(lambda: any(lake.execution(arn)["status"] != "RUNNING" for arn in arns), "one of them has ended")
    for source in (lake.crm, lake.erp):
        source.fault("none")
    ended = {arn: lake.wait(arn) for arn in arns}
    assert sorted(run.outcome for run in ended.values()) == ["GOOD", "QUEUED"]
    queued = next(run for run in ended.values() if run.outcome == "QUEUED")
    held = next(run for run in ended.values() if run.outcome == "GOOD")
    assert queued.output["holder"] == held.arn
    (third,) = set(lake.executions()) - before - {first, second}
    run = lake.wait(third)
    assert run.outcome == "GOOD", run.report
    asked_for = CRM if queued.arn == first else {ORDERS}
    assert {entity["entity"] for entity in run.report["entities"]} == asked_for  # type: ignore[index]
    assert lake.state("pipeline", "lease").get("execution") is None


def test_the_lease_of_an_aborted_execution_is_taken_over(lake: DeployedLake, differences: Differences) -> None:
    make_news(lake)
    lake.crm.fault("http", status=503, retry_after=3, times=1)
    aborted = lake.start({"entities": TROUBLED})
    lake.until(lambda: lake.state("pipeline", "lease").get("execution") == aborted, "the first execution has the lease")
    lake.aws("stepfunctions").stop_execution(executionArn=aborted, cause="a person stopped it")
    assert lake.execution(aborted)["status"] == "ABORTED"
    assert_made_good(lake, differences)
    assert lake.state("pipeline", "lease").get("execution") is None


def test_a_row_that_breaks_its_contract_is_held_back_and_its_older_good_version_stays(
    lake: DeployedLake, differences: Differences
) -> None:
    order, item, quantity = good_order(lake)
    lake.erp.change("erp.sales_order_item", (order, item), {"RequestedQuantity": "-5.000"})
    lake.erp.advance(hours=0.5)
    run = assert_made_good(lake, differences)
    assert run.entity(ORDERS)["curated"]["quarantined"] == 1
    assert run.entity(ORDERS)["broken"] == {"sales_order_item.requested_quantity_not_negative": 1}
    assert "rows in quarantine (sales_order_item.requested_quantity_not_negative 1)" in run.report["message"]  # type: ignore[index]
    assert held_quantity(lake, order, item) == quantity


def held_quantity(lake: DeployedLake, order: str, item: str) -> str | None:
    """What the lake says was ordered."""
    (row,) = lake.query(
        "SELECT requested_quantity FROM lake_curated.erp_sales_order_item"  # noqa: S608 - the test's own values
        f" WHERE sales_order = '{order}' AND sales_order_item = '{item}'"
    )
    return row["requested_quantity"]


def test_after_all_troubles_the_whole_lake_is_what_the_sources_are(differences: Differences) -> None:
    assert differences() == []


def test_a_contract_with_a_mistake_stops_the_deployment_and_names_file_field_and_reason(
    lake: DeployedLake, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(lake.project, project, ignore=shutil.ignore_patterns(".aws-sam"))
    contract = project / "contracts" / "erp" / "sales_order.odcs.yaml"
    contract.write_text(contract.read_text("utf-8").replace("primaryKey: true", "primaryKye: true", 1), "utf-8")
    stack_before = stack_of(lake)
    refused = lake.lake("deploy", "--json", folder=project)
    assert refused.returncode == 1
    mistakes: list[dict[str, Any]] = json.loads(refused.stdout)["mistakes"]
    assert [mistake["file"] for mistake in mistakes if "primaryKye" in str(mistake)] == ["erp/sales_order.odcs.yaml"]
    assert all(mistake["field"] and mistake["reason"] for mistake in mistakes)
    assert stack_of(lake) == stack_before


def stack_of(lake: DeployedLake) -> Any:
    """When the deployed stack was last changed."""
    found = lake.aws("cloudformation").describe_stacks(StackName="lake")["Stacks"][0]
    return found.get("LastUpdatedTime") or found["CreationTime"]
