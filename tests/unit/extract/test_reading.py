"""Pages are checked, not trusted; and rows that do not fit stop nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from lake.extract.errors import FilterIgnored, MalformedAnswer, NoProgress, OrderIgnored
from lake.extract.keys import surely_descending
from lake.extract.passes import Pass, key_pass, window_passes
from lake.extract.places import Place, Position, behind
from lake.extract.protocols import DIALECTS
from lake.extract.reading import Reader, ReadPage
from lake.raw.page import read_page
from tests.support.plans import ENVELOPE, field
from tests.support.scripted_pages import NOON, PLAN, Script, at, body, check, row
from tests.support.source_plans import SPLIT_PLAN, WINDOW, source

if TYPE_CHECKING:
    from lake.extract.http import Connection

STAMPED, STAMPLESS = window_passes(PLAN, WINDOW)
SPLIT_STAMPED, STAND_IN, _ = window_passes(SPLIT_PLAN, WINDOW)


def position(reading: Pass, rows: list[dict[str, Any]], plan: Any = PLAN) -> Position | None:
    """Where reading goes on behind a page."""
    place = behind(Place(), read_page(body(rows), plan, ENVELOPE).batch, None, NOON, plan, reading)
    return None if place is None else place.dump(reading)


def test_a_page_says_where_reading_goes_on() -> None:
    rows = [row("a", at(40)), row("b", "2026-11-16T05:45:00.1234567Z")]
    assert position(STAMPED, rows) == {"after": ["2026-11-16T05:45:00.1234567Z", "b"]}
    (page,) = check(STAMPED, rows)
    assert page.cursors.to_pylist() == [at(40), "2026-11-16T05:45:00.1234567Z"]
    assert page.keys.to_pylist() == ['["a"]', '["b"]']


def test_positions_of_dates_and_times_are_literals() -> None:
    rows = [{"Key": "a", "D": "2026-11-16", "T": "06:45:00"}]
    assert position(SPLIT_STAMPED, rows, SPLIT_PLAN) == {"after": ["2026-11-16", "06:45:00", "a"]}


def test_rows_before_the_window_show_that_the_filter_is_ignored() -> None:
    with pytest.raises(FilterIgnored, match=r"from 2026-11-16T05:30.* one of 2026-11-16T05:29.* came"):
        check(STAMPED, [row("a", at(29))])


def test_rows_before_the_position_show_that_the_filter_is_ignored() -> None:
    with pytest.raises(FilterIgnored):
        check(STAMPED, [row("a", at(40))], [row("b", at(39))])


def test_split_stamps_are_held_against_their_bounds() -> None:
    with pytest.raises(FilterIgnored):
        check(SPLIT_STAMPED, [{"Key": "a", "D": "2026-11-16", "T": "06:29:59"}], plan=SPLIT_PLAN)


def test_rows_with_a_stamp_in_the_pass_of_those_without_show_that_the_filter_is_ignored() -> None:
    with pytest.raises(FilterIgnored, match="rows without Fine were asked for"):
        check(STAMPLESS, [row("a"), row("b", at(40))])
    with pytest.raises(FilterIgnored, match="rows without D and T"):
        check(STAND_IN, [{"Key": "a", "D": "2026-11-16", "T": "06:45:00"}], plan=SPLIT_PLAN)


def test_a_row_with_half_a_stamp_belongs_to_those_without() -> None:
    rows = [{"Key": "a", "D": "2026-11-16", "CD": "2026-11-16", "CT": "06:45:00"}]
    (page,) = check(STAND_IN, rows, plan=SPLIT_PLAN)
    assert page.cursors.to_pylist() == ["2026-11-16T05:45:00.000000Z"]


def test_rows_out_of_the_order_of_stamps_are_refused() -> None:
    with pytest.raises(OrderIgnored, match="order of Fine, Key"):
        check(STAMPED, [row("a", at(41)), row("b", at(40))])


@pytest.mark.parametrize("pages", [([row("2", at(40)), row("1", at(40))],), ([row("2", at(40))], [row("1", at(40))])])
def test_keys_of_one_instant_out_of_order_are_refused(pages: tuple[list[dict[str, Any]], ...]) -> None:
    """Else paging behind the last key would lose the smaller ones."""
    with pytest.raises(OrderIgnored, match="came behind"):
        check(STAMPED, *pages)


def test_keys_out_of_order_in_a_sweep_are_refused() -> None:
    with pytest.raises(OrderIgnored):
        check(
            key_pass(PLAN), [{"Key": "0002"}, {"Key": "0001"}], plan=replace(PLAN, fields=PLAN.key_fields, children=())
        )


@pytest.mark.parametrize(
    ("first", "second", "descending"),
    [
        (("0002",), ("0001",), True),
        (("001B",), ("001A",), True),
        (("10",), ("9",), False),
        (("a",), ("B",), False),
        (("1",), ("A",), False),
        (("a-2",), ("a-1",), False),
        (("é",), ("e",), False),
        ((None,), ("1",), False),
        (("1", 3), ("1", 2), True),
        (("1", Decimal(2)), ("1", Decimal(3)), False),
        ((date(2026, 1, 2),), (date(2026, 1, 1),), True),
        (("1",), ("1",), False),
    ],
)
def test_only_what_every_collation_agrees_on_is_judged(
    first: tuple[Any, ...],
    second: tuple[Any, ...],
    descending: bool,
) -> None:
    assert surely_descending(first, second) is descending


def test_a_page_that_comes_again_is_no_progress() -> None:
    page = [row("a", at(40)), row("b", at(40))]
    with pytest.raises(NoProgress, match="pages repeat"):
        check(STAMPED, page, page)


@pytest.mark.parametrize(("text", "delivered"), [("old", ["c"]), ("new", ["b", "c"])])
def test_what_a_page_repeats_of_the_last_one_is_left_out_unless_it_has_changed(text: str, delivered: list[str]) -> None:
    plan = replace(PLAN, fields=(*PLAN.fields, field("Text")), children=())
    first = [row("a", at(40), Text="old"), row("b", at(41), Text="old")]
    _, page = check(STAMPED, first, [row("b", at(41), Text=text), row("c", at(41), Text="old")], plan=plan)
    assert page.batch.column("Key").to_pylist() == delivered


def test_a_key_may_come_again_with_a_later_stamp() -> None:
    first, second = check(STAMPED, [row("a", at(40))], [row("a", at(41))])
    assert first.keys.equals(second.keys)


def pages(script: Script, reading: Pass = STAMPED, position: Position | None = None) -> list[ReadPage]:
    reader = Reader(cast("Connection", script), DIALECTS["odata"], source(), PLAN)
    return list(reader.pages(reading, position))


def filters(script: Script) -> list[str]:
    return [dict(request.params).get("$filter", "") for request in script.asked]


def test_a_short_page_is_not_the_end() -> None:
    script = Script(body([row("a", at(40))]), body([row("b", at(41))]), body([]))
    assert [page.keys.to_pylist() for page in pages(script)] == [['["a"]'], ['["b"]']]
    assert "Key gt 'a'" in filters(script)[1]
    assert "Key gt 'b'" in filters(script)[2]


def test_an_empty_page_with_a_link_is_not_the_end() -> None:
    script = Script(body([], link="Thing?$skiptoken=1"), body([row("a", at(40))]), body([]))
    (page,) = pages(script)
    assert "$skiptoken=1" in script.asked[1].target
    assert page.observed_at == NOON + timedelta(seconds=1), "the server holds the cursor since the first page"


def test_a_link_that_leads_to_itself_is_no_progress() -> None:
    with pytest.raises(NoProgress, match="repeats the next link"):
        pages(Script(body([], link="Thing?$skiptoken=1"), body([], link="Thing?$skiptoken=1")))


def test_what_is_no_page_names_entity_and_place() -> None:
    with pytest.raises(MalformedAnswer, match=r"erp\.thing: http://source/base/Thing: the body is no JSON"):
        pages(Script(*[b"<html>login</html>"] * 4))


@pytest.mark.parametrize("bad", [row(7, at(45)), row("b", "yesterday")])
def test_a_row_whose_key_or_stamp_is_unfit_is_read_once_wherever_it_stands(bad: dict[str, Any]) -> None:
    """The source has an order for it, we have none: reading goes on behind the row before it, and it comes again."""
    good, later = row("a", at(40)), row("c", at(50))
    script = Script(body([good, bad]), body([bad, later]), body([]))
    assert [page.batch.num_rows for page in pages(script)] == [1, 2]
    script = Script(body([good, bad]), body([bad]))
    assert [page.batch.num_rows for page in pages(script)] == [1, 1]


def test_a_full_page_of_unfit_keys_follows_the_link_or_stops_loudly() -> None:
    bad = [row(number, at(45)) for number in range(3)]
    script = Script(body(bad, link="Thing?$skiptoken=1"), body([row("c", at(50))]), body([]))
    assert [page.batch.num_rows for page in pages(script)] == [3, 1]
    with pytest.raises(NoProgress, match="no row of a full page"):
        pages(Script(body(bad)))


def test_unfit_keys_on_a_page_that_the_server_cut_in_silence_stop_loudly() -> None:
    """Three were asked for, two come each time: two rows without a key may hide others behind them."""
    good, bad = [row("a", at(40)), row("b", at(41))], [row(7, at(45)), row(8, at(45))]
    with pytest.raises(NoProgress, match="no row of a full page"):
        pages(Script(body(good), body(bad)))
    assert [page.batch.num_rows for page in pages(Script(body(good), body(bad[:1])))] == [2, 1]


def test_a_sweep_reads_keys_alone() -> None:
    script = Script(body([{"Key": "a"}]), body([]))
    (page,) = pages(script, key_pass(PLAN), {"after": ["0"]})
    assert page.cursors.null_count == 1
    assert dict(script.asked[0].params)["$select"] == "Key"
    assert filters(script) == ["Key gt '0'", "Key gt 'a'"]
