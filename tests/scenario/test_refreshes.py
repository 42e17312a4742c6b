"""Full refreshes, reloads, fetch lists, and entities that are nothing but refreshed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lake.contract.plan import NO_CURSOR, Deletes
from tests.support.raw_lake import BUCKET, TABLE
from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ORDERS = "erp.sales_order"
DAILY = {"full_refresh_s": 86_400, "deletes": ()}
STAMPLESS = {"cursor": NO_CURSOR, "full_refresh_s": 3_600, "deletes": ()}


def order(erp: Source, place: int) -> str:
    return str(erp.rows("A_SalesOrder")[place]["SalesOrder"])


def want_reload(lake: RawLake, wish: str) -> None:
    lake.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"entity#{ORDERS}"}, "sk": {"S": "live"}},
        UpdateExpression="SET reload = :wish",
        ExpressionAttributeValues={":wish": {"S": wish}},
    )


def reasons(lake: RawLake) -> list[str]:
    return [manifest["reason"] for manifest in lake.manifests(ORDERS)]


def test_a_refresh_that_is_due_sees_silent_changes_and_deletions(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **DAILY)
    silent, *gone = [order(erp, place) for place in range(30, 34)]
    erp.control.change(ORDERS, silent, {"ExternalDocumentID": "SILENT"}, stamp="none")
    erp.control.delete(ORDERS, *gone)
    erp.control.advance(hours=1)
    raw_lake.run(ORDERS, **DAILY)
    assert raw_lake.newest(ORDERS)[(silent,)]["ExternalDocumentID"] != "SILENT"
    erp.control.advance(hours=24)
    raw_lake.run(ORDERS, **DAILY)
    assert reasons(raw_lake)[-1] == "refresh"
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_a_refresh_goes_on_over_many_invocations_and_names_all_its_loads(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **DAILY)
    erp.control.delete(ORDERS, order(erp, 35))
    erp.control.advance(hours=25)
    before = len(raw_lake.manifests(ORDERS))
    raw_lake.run(ORDERS, requests_allowed=2, page_size=300, **DAILY)
    *_, last = raw_lake.manifests(ORDERS)
    assert last["sweep"]["last"]
    assert last["sweep"]["loads"] == list(range(before + 1, last["load"] + 1))
    assert len(last["sweep"]["loads"]) > 1
    assert_raw_equals_source(raw_lake, erp, ORDERS)
    assert len(raw_lake.versions(ORDERS)) > len(erp.rows("A_SalesOrder"))


def test_behind_a_refresh_a_run_without_news_writes_nothing(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **DAILY)
    erp.control.advance(hours=25)
    erp.control.change(ORDERS, order(erp, 36), {"ExternalDocumentID": "NO STAMP"}, stamp=None)
    raw_lake.run(ORDERS, **DAILY)
    erp.control.advance(hours=0.2)
    objects = raw_lake.keys()
    (quiet,) = raw_lake.run(ORDERS, **DAILY)
    assert (quiet.counts.landed, raw_lake.keys()) == (0, objects)
    assert quiet.counts.repeated > 0


def test_a_reload_reads_all_again_at_once_and_takes_the_wish_away(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    silent = order(erp, 37)
    erp.control.change(ORDERS, silent, {"ExternalDocumentID": "MIGRATED"}, stamp="none")
    want_reload(raw_lake, '{"who": "operator", "why": "the source was migrated"}')
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS, requests_allowed=2, page_size=300)
    assert raw_lake.newest(ORDERS)[(silent,)]["ExternalDocumentID"] == "MIGRATED"
    assert raw_lake.state(ORDERS).reload is None
    objects = raw_lake.keys()
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS)
    assert raw_lake.keys() == objects


def test_another_wish_for_a_reload_that_came_meanwhile_is_kept(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    want_reload(raw_lake, '{"at": "1"}')
    assert raw_lake.invoke(ORDERS, requests_allowed=2).status == "CONTINUE"
    want_reload(raw_lake, '{"at": "2"}')
    raw_lake.run(ORDERS)
    assert raw_lake.state(ORDERS).reload == '{"at": "2"}'
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS)
    assert raw_lake.state(ORDERS).reload is None
    assert reasons(raw_lake).count("refresh") > 2


def test_after_a_backup_was_restored_a_reload_brings_back_what_the_source_has(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    erp.control.snapshot()
    erp.control.touch(ORDERS, rows=20)
    erp.control.delete(ORDERS, order(erp, 40))
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS)
    erp.control.restore()
    want_reload(raw_lake, '{"why": "restored"}')
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS)
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_without_a_cursor_the_refresh_is_the_window_and_lands_changes_alone(raw_lake: RawLake, erp: Source) -> None:
    first = raw_lake.run(ORDERS, **STAMPLESS)
    assert sum(result.counts.landed for result in first) == len(erp.rows("A_SalesOrder"))
    erp.control.advance(hours=0.5)
    (early,) = raw_lake.run(ORDERS, **STAMPLESS)
    assert early.counts.received == 0
    changed = order(erp, 41)
    erp.control.change(ORDERS, changed, {"ExternalDocumentID": "STAMPLESS"}, stamp="none")
    erp.control.advance(hours=1)
    later = raw_lake.run(ORDERS, requests_allowed=2, page_size=300, **STAMPLESS)
    assert sum(result.counts.landed for result in later) == 1
    assert raw_lake.newest(ORDERS)[(changed,)]["ExternalDocumentID"] == "STAMPLESS"
    objects = raw_lake.keys("data/") + raw_lake.keys("manifests/")
    erp.control.advance(hours=1.1)
    raw_lake.run(ORDERS, **STAMPLESS)
    assert raw_lake.keys("data/") + raw_lake.keys("manifests/") == objects


def test_a_key_that_vanishes_between_refreshes_without_a_cursor_brings_a_sweep_on(
    raw_lake: RawLake, erp: Source
) -> None:
    plan: dict[str, Any] = STAMPLESS | {"deletes": (Deletes("key_sweep", every_s=864_000),)}
    raw_lake.run(ORDERS, **plan)
    erp.control.delete(ORDERS, order(erp, 42))
    erp.control.advance(hours=1.1)
    raw_lake.run(ORDERS, **plan)
    assert raw_lake.manifests(ORDERS)[-1]["kind"] == "keys"
    assert_raw_equals_source(raw_lake, erp, ORDERS)
    loads = len(raw_lake.manifests(ORDERS))
    erp.control.advance(hours=1.1)
    raw_lake.run(ORDERS, **plan)
    assert len(raw_lake.manifests(ORDERS)) == loads


def put_fetch_list(lake: RawLake, load: int, keys: list[str]) -> str:
    name = f"fetches/erp/sales_order/{load:012}.json"
    body = {"entity": ORDERS, "load": load, "sweep": "s", "keys": [[key] for key in keys], "left_out": 0}
    lake.s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(body).encode())
    item = {"pk": {"S": "fetch"}, "sk": {"S": ORDERS}, "list": {"S": name}, "keys": {"N": str(len(keys))}}
    lake.dynamodb.put_item(TableName=TABLE, Item=item)
    return name


def test_a_fetch_list_is_read_by_key_and_then_gone(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    wanted = [order(erp, place) for place in range(60, 190)]
    put_fetch_list(raw_lake, 1, [*wanted, "no such order"])
    erp.control.advance(hours=0.1)
    began = datetime.now(UTC)
    raw_lake.run(ORDERS, requests_allowed=1, page_size=20)
    fetched = [load for load in raw_lake.manifests(ORDERS) if load["reason"] == "fetch"]
    assert sum(load["rows"] for load in fetched) == len(wanted)
    assert len(fetched) > 1
    assert all(raw_lake.newest(ORDERS)[(key,)]["_observed_at"] > began for key in wanted)
    assert raw_lake.world("erp").table.key_list("fetch", ORDERS) is None


def test_a_fetched_row_that_goes_back_to_what_it_was_lands_again(raw_lake: RawLake, erp: Source) -> None:
    """What the fingerprints know of it is older than what was fetched."""
    key = order(erp, 43)

    def say(text: str) -> None:
        erp.control.change(ORDERS, key, {"ExternalDocumentID": text}, stamp=None)
        erp.control.advance(hours=0.1)

    say("A")
    raw_lake.run(ORDERS)
    say("B")
    put_fetch_list(raw_lake, 1, [key])
    assert raw_lake.invoke(ORDERS).loads
    say("A")
    raw_lake.run(ORDERS)
    assert raw_lake.newest(ORDERS)[(key,)]["ExternalDocumentID"] == "A"


def test_a_fetch_list_that_came_meanwhile_is_kept(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    put_fetch_list(raw_lake, 1, [order(erp, place) for place in range(100)])
    erp.control.advance(hours=0.1)
    assert raw_lake.invoke(ORDERS, requests_allowed=1).status == "CONTINUE"
    later = put_fetch_list(raw_lake, 2, [order(erp, 0)])
    while (
        raw_lake.world("erp").table.key_list("fetch", ORDERS) == later and raw_lake.state(ORDERS).checkpoint is not None
    ):
        raw_lake.invoke(ORDERS, requests_allowed=1)
    assert raw_lake.world("erp").table.key_list("fetch", ORDERS) == later


def test_a_fetch_list_that_is_not_there_is_said_and_taken_away(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    name = put_fetch_list(raw_lake, 1, [order(erp, 0)])
    raw_lake.s3.delete_object(Bucket=BUCKET, Key=name)
    erp.control.advance(hours=0.1)
    (result,) = raw_lake.run(ORDERS)
    assert result.notes == (f"the fetch list {name} is not there: nothing was fetched by it",)
    assert raw_lake.world("erp").table.key_list("fetch", ORDERS) is None


def test_under_another_contract_what_was_being_read_begins_again(raw_lake: RawLake, erp: Source) -> None:
    first = raw_lake.invoke(ORDERS, requests_allowed=3, page_size=100)
    assert first.status == "CONTINUE"
    (second,) = raw_lake.run(ORDERS, page_size=200)
    assert second.counts.landed == len(erp.rows("A_SalesOrder"))
    assert any("contract has changed" in note for note in second.notes)
    assert_raw_equals_source(raw_lake, erp, ORDERS)
