"""The run's functions against a state table: what they answer, and what they leave behind."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from lake.contract.build import compile_folder
from lake.contract.plan import Plan, SourcePlan
from lake.extract.errors import BadRequest
from lake.instants import to_text
from lake.run.begin import begin
from lake.run.events import SettleRun
from lake.run.lease import PipelineLease
from lake.run.settle import ReportShelf, settle_run
from lake.run.state import RunState
from lake.state.entity import EntityState, StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem
from tests.support.run_records import CURATE, EXTRACT
from tests.support.state_table import TABLE
from tests.unit.run.world import Executions, execution

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BUILT = compile_folder(Path(__file__).parents[3] / "contracts")
PLANS = {
    plan.entity: plan for name, text in BUILT.items() if not name.startswith("source.") for plan in [Plan.load(text)]
}
SOURCES = {
    plan.source: plan for name, text in BUILT.items() if name.startswith("source.") for plan in [SourcePlan.load(text)]
}
ME = execution("me")


def begun(dynamodb: DynamoDBClient, asked: dict[str, Any]) -> dict[str, Any]:
    lease = PipelineLease(dynamodb, TABLE, Executions({ME}).still_runs)
    return begin(ME, asked, list(PLANS), SOURCES, lease, RunState(dynamodb, TABLE), NOW, "lake")


def read(answer: dict[str, Any]) -> dict[str, list[str]]:
    """Source → the entities that are read."""
    return {each["source"]: each["entities"] for each in answer["sources"]}


def all_of(source: str) -> set[str]:
    return {name for name, plan in PLANS.items() if plan.source == source}


def pause(dynamodb: DynamoDBClient, entity: str, until: datetime) -> None:
    table = StateTable(dynamodb, TABLE)
    state = table.acquire(EntityState(entity), "other", NOW, NOW)
    table.finish(replace(state, resume_at=until))


def test_a_run_reads_what_was_asked_for_source_by_source(dynamodb: DynamoDBClient) -> None:
    assert begun(dynamodb, {"entities": ["erp.sales_order"]}) == {
        "status": "HELD",
        "run_id": "me",
        "sources": [
            {"source": "crm", "entities": [], "concurrency": 2},
            {"source": "erp", "entities": ["erp.sales_order"], "concurrency": 2},
        ],
        "skipped": [],
        "work": None,
    }


def test_a_task_reads_no_source_and_works_on_what_was_named_though_it_rests(dynamodb: DynamoDBClient) -> None:
    pause(dynamodb, "crm.account", NOW + timedelta(hours=1))
    assert begun(dynamodb, {"entities": ["crm.account"], "task": "curate"}) == {
        "status": "HELD",
        "run_id": "me",
        "sources": [],
        "skipped": [],
        "work": {"task": "curate", "curate": "crm.account", "build": True, "crawlers": []},
    }


def test_a_refused_request_takes_no_lease(dynamodb: DynamoDBClient) -> None:
    with pytest.raises(BadRequest):
        begun(dynamodb, {"entities": ["erp.unknown"]})
    assert begun(dynamodb, {})["status"] == "HELD"
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "pipeline"}, "sk": {"S": "lease"}})["Item"]
    assert item["token"] == {"N": "1"}


def test_an_entity_that_rests_is_left_out_until_its_instant(dynamodb: DynamoDBClient) -> None:
    later = NOW + timedelta(hours=1)
    pause(dynamodb, "crm.account", later)
    pause(dynamodb, "erp.sales_order", NOW - timedelta(seconds=1))
    answer = begun(dynamodb, {})
    assert read(answer) == {"crm": sorted(all_of("crm") - {"crm.account"}), "erp": sorted(all_of("erp"))}
    assert answer["skipped"] == [{"entity": "crm.account", "resume_at": to_text(later)}]


def test_a_source_that_rests_rests_with_all_of_its_entities(dynamodb: DynamoDBClient) -> None:
    LimitsItem(dynamodb, TABLE, "erp").add(10, NOW, NOW + timedelta(hours=1))
    answer = begun(dynamodb, {})
    assert read(answer) == {"crm": sorted(all_of("crm")), "erp": []}


def settled(dynamodb: DynamoDBClient, extractions: list[Any], problems: list[Any]) -> tuple[dict[str, Any], Any]:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        event = SettleRun.model_validate(
            {"run_id": "run-1", "execution": ME, "extractions": extractions, "problems": problems}
        )
        answer = settle_run(event, PLANS, RunState(dynamodb, TABLE), ReportShelf(s3, "raw"), NOW)
        return answer, json.loads(s3.get_object(Bucket="raw", Key="runs/run-1.json")["Body"].read())


def test_a_run_is_settled_from_nested_results_and_all_records(dynamodb: DynamoDBClient) -> None:
    records = RunRecords(dynamodb, TABLE)
    records.write("run-1", "extract#crm.account#000000001", EXTRACT)
    records.write("run-1", "extract#crm.account#000000002", {**EXTRACT, "landed": 0, "received": 2})
    records.write("run-1", "curate#crm.account", CURATE)
    records.write("run-1", "marts", {"customer_xref": 12})
    records.write("run-2", "curate#crm.account", {**CURATE, "merged": 0})
    answer, report = settled(
        dynamodb,
        [[{"entity": "crm.account", "status": "DONE", "loads": [1]}], []],
        [[{"step": "CrawlRaw", "error": None, "cause": None}], {"step": "ProcessLoads", "error": None, "cause": None}],
    )
    assert answer["outcome"] == "GOOD"
    assert answer["report"] == "s3://raw/runs/run-1.json"
    assert report["entities"][0]["extracted"]["received"] == 12
    assert report["marts"] == {"customer_xref": 12}
    assert report["message"] == answer["message"]


def test_a_failed_entity_and_a_failed_step_are_both_told(dynamodb: DynamoDBClient) -> None:
    failure = {"errorMessage": "https://crm.example refused the token", "errorType": "SourceAuthError"}
    answer, report = settled(
        dynamodb,
        [
            [{"entity": "crm.account", "status": "FAILED", "error": "SourceAuthError", "cause": json.dumps(failure)}],
            [{"entity": "erp.sales_order", "status": "DONE"}],
        ],
        [[{"step": "CrawlRaw lake-raw-erp", "error": "CrawlerFailed", "cause": "the last crawl ended as FAILED"}]],
    )
    assert answer["outcome"] == "DEGRADED"
    assert {found["where"] for found in report["problems"]} == {"crm.account", "CrawlRaw lake-raw-erp"}
    assert "https://crm.example refused the token" in answer["message"]


def test_an_event_with_a_key_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="extraction\n"):
        SettleRun.model_validate({"run_id": "r", "execution": ME, "extractions": [], "extraction": []})
