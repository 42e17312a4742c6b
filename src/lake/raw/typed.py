"""Whole columns of values in the type that their contract declares, in the form in which their source writes them.

Each function takes a column as JSON has it (text, or what Arrow's JSON reader made of numbers) and gives it in its raw type.
It does to all values what its namesake in `lake.raw.fit` does to one, and raises ArrowInvalid where one does not fit; then the
values are looked at one by one. Where Arrow's own cast is as strict as the contract, no pattern is matched.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from lake.raw.fit import DURATION, EPOCH_DATE, INTEGER, TIME, instant_pattern, local_pattern
from lake.raw.schema import MICROS, STAMP

NAIVE = pa.timestamp("us")
DAYS = (pa.scalar(date.min), pa.scalar(date.max))
INSTANTS = (
    pa.scalar(datetime.min.replace(tzinfo=UTC), STAMP),
    pa.scalar(datetime.max.replace(tzinfo=UTC), STAMP),
)
"""Arrow counts from year 0 and beyond 9999; nobody who reads raw in Python could."""
RULED = (pa.scalar(datetime(1970, 1, 1), NAIVE), pa.scalar(datetime(2037, 1, 1), NAIVE))  # noqa: DTZ001
"""Arrow knows a zone's changes as far as they are listed one by one, not the rule by which they go on."""
MOST_DIGITS = 38
"""Of a decimal. Arrow's cast of a longer number may give another one."""
END = 2**31 - 1
"""Behind the last byte of every text."""
SECONDS_END = 19
"""Where the fraction of a stamp begins: `2026-11-16T06:00:00`."""


def same(column: pa.Array) -> pa.Array:
    """Values that are what they are to be."""
    return column


def int64(column: pa.Array) -> pa.Array:
    """Whole numbers, quoted or not."""
    if pa.types.is_string(column.type):
        _match(column, INTEGER)
        return column.cast(pa.int64())
    return column


def decimal_as_json(precision: int, scale: int) -> pa.DataType:
    """The type by which Arrow's JSON reader may read decimals: it moves the point unchecked, so there must be room for that."""
    return (pa.decimal128 if precision + scale <= MOST_DIGITS else pa.decimal256)(precision, scale)


def decimal(column: pa.Array, precision: int, scale: int) -> pa.Array:
    """Exact numbers, quoted or not."""
    wide = column
    if pa.types.is_string(column.type):
        whole = max(1, precision - scale)
        _match(column, rf"[+-]?\d{{1,{whole}}}(?:\.\d{{0,{MOST_DIGITS - whole}}})?")
        wide = column.cast(pa.decimal256(2 * MOST_DIGITS, scale))
    wide.validate(full=True)  # that none has more digits than its type: the reader does not look
    return wide.cast(pa.decimal128(precision, scale))


def iso_date(column: pa.Array) -> pa.Array:
    """Dates."""
    return _within(column.cast(pa.date32()), DAYS)


def time(column: pa.Array) -> pa.Array:
    """Times of day, as sent."""
    _match(column, TIME)
    return column


def instant(column: pa.Array, digits: int) -> pa.Array:
    """Stamps with an offset; as sent where their digits are finer than microseconds."""
    if not _surely_instants(column, digits):
        _match(column, instant_pattern(digits))
    if digits <= MICROS:
        return _within(column.cast(STAMP), INSTANTS)
    column.cast(pa.timestamp("ns", tz="UTC"))  # only to see that each is an instant
    return column


def local(column: pa.Array, digits: int, zone: str) -> pa.Array:
    """Stamps without an offset, in a zone."""
    if digits > MICROS:
        raise pa.ArrowInvalid("finer than an instant")
    _match(column, local_pattern(digits))
    walls = _within(column.cast(NAIVE), RULED)
    return pc.assume_timezone(walls, zone, ambiguous="earliest", nonexistent="raise").cast(STAMP)


def epoch(column: pa.Array, base: str, digits: int, per_second: int) -> pa.Array:
    """Counts of seconds or milliseconds since 1970."""
    counts = int64(column)
    if base == "date":
        day = 86_400 * per_second
        days = pc.divide(counts, day)
        if not pc.all(pc.equal(pc.multiply(days, day), counts), min_count=0).as_py():
            raise pa.ArrowInvalid("a date that is no midnight")
        return _within(days.cast(pa.int32()).cast(pa.date32()), DAYS)
    found = _within(counts.cast(pa.timestamp({1: "s", 1000: "ms"}[per_second], tz="UTC")).cast(STAMP), INSTANTS)
    return found if digits <= MICROS else instant_texts(found)


