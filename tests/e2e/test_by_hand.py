"""What an operator does by hand beside the runs: a past range read again, an entity read whole, state set back and restored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deployed import ROOT
from tests.e2e.runs import ORDERS, assert_balanced, assert_made_good, good_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.deployed import DeployedLake
    from tests.e2e.runs import Differences

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("changed")]

BACKFILLS = sorted((ROOT / "events" / "backfills").glob("*.json"))
FINISHED_WITHIN_S = 120


@pytest.fixture(autouse=True)
def calm(lake: DeployedLake) -> Iterator[None]:
    """Ends a test's trouble, whatever comes of the test."""
    yield
    lake.erp.fault("none")


def test_a_past_range_is_read_beside_a_live_run_and_moves_no_watermark(lake: DeployedLake) -> None:
    lake.erp.touch(ORDERS, rows=50)
    lake.erp.advance(hours=0.5)
    lake.erp.fault("http", status=503, retry_after=3, times=2)  # the live run is held up in the middle of its reading
    execution = lake.start({"entities": [ORDERS]})
    run_id = execution.rpartition(":")[2]
    lake.until(lambda: state(lake).get("lease_owner") == run_id, "the live run reads the orders")
    asked = lake.lake("backfill", ORDERS, "--from=2026-10-01", "--to=2026-11-01", "--json")
    run = lake.wait(execution)

    assert asked.returncode == 0, asked.stderr
    assert run.outcome == "GOOD", run.report
    backfill = json.loads(asked.stdout)
    landed = run.entity(ORDERS)["extracted"]["landed"]
    assert landed >= 50
    assert backfill["landed"] > 0
    written = [manifest for manifest in manifests(lake) if manifest["run_id"] in (run_id, backfill["backfill"])]
    rows = {lane: sum(each["rows"] for each in written if each["lane"] == lane) for lane in lanes(written)}
    assert rows == {"live": landed, f"backfill#{backfill['backfill']}": backfill["landed"]}
    (window,) = {each["window"]["to"] for each in written if each["lane"] == "live" and each["kind"] == "rows"}
    assert state(lake)["watermark"] == window


@pytest.mark.parametrize("sample", BACKFILLS, ids=lambda path: path.stem)
def test_each_sample_of_a_backfill_reads_its_range_which_the_next_run_curates_though_nothing_else_is_new(
    lake: DeployedLake, differences: Differences, sample: Path
) -> None:
    asked = json.loads(sample.read_text("utf-8"))
    started = lake.aws("stepfunctions").start_execution(
        stateMachineArn=lake.outputs["Backfill"], input=json.dumps(asked)
    )
    ended = lake.wait(started["executionArn"], FINISHED_WITHIN_S)
    assert ended.status == "SUCCEEDED", ended.cause
    window = {"from": asked["from"], "to": asked["to"]}
    assert (ended.output["entity"], ended.output["window"]) == (asked["entity"], window)
    assert ended.output["landed"] > 0
    loads = [each["load"] for each in manifests(lake) if each["run_id"] == ended.run_id]
    assert ended.output["loads"] == loads
    run = assert_made_good(lake, differences)
    assert run.entity(asked["entity"])["extracted"]["landed"] == 0
    assert int(lake.state("curated", asked["entity"])["through"]) >= loads[-1]


def test_a_backfill_that_cannot_be_read_fails_and_people_are_told_what_and_why(lake: DeployedLake) -> None:
    lake.messages()
    asked = {"entity": ORDERS, "from": "2026-11-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    started = lake.aws("stepfunctions").start_execution(
        stateMachineArn=lake.outputs["Backfill"], input=json.dumps(asked)
    )
    ended = lake.wait(started["executionArn"], FINISHED_WITHIN_S)
    assert (ended.status, ended.error) == ("FAILED", "BackfillFailed")
    (told,) = lake.messages()
    for text in (told, str(ended.cause)):
        assert f"{ended.run_id} of {ORDERS} from 2026-11-01T00:00:00Z to 2026-10-01T00:00:00Z stopped" in text
        assert "BadRequest" in text
        assert "ends after it begins" in text


def test_a_reload_has_the_next_run_read_the_entity_whole_and_shows_what_no_stamp_tells_of(
    lake: DeployedLake, differences: Differences
) -> None:
    order, _, _ = good_order(lake, place=1)  # the first one was made a bad one by the chapter before
    lake.erp.change(ORDERS, order, {"ExternalDocumentID": "NO STAMP"}, stamp="none")
    lake.erp.advance(hours=0.5)
    wished = lake.lake("reload", ORDERS, "--why=the ERP was restored")
    assert wished.returncode == 0, wished.stderr
    run = assert_made_good(lake, differences)
    read = run.entity(ORDERS)
    assert read["extracted"]["landed"] == lake.erp.state()["rows"][ORDERS]
    assert read["curated"]["merged"] >= 1
    assert read["unsettled"] == 0
    assert "reload" not in state(lake)


