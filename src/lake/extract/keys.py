"""Keys of rows, whole columns at a time: as text, and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.raw.fingerprint import key_text

if TYPE_CHECKING:
    from collections.abc import Sequence

END = 2**31 - 1
SIGNS_OF_JSON = ('"', "\\")


def key_texts(columns: Sequence[pa.Array]) -> pa.Array:
    """The `key_text` of each row: a JSON list of texts."""
    texts = [_plain_text(column) for column in columns]
    if any(text is None for text in texts):
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([key_text(row) for row in rows], pa.string())
    if len(columns) == 1 and not columns[0].null_count:
        return _wrapped(texts[0], '["', '"]')
    quoted = [pc.coalesce(_wrapped(text, '"', '"'), "null") for text in texts]
    return _wrapped(quoted[0] if len(quoted) == 1 else pc.binary_join_element_wise(*quoted, ","), "[", "]")


def whole_keys(columns: Sequence[pa.Array]) -> pa.BooleanArray:
    """Which rows have all parts of their key."""
    whole = columns[0].is_valid()
    for column in columns[1:]:
        whole = pc.and_(whole, column.is_valid())
    return whole


def _wrapped(texts: pa.Array, before: str, behind: str) -> pa.Array:
    return pc.binary_replace_slice(pc.binary_replace_slice(texts, END, END, behind), 0, 0, before)


def _plain_text(column: pa.Array) -> pa.Array | None:
    """A key's column as text that JSON writes as it is; None where it holds anything else."""
    if pa.types.is_integer(column.type) or pa.types.is_date(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return None
    if _all(pc.ascii_is_alnum(column)):
        return column
    plain = _all(pc.and_(pc.string_is_ascii(column), pc.ascii_is_printable(column)))
    return (
        column
        if plain and not any(pc.any(pc.match_substring(column, sign)).as_py() for sign in SIGNS_OF_JSON)
        else None
    )


def _all(values: pa.Array) -> bool:
    return bool(pc.all(values, min_count=0).as_py())


def ascending(columns: Sequence[pa.Array]) -> bool:
    """Whether each row surely sorts behind the one before it, by code points, column by column; not where a value is null."""
    if any(column.null_count for column in columns):
        return False
    behind = pc.less(columns[-1][:-1], columns[-1][1:])
    for column in columns[-2::-1]:
        one, other = column[:-1], column[1:]
        behind = pc.or_(pc.less(one, other), pc.and_(pc.equal(one, other), behind))
    return _all(behind)


def descending(columns: Sequence[pa.Array]) -> pa.Array:
    """For each row but the last, whether the next one sorts before it, by code points, column by column."""
    behind, so_far = None, None
    for column in columns:
        less = pc.fill_null(pc.less(column[1:], column[:-1]), fill_value=False)
        behind = less if behind is None else pc.or_(behind, pc.and_(so_far, less))
        equal = same(column[:-1], column[1:])
        so_far = equal if so_far is None else pc.and_(so_far, equal)
    return behind


def same(one: pa.Array, other: pa.Array) -> pa.Array:
    """Whether values are equal, or both null."""
    equal = pc.fill_null(pc.equal(one, other), fill_value=False)
    if not (one.null_count or other.null_count):
        return equal
    return pc.or_(equal, pc.and_(one.is_null(), other.is_null()))


def surely_descending(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Whether the second key sorts before the first one by whatever collation the source has.

    Collations differ in case, in signs and in where digits go: texts are judged only where they have one length and differ
    first in two digits, two capitals or two small letters.
    """
    for one, other in zip(first, second, strict=True):
        if one == other:
            continue
        if one is None or other is None:
            return False
        return _text_descending(one, other) if isinstance(one, str) else bool(other < one)
    return False


def _text_descending(one: str, other: str) -> bool:
    if len(one) != len(other) or not (one + other).isascii() or not (one + other).isalnum():
        return False
    left, right = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
    same_class = (left.isdigit(), left.isupper()) == (right.isdigit(), right.isupper())
    return same_class and right < left
