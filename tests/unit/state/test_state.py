"""State is written on conditions; who lost its lease writes nothing."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lake.extract.errors import LeaseHeld, LeaseLost
from lake.raw.store import RawBucket
from lake.state.entity import GRACE, EntityState, StateTable
from lake.state.runs import RunRecords
from lake.state.source import Allowance, LimitsItem
from tests.support.state_table import TABLE

if TYPE_CHECKING:
    from pathlib import Path

ENTITY = "erp.thing"
NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)


@pytest.fixture
def table(dynamodb: Any) -> StateTable:
    return StateTable(dynamodb, TABLE)


@pytest.fixture
def limits(dynamodb: Any) -> LimitsItem:
    return LimitsItem(dynamodb, TABLE, "erp")


def test_an_entity_that_was_never_read_has_an_empty_state(table: StateTable) -> None:
    assert table.read(ENTITY) == EntityState(ENTITY)


def test_a_state_survives_its_table(table: StateTable) -> None:
    taken = table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    full = replace(
        taken,
        watermark=NOW,
        checkpoint={"phase": "rows", "position": ["a"]},
        last_load=17,
        last_data_on="2026-11-16",
        fingerprints="fingerprints/x",
        resume_at=LATER,
        swept_at=NOW,
        source_count={"count": 3, "at": "2026-11-16T06:00:00.000000Z"},
        refreshed_at=NOW,
        feed_until=LATER,
        delta={"link": "https://x/y?$deltatoken=1"},
        window={"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
        finished_at=LATER,
    )
    table.finish(full)
    assert table.read(ENTITY) == replace(full, lease_owner=None, lease_until=None)
    table.finish(replace(taken, last_load=18))
    assert table.read(ENTITY) == EntityState(ENTITY, token=1, last_load=18)


def test_lanes_of_an_entity_know_nothing_of_each_other(table: StateTable) -> None:
    live = table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    past = table.acquire(table.read(ENTITY, "backfill#1"), "run-2", NOW, LATER)
    table.finish(replace(past, last_load=3))
    table.finish(replace(live, last_load=4, watermark=NOW))
    assert table.read(ENTITY) == EntityState(ENTITY, token=1, last_load=4, watermark=NOW)
    assert table.read(ENTITY, "backfill#1") == EntityState(ENTITY, "backfill#1", token=1, last_load=3)


def test_the_pipelines_holder_takes_the_live_lane_alone(table: StateTable, dynamodb: Any) -> None:
    table.acquire(table.read(ENTITY, "backfill#1"), "run-1", NOW, LATER)
    dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "pipeline"}, "sk": {"S": "lease"}, "run_id": {"S": "run-2"}})
    with pytest.raises(LeaseHeld):
        table.acquire(table.read(ENTITY, "backfill#1"), "run-2", NOW, LATER)


def wish(dynamodb: Any, text: str) -> None:
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"entity#{ENTITY}"}, "sk": {"S": "live"}},
        UpdateExpression="SET reload = :wish",
        ExpressionAttributeValues={":wish": {"S": text}},
    )


def test_a_wish_for_a_reload_outlives_who_did_not_know_of_it(table: StateTable, dynamodb: Any) -> None:
    taken = table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    wish(dynamodb, "first")
    table.finish(taken)
    assert table.read(ENTITY).reload == "first"
    wish(dynamodb, "second")
    table.reloaded(ENTITY, "first")
    assert table.read(ENTITY).reload == "second"
    table.reloaded(ENTITY, "second")
    assert table.read(ENTITY).reload is None


def test_a_fetch_list_is_taken_away_by_who_has_read_it(table: StateTable, dynamodb: Any) -> None:
    assert table.key_list("fetch", ENTITY) is None
    item = {"pk": {"S": "fetch"}, "sk": {"S": ENTITY}, "list": {"S": "fetches/2"}, "keys": {"N": "3"}}
    dynamodb.put_item(TableName=TABLE, Item=item)
    table.done_with("fetch", ENTITY, "fetches/1")
    assert table.key_list("fetch", ENTITY) == "fetches/2"
    table.done_with("fetch", ENTITY, "fetches/2")
    assert table.key_list("fetch", ENTITY) is None


def test_a_lease_ends_a_minute_behind_the_deadline(table: StateTable) -> None:
    taken = table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    assert (taken.lease_owner, taken.lease_until, taken.token) == ("run-1", LATER + GRACE, 1)
    with pytest.raises(LeaseHeld, match=r"erp\.thing is worked on by run-1 until 2026-11-16T06:16"):
        table.acquire(table.read(ENTITY), "run-2", LATER + GRACE - timedelta(seconds=1), LATER)
    assert table.acquire(table.read(ENTITY), "run-2", LATER + GRACE, LATER).token == 2


def test_the_same_run_and_the_pipelines_holder_take_a_lease_at_once(table: StateTable, dynamodb: Any) -> None:
    table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    assert table.acquire(table.read(ENTITY), "run-1", NOW, LATER).token == 2
    dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "pipeline"}, "sk": {"S": "lease"}, "run_id": {"S": "run-2"}})
    assert table.acquire(table.read(ENTITY), "run-2", NOW, LATER).token == 3
    with pytest.raises(LeaseHeld):
        table.acquire(table.read(ENTITY), "run-3", NOW, LATER)


def test_who_was_taken_over_writes_nothing(table: StateTable) -> None:
    stalled = table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    table.acquire(table.read(ENTITY), "run-1", NOW, LATER)
    with pytest.raises(LeaseLost, match="another extractor took over"):
        table.finish(replace(stalled, last_load=99))
    assert table.read(ENTITY).last_load == 0


def test_one_of_two_who_saw_a_lease_free_gets_it(table: StateTable) -> None:
    seen = table.read(ENTITY)
    assert table.acquire(seen, "run-1", NOW, LATER).token == 1
    with pytest.raises(LeaseHeld, match="taken by somebody else at this moment"):
        table.acquire(seen, "run-2", NOW, LATER)
    assert (table.read(ENTITY).lease_owner, table.read(ENTITY).token) == ("run-1", 1)


def test_other_errors_of_the_table_are_not_taken_for_lost_leases(dynamodb: Any) -> None:
    missing = StateTable(dynamodb, "elsewhere")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        missing.acquire(EntityState(ENTITY), "run-1", NOW, LATER)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        missing.finish(EntityState(ENTITY))
    with pytest.raises(ClientError, match="ResourceNotFound"):
        LimitsItem(dynamodb, "elsewhere", "erp").add(1, NOW, None)


def test_requests_of_a_day_are_counted_and_the_next_day_begins_at_none(limits: LimitsItem) -> None:
    assert limits.read(None, NOW) == Allowance(None, None)
    limits.add(40, NOW, None)
    limits.add(2, NOW, None)
    assert limits.read(100, NOW) == Allowance(58, None)
    tomorrow = NOW + timedelta(days=1)
    assert limits.read(100, tomorrow) == Allowance(100, None)
    limits.add(5, tomorrow, None)
    assert limits.read(100, tomorrow) == Allowance(95, None)


def test_a_day_that_is_used_up_pauses_until_the_next(limits: LimitsItem) -> None:
    limits.add(100, NOW, None)
    assert limits.read(100, NOW) == Allowance(0, datetime(2026, 11, 17, tzinfo=UTC))
    assert limits.read(None, NOW) == Allowance(None, None)


def test_a_quotas_pause_holds_until_it_is_over(limits: LimitsItem) -> None:
    limits.add(1, NOW, LATER)
    assert limits.read(None, NOW).paused_until == LATER
    limits.add(1, NOW + timedelta(days=1), LATER + timedelta(days=1))
    assert limits.read(None, NOW + timedelta(days=1)).paused_until == LATER + timedelta(days=1)
    assert limits.read(None, LATER + timedelta(days=1)).paused_until is None


def test_whoever_comes_second_on_a_new_day_adds_to_the_count(limits: LimitsItem, dynamodb: Any) -> None:
    """Between the two conditional writes of the second, the first begins the day."""
    limits.add(1000, NOW - timedelta(days=1), None)
    calls: list[str] = []

    def interfere(params: dict[str, Any], **_: Any) -> None:
        calls.append(params["ConditionExpression"])
        if len(calls) == 2:
            LimitsItem(boto3.client("dynamodb"), TABLE, "erp").add(7, NOW, None)

    dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", interfere)
    limits.add(3, NOW, None)
    assert limits.read(100, NOW).requests == 90
    assert len(calls) == 3


def test_a_runs_records_are_read_back_by_name(dynamodb: Any) -> None:
    records = RunRecords(dynamodb, TABLE)
    records.write("run-1", "extract#erp.thing#1", {"landed": 1})
    records.write("run-1", "extract#erp.thing#1", {"landed": 2})
    records.write("run-1", "marts", {"fct": 3})
    records.write("run-2", "marts", {"fct": 4})
    assert records.read("run-1") == {"extract#erp.thing#1": {"landed": 2}, "marts": {"fct": 3}}
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "run#run-1"}, "sk": {"S": "marts"}})["Item"]
    assert int(item["expires_at"]["N"]) > datetime.now(UTC).timestamp()


def test_an_object_of_raw_is_put_once(dynamodb: Any, tmp_path: Path) -> None:
    assert dynamodb
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    raw = RawBucket(s3, "raw")
    assert raw.get("a") is None
    assert raw.put_new("a", b"first")
    assert not raw.put_new("a", b"second")
    assert raw.get("a") == b"first"
    raw.put("a", b"third")
    assert raw.get("a") == b"third"
    (tmp_path / "part").write_bytes(b"rows")
    digest = hashlib.sha256(b"rows").digest()
    raw.upload("b", tmp_path / "part", digest.hex())
    assert raw.get("b") == b"rows"
    kept = s3.head_object(Bucket="raw", Key="b", ChecksumMode="ENABLED")
    assert base64.b64decode(kept["ChecksumSHA256"]) == digest


def test_a_race_for_a_number_is_run_again_and_other_errors_are_raised(dynamodb: Any) -> None:
    assert dynamodb
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    answers = ["ConditionalRequestConflict"]

    def race(**_: Any) -> None:
        if answers:
            raise ClientError({"Error": {"Code": answers.pop()}}, "PutObject")

    s3.meta.events.register("before-call.s3.PutObject", race)
    assert RawBucket(s3, "raw").put_new("a", b"x")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        RawBucket(s3, "elsewhere").put_new("a", b"x")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        RawBucket(s3, "elsewhere").get("a")
