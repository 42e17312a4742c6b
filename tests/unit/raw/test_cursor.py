"""Cursors sort as time does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.contract.plan import NO_CURSOR, Cursor
from lake.raw.cursor import cursors, normalised

SPLIT = Cursor("split", ("D", "T"), 0, "Europe/Berlin", "stand_in", ("CD", "CT"))
instants = st.datetimes(datetime(1901, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def split(
    *stamps: tuple[date | None, str | None], stand_in: tuple[date | None, str | None] = (None, None)
) -> list[str]:
    columns = {"D": [day for day, _ in stamps], "T": [time for _, time in stamps]}
    batch = pa.RecordBatch.from_pydict(
        columns | {"CD": [stand_in[0]] * len(stamps), "CT": [stand_in[1]] * len(stamps)},
        schema=pa.schema([("D", pa.date32()), ("T", pa.string()), ("CD", pa.date32()), ("CT", pa.string())]),
    )
    return list(cursors(batch, SPLIT).to_pylist())


@given(instants, instants, offsets, offsets, st.integers(0, 9))
def test_text_order_is_time_order(one: datetime, other: datetime, here: timezone, there: timezone, digits: int) -> None:
    texts = [normalised(i.astimezone(zone).isoformat(), digits) for i, zone in ((one, here), (other, there))]
    assert (texts[0] < texts[1]) == (one < other)
    assert (texts[0] == texts[1]) == (one == other)


@given(instants)
def test_instants_and_texts_give_one_form(instant: datetime) -> None:
    typed = pa.RecordBatch.from_pydict({"S": pa.array([instant], pa.timestamp("us", tz="UTC"))})
    cursor = Cursor("instant", ("S",), 3, None, "never", None)
    assert cursors(typed, cursor).to_pylist() == [normalised(instant.isoformat(), 3)]


def test_the_seventh_digit_orders() -> None:
    stamps = ["2026-11-15T06:00:00.1234568Z", "2026-11-15T08:00:00.1234567+02:00", "2026-11-15T06:00:00.12Z", None]
    batch = pa.RecordBatch.from_pydict({"S": stamps})
    cursor = Cursor("instant", ("S",), 7, None, "own_pass", None)
    found = cursors(batch, cursor).to_pylist()
    assert found == [
        "2026-11-15T06:00:00.1234568Z",
        "2026-11-15T06:00:00.1234567Z",
        "2026-11-15T06:00:00.1200000Z",
        None,
    ]


@given(st.lists(st.tuples(instants, st.integers(0, 9), st.sampled_from(["Z", "+00:00"])), max_size=4))
def test_a_column_of_texts_is_normalised_as_each_of_them_is(stamps: list[tuple[datetime, int, str]]) -> None:
    """Whether or not all have one length and one notation."""
    texts = [f"{at:%Y-%m-%dT%H:%M:%S}{f'.{123456789:09}'[: n + 1] if n else ''}{zone}" for at, n, zone in stamps]
    cursor = Cursor("instant", ("S",), 7, None, "own_pass", None)
    batch = pa.RecordBatch.from_pydict({"S": pa.array([*texts, None], pa.string())})
    assert cursors(batch, cursor).to_pylist() == [*(normalised(text, 7) for text in texts), None]


@given(st.lists(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), max_size=4))  # noqa: DTZ001
def test_a_column_of_split_stamps_counts_as_each_of_them_does(walls: list[datetime]) -> None:
    alone = [split((wall.date(), f"{wall:%H:%M:%S}"))[0] for wall in walls]
    assert split(*((wall.date(), f"{wall:%H:%M:%S}") for wall in walls)) == alone


def test_a_day_counts_from_its_midnight_in_its_zone() -> None:
    batch = pa.RecordBatch.from_pydict({"D": pa.array([date(2026, 7, 1), date(2026, 12, 1), None], pa.date32())})
    cursor = Cursor("day", ("D",), 0, "Europe/Berlin", "own_pass", None)
    expected = ["2026-06-30T22:00:00.000000Z", "2026-11-30T23:00:00.000000Z", None]
    assert cursors(batch, cursor).to_pylist() == expected


def test_rows_without_a_cursor_have_none() -> None:
    assert cursors(pa.RecordBatch.from_pydict({"K": ["a", "b"]}), NO_CURSOR).to_pylist() == [None, None]


def test_a_stamp_without_an_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no instant with an offset"):
        normalised("2026-11-15T06:00:00", 0)


@pytest.mark.parametrize(
    ("day", "time", "instant"),
    [
        (date(2026, 3, 29), "01:59:59", "2026-03-29T00:59:59.000000Z"),
        (date(2026, 3, 29), "03:00:00", "2026-03-29T01:00:00.000000Z"),
        (date(2026, 10, 25), "01:59:59", "2026-10-24T23:59:59.000000Z"),
        (date(2026, 10, 25), "02:30:00", "2026-10-25T00:30:00.000000Z"),
        (date(2026, 10, 25), "03:00:00", "2026-10-25T02:00:00.000000Z"),
        (date(2026, 7, 1), "12:00", "2026-07-01T10:00:00.000000Z"),
        (date(2026, 7, 1), "12:00:00.5", "2026-07-01T10:00:00.000000Z"),
    ],
)
def test_a_split_stamp_counts_in_its_zone(day: date, time: str, instant: str) -> None:
    assert split((day, time)) == [instant]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_split_stamp_is_never_taken_for_later_than_it_is(instant: datetime) -> None:
    """In the repeated hour it may be taken for an hour earlier: then it is read once more, not left out."""
    local = instant.replace(microsecond=0).astimezone(ZoneInfo("Europe/Berlin"))
    (found,) = split((local.date(), local.strftime("%H:%M:%S")))
    assert instant.replace(microsecond=0) - datetime.fromisoformat(found) in (timedelta(0), timedelta(hours=1))


def test_a_stand_in_counts_where_the_stamp_is_missing_or_half() -> None:
    creation = (date(2026, 1, 1), "12:00:00")
    expected = "2026-01-01T11:00:00.000000Z"
    assert split((None, None), (date(2026, 5, 5), None), (None, "10:00:00"), stand_in=creation) == [expected] * 3
    assert split((None, None)) == [None]


def test_the_first_day_of_all_is_no_instant() -> None:
    assert split((date(1, 1, 1), "00:00:00")) == [None]


def test_without_a_stand_in_a_missing_stamp_stays_missing() -> None:
    batch = pa.RecordBatch.from_pydict({"D": pa.array([None], pa.date32()), "T": pa.array([None], pa.string())})
    assert cursors(batch, replace(SPLIT, stand_in=None)).to_pylist() == [None]
