"""Which instants a run asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lake.contract.errors import Findings
from lake.contract.extraction import cursor_of
from lake.contract.odcs import CursorSpec
from lake.contract.plan import Cursor
from lake.extract.passes import window_passes
from lake.extract.window import (
    Window,
    asked_from,
    ceiling,
    floor,
    local_bounds,
    local_instants,
    next_midnight,
    next_window,
    settled,
)
from lake.instants import from_text
from tests.support.plans import field, plan

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)

instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(days=2))


@given(instants, instants, spans)
def test_what_has_settled_lies_behind_both_clocks(source_now: datetime, now: datetime, lag: timedelta) -> None:
    end = settled(source_now, now, lag)
    assert end + lag <= source_now
    assert end + lag <= now
    assert end + lag in (source_now, now)


@given(instants, instants, spans)
def test_a_window_moves_the_watermark_on_and_overlaps_the_last_one(
    watermark: datetime, end: datetime, overlap: timedelta
) -> None:
    window = next_window(watermark, end, overlap)
    assert (window is not None) == (end > watermark)
    if window is not None:
        assert window == Window(watermark - overlap, end)


def test_the_first_window_has_no_lower_bound_unless_declared() -> None:
    assert next_window(None, NOON, HALF_AN_HOUR) == Window(None, NOON)
    year = datetime(2020, 1, 1, tzinfo=UTC)
    assert next_window(None, NOON, HALF_AN_HOUR, year) == Window(year, NOON)


@pytest.mark.parametrize("start", [None, NOON - timedelta(hours=1)])
def test_a_window_survives_its_json_form(start: datetime | None) -> None:
    window = Window(start, NOON)
    assert Window.load(window.dump()) == window


@given(instants, st.integers(0, 9))
def test_rounding_goes_outwards_by_less_than_one_step(instant: datetime, digits: int) -> None:
    step = timedelta(microseconds=10 ** (6 - min(digits, 6)))
    assert floor(instant, digits) <= instant <= ceiling(instant, digits)
    assert instant - floor(instant, digits) < step
    assert ceiling(instant, digits) - instant < step
    assert ceiling(instant, digits).microsecond % (10 ** (6 - min(digits, 6))) == 0


near_changes = st.builds(
    lambda change, offset: change + offset,
    st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
)


@given(
    near_changes | instants, near_changes | instants, st.sampled_from(["Europe/Berlin", "UTC", "Australia/Lord_Howe"])
)
def test_local_bounds_leave_no_instant_out(bound: datetime, stamped: datetime, zone: str) -> None:
    """A row at or above a lower bound is stamped at or above its literal; one below an upper bound, below its literal."""
    assert_bounds_hold(bound, stamped, zone)


AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""The instant at which Berlin's clocks go back: the hour before it and the hour after it bear the same local times."""


@pytest.mark.parametrize("bound", [AUTUMN - timedelta(minutes=15), AUTUMN + timedelta(minutes=15)])
def test_local_bounds_hold_for_all_rows_of_the_repeated_hour(bound: datetime) -> None:
    for minutes in range(-90, 90):
        assert_bounds_hold(bound, AUTUMN + timedelta(minutes=minutes), "Europe/Berlin")


def assert_bounds_hold(bound: datetime, stamped: datetime, zone: str) -> None:
    low, high = local_bounds(bound, zone, 0)
    stamp = stamped.replace(microsecond=0)
    local = stamp.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if stamp >= bound:
        assert local >= low
    if stamp < bound:
        assert local < high


def test_local_bounds_are_exact_where_no_clock_changes() -> None:
    low, high = local_bounds(datetime(2026, 7, 1, 10, 0, 0, 5, tzinfo=UTC), "Europe/Berlin", 0)
    assert (low, high) == (datetime(2026, 7, 1, 12), datetime(2026, 7, 1, 12, 0, 1))  # noqa: DTZ001


SPLIT = Cursor("split", ("D", "T"), 0, "Europe/Berlin", "never", None)
DAYS = Cursor("day", ("D",), 0, "Europe/Berlin", "never", None)


