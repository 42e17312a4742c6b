"""A plan's types in Arrow, as a peer would write them who has read how strict Arrow's JSON reader is."""

from __future__ import annotations

import re

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")


def written(kind: str) -> pa.DataType:
    """The type in the Parquet file. Stamps finer than microseconds stay text, as sent."""
    base, numbers = kind.partition("(")[0], [int(number) for number in re.findall(r"\d+", kind)]
    match base:
        case "boolean":
            return pa.bool_()
        case "int64":
            return pa.int64()
        case "decimal":
            return pa.decimal128(*numbers)
        case "date":
            return pa.date32()
        case "timestamp" if numbers[0] <= 6:
            return INSTANT
        case _:
            return pa.string()


def schema(fields: list[tuple[str, str]]) -> pa.Schema:
    """The schema of the Parquet file."""
    return pa.schema([pa.field(name, written(kind)) for name, kind in fields])


def with_texts(whole: pa.Schema, *texts: pa.DataType) -> pa.Schema:
    """The schema with texts in place of some types, for what is cast only after it was read."""
    return pa.schema([pa.field(item.name, pa.string() if item.type in texts else item.type) for item in whole])
