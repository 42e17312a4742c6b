"""Windows in pieces, side by side, by days, under caps; backfills beside live runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.plan import Cursor
from lake.extract.errors import BadRequest, LeaseHeld
from lake.instants import from_text, now, to_text
from tests.support.raw_truth import TABLES, assert_raw_equals_source

if TYPE_CHECKING:
    from lake.extract.world import Extracted
    from tests.support.raw_lake import RawLake, Source

ACCOUNTS, PARTNERS, ORDERS = "crm.account", "erp.business_partner", "erp.sales_order"
MONTH = 30 * 86_400
BACKFILL = "backfill#april"


def side_by_side(lake: RawLake, most: int = 4) -> None:
    lake.sources = {name: replace(source, parallel_windows=most) for name, source in lake.sources.items()}


def landed(results: list[Extracted]) -> int:
    return sum(result.counts.landed for result in results)


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_an_initial_extraction_in_pieces_lands_every_row_once(
    raw_lake: RawLake, crm: Source, erp: Source, entity: str
) -> None:
    source = {"crm": crm, "erp": erp}[entity.partition(".")[0]]
    side_by_side(raw_lake)
    results = raw_lake.run(entity, window_s=MONTH)
    assert landed(results) == len(source.rows(TABLES[entity]))
    assert_raw_equals_source(raw_lake, source, entity)
    objects = raw_lake.keys()
    source.control.advance(hours=0.1)
    (quiet,) = raw_lake.run(entity)
    assert (quiet.counts.landed, raw_lake.keys()) == (0, objects)


def test_pieces_are_read_on_where_the_last_invocation_left_them(raw_lake: RawLake, erp: Source) -> None:
    side_by_side(raw_lake, 3)
    year = 365 * 86_400
    first = raw_lake.invoke(ORDERS, requests_allowed=6, page_size=40, window_s=year)
    opened = (raw_lake.state(ORDERS).checkpoint or {})["open"]
    assert first.status == "CONTINUE"
    assert sum(piece["position"] is not None for piece in opened) > 1
    assert raw_lake.state(ORDERS).watermark is None
    results = [first, *raw_lake.run(ORDERS, requests_allowed=6, page_size=40, window_s=year)]
    assert landed(results) == len(erp.rows("A_SalesOrder"))
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_a_window_of_more_rows_than_a_query_gives_is_halved_until_each_is_read(raw_lake: RawLake, erp: Source) -> None:
    erp.control.fault("result_cap", rows=150)
    capped: dict[str, Any] = {"paging": "server", "result_cap": 150, "page_size": 100}
    results = raw_lake.run(ORDERS, **capped)
    assert landed(results) >= len(erp.rows("A_SalesOrder"))
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_more_rows_of_one_instant_than_a_query_gives_are_read_by_key(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    erp.control.advance(hours=1)
    touched = erp.control.touch(ORDERS, rows=400)
    erp.control.advance(hours=1)
    erp.control.fault("result_cap", rows=150)
    results = raw_lake.run(ORDERS, paging="server", result_cap=150, page_size=100)
    assert touched == 400
    assert landed(results) >= touched
    assert_raw_equals_source(raw_lake, erp, ORDERS)


BY_DAY: dict[str, Any] = {
    "cursor": Cursor(
        "split",
        ("LastChangeDate", "LastChangeTime"),
        0,
        "Europe/Berlin",
        "stand_in",
        ("CreationDate", "CreationTime"),
        by_day=True,
    )
}
DAYS: dict[str, Any] = {"cursor": Cursor("day", ("LastChangeDate",), 0, "Europe/Berlin", "stand_in", ("CreationDate",))}


@pytest.mark.parametrize("plan", [BY_DAY, DAYS], ids=["split", "day"])
def test_a_source_that_compares_days_alone_loses_no_row_and_repeats_none(
    raw_lake: RawLake, erp: Source, plan: dict[str, Any]
) -> None:
    first = raw_lake.run(PARTNERS, page_size=90, **plan)
    assert landed(first) == len(erp.rows("A_BusinessPartner"))
    for hours in (5, 14, 0.2, 9):
        changed = erp.control.touch(PARTNERS, rows=7)
        erp.control.advance(hours=hours)
        results = raw_lake.run(PARTNERS, page_size=90, **plan)
        assert landed(results) == changed
        assert_raw_equals_source(raw_lake, erp, PARTNERS)
    erp.control.advance(hours=0.1)
    (quiet,) = raw_lake.run(PARTNERS, **plan)
    assert quiet.counts.landed == 0


def test_a_backfill_reads_its_range_again_beside_live_runs(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    stamps = sorted(str(row["LastChangeDateTime"]) for row in erp.rows("A_SalesOrder") if row["LastChangeDateTime"])
    window = {"from": stamps[100], "to": stamps[400]}
    inside = [stamp for stamp in stamps if window["from"] <= stamp < window["to"]]
    before = raw_lake.state(ORDERS)
    side_by_side(raw_lake, 2)
    first = raw_lake.invoke(ORDERS, lane=BACKFILL, window=window, requests_allowed=2, page_size=50, window_s=MONTH)
    assert first.status == "CONTINUE"
    erp.control.touch(ORDERS, rows=5)
    erp.control.advance(hours=0.1)
    live = raw_lake.run(ORDERS)
    rest = raw_lake.run(ORDERS, lane=BACKFILL, requests_allowed=2, page_size=50, window_s=MONTH)
    loads = [load for load in raw_lake.manifests(ORDERS) if load["lane"] == BACKFILL]
    assert {load["reason"] for load in loads} == {"backfill"}
    assert landed([first, *rest]) == len(inside)
    assert landed(live) >= 5
    assert [load["load"] for load in raw_lake.manifests(ORDERS)] == list(range(1, len(raw_lake.manifests(ORDERS)) + 1))
    assert (raw_lake.state(ORDERS).watermark or now()) > (before.watermark or now())
    state = raw_lake.state(ORDERS, BACKFILL)
    assert (state.checkpoint, state.finished_at is None, state.window) == (None, False, window)
    assert_raw_equals_source(raw_lake, erp, ORDERS)
    objects = raw_lake.keys()
    assert raw_lake.invoke(ORDERS, lane=BACKFILL, window=window).status == "DONE"
    assert raw_lake.keys() == objects


def test_a_row_that_goes_back_behind_a_backfill_lands_again(raw_lake: RawLake, erp: Source) -> None:
    """What the live lane's fingerprints know of it is older than what the backfill landed."""
    row = next(row for row in erp.rows("A_SalesOrder") if row["LastChangeDateTime"])
    key, stamp = str(row["SalesOrder"]), from_text(str(row["LastChangeDateTime"]))

    def say(text: str, at: str | None) -> None:
        erp.control.change(ORDERS, key, {"ExternalDocumentID": text}, stamp=at)
        erp.control.advance(hours=0.1)

    say("A", None)
    raw_lake.run(ORDERS)
    say("B", to_text(stamp))
    raw_lake.run(ORDERS, lane=BACKFILL, window={"from": to_text(stamp), "to": to_text(stamp + timedelta(seconds=1))})
    assert raw_lake.newest(ORDERS)[(key,)]["ExternalDocumentID"] == "B"
    say("A", None)
    raw_lake.run(ORDERS)
    assert raw_lake.newest(ORDERS)[(key,)]["ExternalDocumentID"] == "A"


@pytest.mark.parametrize(
    "window",
    [
        None,
        {},
        {"from": None, "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_backfill_without_a_window_that_makes_sense_is_refused(
    raw_lake: RawLake, erp: Source, window: dict[str, Any] | None
) -> None:
    with pytest.raises(BadRequest, match=r"window"):
        raw_lake.invoke(ORDERS, lane=BACKFILL, window=window)
    assert raw_lake.keys() == []


def test_the_pipelines_holder_does_not_take_over_a_backfill(raw_lake: RawLake, erp: Source) -> None:
    table = raw_lake.world("erp").table
    table.acquire(table.read(ORDERS, BACKFILL), "other", now(), now() + timedelta(minutes=15))
    raw_lake.hold_pipeline(raw_lake.run_id)
    with pytest.raises(LeaseHeld, match="worked on by other"):
        raw_lake.invoke(ORDERS, lane=BACKFILL, window={"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"})