@pytest.mark.parametrize("cursor", [SPLIT, DAYS, replace(SPLIT, by_day=True)], ids=["split", "day", "by_day"])
@given(start=near_changes | instants, stamped=near_changes | instants)
def test_no_row_that_a_window_brings_lies_before_what_it_asks_for(
    cursor: Cursor, start: datetime, stamped: datetime
) -> None:
    """A row whose local stamp meets the asked bound has a cursor from there on; of a repeated hour it is the earlier one."""
    here = ZoneInfo("Europe/Berlin")
    local = stamped.astimezone(here).replace(tzinfo=None, fold=0, microsecond=0)
    low, _ = local_bounds(start, "Europe/Berlin", 0)
    if cursor.kind == "day":
        local = local.replace(hour=0, minute=0, second=0)
    brought = local.date() >= low.date() if cursor.days else local >= low
    if brought:
        assert local.replace(tzinfo=here).astimezone(UTC) >= asked_from(cursor, start)


LOCAL = Cursor("instant", ("Fine",), 3, "Europe/Berlin", "never", None)


@example(
    bound=datetime(2026, 10, 25, 0, 50, tzinfo=UTC), stamped=datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
)  # 02:50 for the first time, 02:10 for the second
@given(bound=near_changes | instants, stamped=near_changes | instants)
def test_bounds_of_stamps_without_an_offset_leave_no_row_out_and_refuse_none(
    bound: datetime, stamped: datetime
) -> None:
    """The source compares what its clock showed; a row that meets the lower bound has a cursor from there on."""
    here = ZoneInfo("Europe/Berlin")
    reading = window_passes(plan({"Fine": "timestamp(3)"}, cursor=LOCAL), Window(bound, bound))[0]
    low, high = (from_text(literal) for literals in (reading.low, reading.high) for literal in literals or ())
    row = floor(stamped, 3)
    shown, lowest, highest = (instant.astimezone(here).replace(tzinfo=None, fold=0) for instant in (row, low, high))
    assert row < bound or shown >= lowest
    assert row >= bound or shown < highest
    assert shown < lowest or shown.replace(tzinfo=here).astimezone(UTC) >= max(low, asked_from(LOCAL, bound))


def test_what_is_asked_for_by_local_stamps_is_exact_where_no_clock_changes() -> None:
    start = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
    assert local_instants(start, "Europe/Berlin", 3) == (start, start)


def test_of_a_repeated_hour_the_lower_bound_is_the_first_and_the_upper_one_the_second() -> None:
    before, behind = AUTUMN - timedelta(minutes=90), AUTUMN + timedelta(minutes=90)
    assert local_instants(before, "Europe/Berlin", 0)[1] == AUTUMN + timedelta(minutes=30)  # 02:30 for the second time
    assert local_instants(behind, "Europe/Berlin", 0)[0] == AUTUMN - timedelta(minutes=30)  # 02:30 for the first time


def test_stamps_without_an_offset_have_the_zone_that_their_form_names() -> None:
    stamp = replace(field("Fine", "timestamp(3)"), required=True, form="local(Europe/Berlin)")
    assert cursor_of(Findings("thing", []), CursorSpec(field="Fine"), (stamp,)).zone == "Europe/Berlin"
    assert cursor_of(Findings("thing", []), CursorSpec(field="Fine"), (replace(stamp, form="epoch_ms"),)).zone is None


def test_what_is_asked_for_reaches_back_no_further_than_needed() -> None:
    start = datetime(2026, 7, 1, 10, 30, 0, 5, tzinfo=UTC)
    assert asked_from(SPLIT, start) == datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
    assert asked_from(DAYS, start) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert asked_from(replace(DAYS, zone=None), start) == datetime(2026, 7, 1, tzinfo=UTC)
    assert asked_from(replace(LOCAL, by_day=True), start + timedelta(milliseconds=7)) == asked_from(DAYS, start)
    assert asked_from(Cursor("instant", ("T",), 3, None, "never", None), start) == start.replace(microsecond=0)


def test_a_midnight_is_its_own_next_one() -> None:
    midnight = datetime(2026, 7, 1)  # noqa: DTZ001
    assert next_midnight(midnight) == midnight
    assert next_midnight(midnight + timedelta(microseconds=1)) == midnight + timedelta(days=1)
    assert next_midnight(midnight + timedelta(hours=13, minutes=45, seconds=7)) == midnight + timedelta(days=1)