def test_a_watermark_that_is_set_back_lets_rows_land_once_more_and_changes_nothing(
    lake: DeployedLake, differences: Differences
) -> None:
    before = state(lake)["watermark"]
    refused = lake.lake("state", "set", ORDERS, "--watermark=2026-12-01T00:00:00Z", "--why=a mistake")
    assert refused.returncode == 1
    assert "would be left out" in refused.stderr
    done = lake.lake("state", "set", ORDERS, "--watermark=2026-10-01T00:00:00Z", "--why=to see it again", "--json")
    assert done.returncode == 0, done.stderr
    run = assert_made_good(lake, differences)
    kept = run.entity(ORDERS)["curated"]
    assert kept["landed"] > 0
    assert kept["merged"] == 0
    assert state(lake)["watermark"] >= before
    assert audit(lake)[0]["why"] == "to see it again"


def test_a_state_that_was_lost_is_restored_from_the_manifests_and_a_row_of_old_is_fetched_by_key(
    lake: DeployedLake, differences: Differences
) -> None:
    lost = state(lake)
    lake.erp.insert(ORDERS, {"SalesOrder": "0999999999"}, stamp="2026-10-05T12:00:00Z")
    key = {"pk": {"S": f"entity#{ORDERS}"}, "sk": {"S": "live"}}
    lake.aws("dynamodb").delete_item(TableName=lake.outputs["StateTableName"], Key=key)
    lake.erp.advance(hours=25)
    restored = lake.lake("state", "restore", ORDERS, "--why=its item was deleted")
    assert restored.returncode == 0, restored.stderr
    assert state(lake)["last_load"] == lost["last_load"]
    run = lake.run({"entities": [ORDERS]})  # its sweep, which is due, sees a key that no window shows
    assert run.outcome == "GOOD", run.report
    assert_balanced(run)
    assert lake.state("fetch", ORDERS)["keys"] == "1"
    assert_made_good(lake, differences)
    numbers = [manifest["load"] for manifest in manifests(lake)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert lake.state("fetch", ORDERS) == {}


def test_a_comparison_after_a_run_finds_the_same_keys_on_both_sides_whatever_keys_are_made_of(
    lake: DeployedLake,
) -> None:
    """Numbers, several columns with a date among them, and rows that the source flags as deleted."""
    asked = [ORDERS, "erp.exchange_rate", "crm.account"]
    assert lake.run({"entities": asked}).outcome == "GOOD"
    for entity in asked:
        code, found = compared(lake, entity)
        assert code == 0, found
        assert (
            found["source"]["keys"] == found["source"]["count"] == found["lake"]["keys"] + found["lake"]["soft_deleted"]
        )
        assert found["source"]["keys"] > 0
    assert found["lake"]["soft_deleted"] > 0


def test_a_comparison_names_the_keys_that_either_side_lacks_until_a_run_has_read_them_and_changes_nothing(
    lake: DeployedLake, differences: Differences
) -> None:
    gone, _, _ = good_order(lake, place=2)
    ((new,),) = lake.erp.insert(ORDERS, {"SalesOrder": "0888888888"})
    lake.erp.delete(ORDERS, gone, hard=True)
    before = (lake.table_versions(), state(lake))
    code, found = compared(lake, ORDERS)
    assert code == 3
    assert found["only_in_source"] == {"keys": 1, "first": [[new]]}
    assert found["only_in_lake"] == {"keys": 1, "first": [[gone]]}
    assert found["changed_since"] >= 1
    assert (lake.table_versions(), state(lake)) == before
    told = lake.lake("source", "compare", ORDERS).stdout
    assert new in told
    assert gone in told
    lake.erp.advance(hours=25)  # a sweep is due
    assert_made_good(lake, differences)
    assert compared(lake, ORDERS)[0] == 0


def test_after_all_work_by_hand_the_whole_lake_is_what_the_sources_are(differences: Differences) -> None:
    assert differences() == []


def compared(lake: DeployedLake, entity: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a comparison, and what it found."""
    asked = lake.lake("source", "compare", entity, "--json")
    assert asked.stdout, asked.stderr
    return asked.returncode, dict(json.loads(asked.stdout))


def state(lake: DeployedLake) -> dict[str, Any]:
    """The orders' state, as its item has it."""
    return lake.state(f"entity#{ORDERS}", "live")


def audit(lake: DeployedLake) -> list[dict[str, Any]]:
    """The changes of the orders' state by hand, the newest first."""
    asked = lake.lake("state", "audit", ORDERS, "--json")
    assert asked.returncode == 0, asked.stderr
    return list(json.loads(asked.stdout)["changes"])


def manifests(lake: DeployedLake) -> list[dict[str, Any]]:
    """The orders' manifests in the order of their numbers."""
    s3, bucket = lake.aws("s3"), lake.outputs["RawBucketName"]
    prefix = f"manifests/{ORDERS.replace('.', '/')}/"
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def lanes(written: list[dict[str, Any]]) -> set[str]:
    """The lanes that manifests are of."""
    return {each["lane"] for each in written}
