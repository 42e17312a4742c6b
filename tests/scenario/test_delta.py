"""Delta links: what the source tells by itself, and what is done where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.plan import Deletes
from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.raw_lake import RawLake, Source

ORDERS = "erp.sales_order"
TRACKED: dict[str, Any] = {"deletes": (Deletes("delta_link"),), "full_refresh_s": None}
SWEPT: dict[str, Any] = TRACKED | {"deletes": (Deletes("delta_link"), Deletes("key_sweep", every_s=86_400))}
REFRESHED: dict[str, Any] = TRACKED | {"full_refresh_s": 86_400}


@pytest.fixture
def tracking(erp: Source) -> Iterator[Source]:
    """The ERP, which gives delta links."""
    erp.control.track_changes()
    yield erp
    erp.control.track_changes("ignored")


def order(erp: Source, place: int) -> str:
    return str(erp.rows("A_SalesOrder")[place]["SalesOrder"])


def reasons(lake: RawLake) -> list[str]:
    return [manifest["reason"] for manifest in lake.manifests(ORDERS)]


def notes(lake: RawLake) -> list[str]:
    return [note for record in lake.world("erp").runs.read(lake.run_id).values() for note in record["notes"]]


@pytest.mark.parametrize("notation", ["4.0", "4.01"])
def test_a_delta_link_brings_changes_and_deletions(raw_lake: RawLake, tracking: Source, notation: str) -> None:
    tracking.control.track_changes(notation=notation)
    raw_lake.run(ORDERS, page_size=100, **TRACKED)
    assert set(reasons(raw_lake)) == {"refresh"}
    silent, *gone = [order(tracking, place) for place in range(4)]
    tracking.control.change(ORDERS, silent, {"ExternalDocumentID": "SILENT"}, stamp="none")
    tracking.control.delete(ORDERS, *gone)
    tracking.control.touch(ORDERS, rows=130)
    tracking.control.advance(hours=1)
    before = len(reasons(raw_lake))
    watermark = raw_lake.state(ORDERS).watermark
    raw_lake.run(ORDERS, page_size=100, **TRACKED)
    assert set(reasons(raw_lake)[before:]) == {"delta"}
    assert {load["kind"] for load in raw_lake.manifests(ORDERS)[before:]} == {"rows", "tombstones"}
    assert raw_lake.state(ORDERS).watermark != watermark
    assert_raw_equals_source(raw_lake, tracking, ORDERS)


def test_a_delta_goes_on_over_many_invocations(raw_lake: RawLake, tracking: Source) -> None:
    raw_lake.run(ORDERS, requests_allowed=2, page_size=200, **TRACKED)
    tracking.control.delete(ORDERS, *[order(tracking, place) for place in range(5, 12)])
    tracking.control.touch(ORDERS, rows=300)
    tracking.control.advance(hours=1)
    results = raw_lake.run(ORDERS, requests_allowed=2, page_size=50, **TRACKED)
    assert len(results) > 3
    assert_raw_equals_source(raw_lake, tracking, ORDERS)


def test_a_delta_without_news_writes_nothing(raw_lake: RawLake, tracking: Source) -> None:
    raw_lake.run(ORDERS, **TRACKED)
    tracking.control.advance(hours=1)
    objects = raw_lake.keys()
    (quiet,) = raw_lake.run(ORDERS, **TRACKED)
    assert (quiet.loads, raw_lake.keys()) == ((), objects)


def test_a_delta_link_that_the_source_forgot_is_made_good_by_a_full_refresh(
    raw_lake: RawLake, tracking: Source
) -> None:
    raw_lake.run(ORDERS, **TRACKED)
    tracking.control.delete(ORDERS, order(tracking, 13))
    tracking.control.expire_delta_links()
    tracking.control.advance(hours=1)
    raw_lake.run(ORDERS, **TRACKED)
    assert reasons(raw_lake)[-1] == "refresh"
    assert any("no longer knows its delta link" in note for note in notes(raw_lake))
    assert_raw_equals_source(raw_lake, tracking, ORDERS)
    tracking.control.delete(ORDERS, order(tracking, 14))
    tracking.control.advance(hours=1)
    raw_lake.run(ORDERS, **TRACKED)
    assert reasons(raw_lake)[-1] == "delta"
    assert_raw_equals_source(raw_lake, tracking, ORDERS)


def test_links_that_are_good_for_one_use_are_followed_one_after_the_other(raw_lake: RawLake, tracking: Source) -> None:
    tracking.control.track_changes(once=True)
    raw_lake.run(ORDERS, **TRACKED)
    for place in (15, 16):
        tracking.control.delete(ORDERS, order(tracking, place))
        tracking.control.advance(hours=1)
        raw_lake.run(ORDERS, **TRACKED)
        assert reasons(raw_lake)[-1] == "delta"
    assert_raw_equals_source(raw_lake, tracking, ORDERS)


@pytest.mark.parametrize("mode", ["ignored", "refused"])
@pytest.mark.parametrize(
    ("plan", "falls_back_to"), [(SWEPT, "sweep"), (REFRESHED, "refresh")], ids=["key_sweep", "full_refresh"]
)
def test_a_source_that_gives_no_delta_link_is_swept_or_refreshed(
    raw_lake: RawLake, tracking: Source, mode: str, plan: dict[str, Any], falls_back_to: str
) -> None:
    tracking.control.track_changes(mode)
    raw_lake.run(ORDERS, **plan)
    assert "refused" in (raw_lake.state(ORDERS).delta or {})
    assert any("gives no delta link" in note for note in notes(raw_lake))
    changed, gone = order(tracking, 20), order(tracking, 21)
    tracking.control.change(ORDERS, changed, {"ExternalDocumentID": "CHANGED"})
    tracking.control.delete(ORDERS, gone)
    tracking.control.advance(hours=1)
    raw_lake.run(ORDERS, **plan)
    assert reasons(raw_lake)[-1] == "window"
    tracking.control.advance(hours=24)
    raw_lake.run(ORDERS, **plan)
    assert reasons(raw_lake)[-1] == falls_back_to
    assert_raw_equals_source(raw_lake, tracking, ORDERS)


def test_deletions_that_nothing_will_show_are_said_loudly(raw_lake: RawLake, tracking: Source) -> None:
    tracking.control.track_changes("ignored")
    raw_lake.run(ORDERS, **TRACKED)
    assert any("DELETIONS ARE NOT SEEN" in note for note in notes(raw_lake))
