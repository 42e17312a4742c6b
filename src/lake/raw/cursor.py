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

if TYPE_CHECKING:
    from lake.contract.plan import Cursor

PARTS = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})")


def cursors(batch: pa.RecordBatch, cursor: Cursor) -> pa.Array:
    """The cursor of each row; the stand-in's where the stamp is null; null where both are (or do not fit)."""
    stamps = _instants(batch, cursor.fields, cursor)
    if cursor.stand_in is None or not stamps.null_count:
        return stamps
    return pc.coalesce(stamps, _instants(batch, cursor.stand_in, cursor))


def _instants(batch: pa.RecordBatch, fields: tuple[str, ...], cursor: Cursor) -> pa.Array:
    columns = [batch.column(batch.schema.get_field_index(field)) for field in fields]
    if cursor.kind == "split":
        zone = cursor.zone or "UTC"
        pairs = zip(columns[0].to_pylist(), columns[1].to_pylist(), strict=True)
        return pa.array(
            [None if day is None or time is None else _local(day, time, zone) for day, time in pairs], pa.string()
        )
    if pa.types.is_timestamp(columns[0].type):
        naive = columns[0].cast(pa.timestamp("us"))
        return pc.binary_join_element_wise(pc.strftime(naive, format="%Y-%m-%dT%H:%M:%S"), "Z", "")
    texts = columns[0].to_pylist()
    return pa.array([None if text is None else normalised(text, cursor.digits) for text in texts], pa.string())


@lru_cache(maxsize=65_536)
def _local(day: date, time: str, zone: str) -> str | None:
    """A date and a time of day in a zone; None where no instant can be made of them (1 January of the year 1).

    Of the two instants of a repeated hour it is the earlier one.
    """
    local = datetime.combine(day, time_of_day.fromisoformat(time[:8]), ZoneInfo(zone))
    try:
        return to_text(local)
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
