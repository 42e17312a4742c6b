"""Delta links of OData v4: what the source says has changed, and the fall-back where it says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lake.contract.plan import Deletes
from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.raw_lake import RawLake, Source

ORDER = "erp.sales_order"


@pytest.fixture
def tracked(raw_lake: RawLake) -> RawLake:
    """The lake with orders whose deletions the source is to tell."""
    plan = raw_lake.plans[ORDER]
    plan = replace(plan, deletes=(Deletes("delta_link"), *plan.deletes))
    raw_lake.plans = raw_lake.plans | {ORDER: plan}
    return raw_lake


@pytest.fixture
def tracking(erp: Source) -> Iterator[Source]:
    """The ERP, which gives delta links."""
    erp.control.track_changes("on")
    yield erp
    erp.control.track_changes("ignored")


def order(source: Source, place: int) -> str:
    return str(source.rows("A_SalesOrder")[place]["SalesOrder"])


def reasons(lake: RawLake) -> list[str]:
    return [manifest["reason"] for manifest in lake.manifests(ORDER)]


@pytest.mark.parametrize(("notation", "once"), [("4.0", False), ("4.01", True)])
def test_a_delta_link_brings_silent_changes_and_deletions(
    tracked: RawLake, tracking: Source, notation: str, once: bool
) -> None:
    tracking.control.track_changes("on", once=once, notation=notation)
    tracked.run(ORDER)
    assert_raw_equals_source(tracked, tracking, ORDER)
    before = len(tracked.manifests(ORDER))
    tracking.control.change(ORDER, order(tracking, 5), {"ExternalDocumentID": f"SILENT {notation}"}, stamp="none")
    tracking.control.delete(ORDER, order(tracking, 9), order(tracking, 11))
    tracking.control.advance(hours=1)
    results = tracked.run(ORDER)
    assert reasons(tracked)[before:] == ["delta", "delta"]
    assert sum(result.counts.landed for result in results) == 1
    assert_raw_equals_source(tracked, tracking, ORDER)
    (quiet,) = tracked.run(ORDER)
    assert (quiet.loads, len(tracked.manifests(ORDER))) == ((), before + 2)


def test_a_delta_answer_of_many_pages_is_followed_over_many_invocations(tracked: RawLake, tracking: Source) -> None:
    tracked.run(ORDER, page_size=100)
    tracking.control.touch(ORDER, rows=330)
    tracking.control.delete(ORDER, order(tracking, 1))
    tracking.control.advance(hours=1)
    assert len(tracked.run(ORDER, page_size=100, requests_allowed=3)) > 1
    assert_raw_equals_source(tracked, tracking, ORDER)


def test_a_delta_link_that_the_source_forgot_makes_everything_come_again(tracked: RawLake, tracking: Source) -> None:
    tracked.run(ORDER)
    tracking.control.change(ORDER, order(tracking, 6), {"ExternalDocumentID": "MISSED"}, stamp="none")
    tracking.control.delete(ORDER, order(tracking, 7))
    assert tracking.control.expire_delta_links() > 0
    tracking.control.advance(hours=1)
    tracked.run(ORDER)
    assert reasons(tracked)[-1] == "refresh"
    assert "link" in (tracked.state(ORDER).delta or {})
    assert_raw_equals_source(tracked, tracking, ORDER)


@pytest.mark.parametrize("mode", ["ignored", "refused"])
def test_a_source_that_gives_no_delta_link_is_read_by_windows_and_swept(
    tracked: RawLake, tracking: Source, mode: str
) -> None:
    tracking.control.track_changes(mode)
    tracked.run(ORDER)
    assert "refused" in (tracked.state(ORDER).delta or {})
    tracking.control.change(ORDER, order(tracking, 8), {"ExternalDocumentID": mode})
    tracking.control.delete(ORDER, order(tracking, 9))
    tracking.control.advance(hours=25)
    tracked.run(ORDER)
    assert_raw_equals_source(tracked, tracking, ORDER)
