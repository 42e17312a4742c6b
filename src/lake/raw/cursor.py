"""The `_cursor` of rows: the last-modified stamp as a UTC instant of fixed width, so that text sorts as time does."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from lake.instants import to_text
from lake.raw.schema import MICROS
from lake.raw.typed import SECONDS_END, instant_texts, local

if TYPE_CHECKING:
    from lake.contract.plan import Cursor

PARTS = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})")


def cursors(batch: pa.RecordBatch, cursor: Cursor) -> pa.Array:
    """The cursor of each row; the stand-in's where the stamp is null; null where both are (or do not fit)."""
    if cursor.kind == "none":
        return pa.nulls(batch.num_rows, pa.string())
    stamps = _instants(batch, cursor.fields, cursor)
    if cursor.stand_in is None or not stamps.null_count:
        return stamps
    return pc.coalesce(stamps, _instants(batch, cursor.stand_in, cursor))


def _instants(batch: pa.RecordBatch, fields: tuple[str, ...], cursor: Cursor) -> pa.Array:
    columns = [batch.column(field) for field in fields]
    if cursor.kind == "split":
        return _split(columns[0], columns[1], cursor.zone or "UTC")
    if cursor.kind == "day":
        return _split(columns[0], pa.repeat("00:00:00", len(columns[0])), cursor.zone or "UTC")
    if pa.types.is_timestamp(columns[0].type):
        return instant_texts(columns[0])
    return _normalised_column(columns[0], max(cursor.digits, MICROS))


def _split(days: pa.Array, times: pa.Array, zone: str) -> pa.Array:
    """Dates and times of day in a zone, as instants."""
    walls = pc.binary_join_element_wise(days.cast(pa.string()), pc.utf8_slice_codeunits(times, 0, 8), "T")
    try:
        return instant_texts(local(walls, 0, zone))
    except pa.ArrowInvalid:  # a stamp that no clock showed, or one of a year whose changes of the clock are not listed
        pairs = zip(days.to_pylist(), times.to_pylist(), strict=True)
        return pa.array(
            [None if day is None or time is None else _local(day, time, zone) for day, time in pairs], pa.string()
        )


def _normalised_column(texts: pa.Array, width: int) -> pa.Array:
    """What `normalised` does to one: at once where all are UTC, as they stand or with zeros that were left out."""
    plain = pc.and_(pc.ends_with(texts, "Z"), pc.equal(pc.utf8_slice_codeunits(texts, 10, 11), "T"))
    if not pc.all(plain, min_count=0).as_py():
        return pa.array([None if text is None else normalised(text, width) for text in texts.to_pylist()], pa.string())
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    if lengths["min"] == lengths["max"] == SECONDS_END + width + len(".Z"):
        return texts
    seconds = pc.utf8_slice_codeunits(texts, 0, SECONDS_END)
    sent = pc.utf8_slice_codeunits(texts, SECONDS_END + 1, SECONDS_END + 1 + width)
    fractions = pc.utf8_rpad(pc.replace_substring(sent, "Z", ""), width, "0")
    return pc.binary_join_element_wise(pc.binary_join_element_wise(seconds, fractions, "."), "Z", "")


@lru_cache(maxsize=65_536)
def _local(day: date, time: str, zone: str) -> str | None:
    """A date and a time of day in a zone; None where no instant can be made of them (1 January of the year 1).

    Of the two instants of a repeated hour it is the earlier one.
    """
    wall = datetime.combine(day, time_of_day.fromisoformat(time[:8]), ZoneInfo(zone))
    try:
        return to_text(wall)
    except OverflowError:
        return None


def normalised(stamp: str, digits: int) -> str:
    """An ISO 8601 stamp with offset, in UTC with as many digits of a second as the plan declares (at least 6).

    Python's instants end at microseconds: what is finer is carried over as text, for an offset never changes it.
    """
    match = PARTS.fullmatch(stamp)
    if match is None:
        raise ValueError(f"{stamp!r} is no instant with an offset")
    day, time, fraction, offset = match.groups()
    if offset != "Z":
        moment = datetime.fromisoformat(f"{day}T{time}{offset}").astimezone(UTC)
        day, time = moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S")
    width = max(digits, MICROS)
    return f"{day}T{time}.{(fraction or '').ljust(width, '0')[:width]}Z"