def odata_date(column: pa.Array, base: str, digits: int) -> pa.Array:
    """`/Date(1700000000000)/`, with or without a zone."""
    bare = pc.and_(pc.starts_with(column, "/Date("), pc.ends_with(column, ")/"))
    counts = pc.utf8_slice_codeunits(column, len("/Date("), -len(")/"))
    if not pc.all(pc.and_(bare, pc.match_substring_regex(counts, f"^(?:{INTEGER})$")), min_count=0).as_py():
        parts = pc.extract_regex(column, f"^{EPOCH_DATE}$")
        if parts.null_count != column.null_count or (base == "date" and pc.any(pc.not_equal(parts.field("zone"), ""))):
            raise pa.ArrowInvalid("no /Date(...)/")
        counts = pc.if_else(pc.is_valid(column), parts.field("ms"), None)
    return epoch(counts, base, digits, 1000)


def yyyymmdd(column: pa.Array) -> pa.Array:
    """Dates as eight digits."""
    digits = _digits(column, 8)
    return iso_date(pc.binary_join_element_wise(*_cut(digits, 0, 4, 6, 8), "-"))


def hhmmss(column: pa.Array) -> pa.Array:
    """Times as six digits."""
    digits = _digits(column, 6)
    return time(pc.binary_join_element_wise(*_cut(digits, 0, 2, 4, 6), ":"))


def iso_duration(column: pa.Array) -> pa.Array:
    """Times of day as durations."""
    parts = pc.extract_regex(column, f"^{DURATION}$")
    if parts.null_count != column.null_count or pc.any(pc.ends_with(column, "T")).as_py():
        raise pa.ArrowInvalid("no duration")
    hours, minutes, seconds = (pc.utf8_lpad(parts.field(part), 2, "0") for part in "hms")
    clock = pc.binary_join_element_wise(hours, minutes, seconds, ":")
    return time(pc.if_else(pc.is_valid(column), pc.binary_join_element_wise(clock, parts.field("f"), ""), None))


def instant_texts(instants: pa.Array) -> pa.Array:
    """Instants as `lake.instants.to_text` writes them."""
    texts = pc.binary_replace_slice(instants.cast(NAIVE).cast(pa.string()), 10, 11, "T")
    return pc.binary_replace_slice(texts, END, END, "Z")


def _surely_instants(column: pa.Array, digits: int) -> bool:
    """Whether all end as the first one does, have seconds, and no digit too many; the cast to an instant sees to the rest.
    (It would take 06:00Z, which is told by its length.)"""
    present = column.drop_null()
    if not len(present):
        return True
    first = present[0].as_py()
    offset = next((text for text in ("Z", "+0000", "+00:00") if first.endswith(text)), None)
    if offset is None or not pc.all(pc.ends_with(present, offset)).as_py():
        return False
    lengths = pc.min_max(pc.binary_length(present)).as_py()
    shortest = SECONDS_END + len(offset)
    return bool(lengths["min"] >= shortest and lengths["max"] <= shortest + len(".") + max(digits, MICROS))


def _digits(column: pa.Array, width: int) -> pa.Array:
    """Digits as text of a width; numbers get their leading zeros back."""
    digits = column
    if not pa.types.is_string(column.type):
        digits = pc.utf8_lpad(column.cast(pa.string()), width, "0")
    _match(digits, rf"\d{{{width}}}")
    return digits


def _cut(texts: pa.Array, *places: int) -> list[pa.Array]:
    return [pc.utf8_slice_codeunits(texts, start, end) for start, end in pairwise(places)]


def _match(column: pa.Array, pattern: str) -> None:
    if not pc.all(pc.match_substring_regex(column, f"^(?:{pattern})$"), min_count=0).as_py():
        raise pa.ArrowInvalid(f"a value that is not of the form {pattern}")


def _within(column: pa.Array, bounds: tuple[pa.Scalar, pa.Scalar]) -> pa.Array:
    found = pc.min_max(column)
    if pc.less(found["min"], bounds[0]).as_py() or pc.greater(found["max"], bounds[1]).as_py():
        raise pa.ArrowInvalid("outside the years that can be read")
    return column
