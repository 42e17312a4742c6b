"""Keys as texts that are the same at the source and in the lake, whatever their types."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.raw.literal import parse
from lake.raw.schema import UNFIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lake.contract.plan import Field

SCIENTIFIC = re.compile(r"-?\d+(?:\.\d+)?E[+-]\d{1,2}")
NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?")

type Key = tuple[str, ...]


def keys_of(page: pa.RecordBatch, fields: Sequence[Field]) -> list[Key | None]:
    """The keys of a page's rows; None for a row that lacks a part of it. A value that is not of its type stands as it was
    sent: its row is there all the same."""
    unfit = page.column(UNFIT)
    columns = [_texts(page.column(field.raw), field, unfit) for field in fields]
    rows: zip[tuple[str | None, ...]] = zip(*columns, strict=True)
    return [_whole(row) for row in rows]


def number_of_keys(keys: Iterable[Key | None]) -> int:
    """How many different keys there are. Rows that lack a part of theirs count one by one."""
    lacking, different = 0, set[Key]()
    for key in keys:
        if key is None:
            lacking += 1
        else:
            different.add(key)
    return lacking + len(different)


def same_text(field: Field, text: str) -> str:
    """A value's text in the one form that source, Athena and Spark share; as it is where it is not of its type.

    Instants to the millisecond in UTC, for Athena shows no more of an Iceberg table; decimals without zeros at their end.
    """
    if field.base == "timestamp":
        return _instant(text)
    if field.base == "decimal":
        return _number(text)
    return text


def _instant(text: str) -> str:
    """`2026-11-16T06:00:00.000+00:00` of `2026-11-16 06:00:00 UTC`; Spark writes no zone where it means UTC."""
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return text
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")


def _number(text: str) -> str:
    """`1.5` of `1.500`; Arrow writes `1E-9`."""
    found = NUMBER.fullmatch(f"{Decimal(text):f}" if SCIENTIFIC.fullmatch(text) else text)
    if found is None:
        return text
    sign, whole, fraction = found.groups(default="")
    digits = (whole.lstrip("0") or "0") + f".{fraction}".rstrip("0").rstrip(".")
    return digits if digits == "0" else sign + digits


def _texts(column: pa.Array, field: Field, unfit: pa.Array) -> list[str | None]:
    texts: list[str | None] = column.cast(pa.string()).to_pylist()
    if column.null_count:
        texts = [
            text if text is not None or sent is None else _sent(sent, field)
            for text, sent in zip(texts, unfit.to_pylist(), strict=True)
        ]
    if field.base in ("timestamp", "decimal"):
        return [None if text is None else same_text(field, text) for text in texts]
    return texts


def _sent(literals: str, field: Field) -> str | None:
    """What was sent in the place of a value that is not of its type."""
    value = parse(literals.encode()).get(field.field)
    return value if isinstance(value, str) else None


def _whole(row: tuple[str | None, ...]) -> Key | None:
    parts = tuple(part for part in row if part is not None)
    return parts if len(parts) == len(row) else None
