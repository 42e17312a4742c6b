"""Arrow schemas of raw files, made from a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.contract.plan import Field, Plan

MICROS = 6
STAMP = pa.timestamp("us", tz="UTC")
ROW, OBSERVED_AT, CURSOR, UNFIT, UNMAPPED = "_row", "_observed_at", "_cursor", "_unfit", "_unmapped"
DELETED_AT = "_deleted_at"


def is_instant(field: Field) -> bool:
    """Whether raw keeps the field as an instant; finer stamps than microseconds stay text, as sent."""
    return field.base == "timestamp" and field.parameters[0] <= MICROS


def raw_type(field: Field) -> pa.DataType:
    """The type of a field in a row file."""
    match field.base:
        case "boolean":
            return pa.bool_()
        case "int64":
            return pa.int64()
        case "decimal":
            return pa.decimal128(*field.parameters)
        case "date":
            return pa.date32()
        case "timestamp" if is_instant(field):
            return STAMP
        case _:
            return pa.string()


def row_columns(plan: Plan) -> list[pa.Field]:
    """The columns of a row file that hold what the source sent."""
    return [
        *(pa.field(field.raw, raw_type(field)) for field in plan.fields),
        *(pa.field(child.raw, pa.list_(_struct(child.fields))) for child in plan.children),
    ]


def row_schema(plan: Plan) -> pa.Schema:
    """The schema of a row file."""
    return pa.schema(
        [
            *row_columns(plan),
            pa.field(ROW, pa.int64()),
            pa.field(OBSERVED_AT, STAMP),
            pa.field(CURSOR, pa.string()),
            pa.field(UNFIT, pa.string()),
            pa.field(UNMAPPED, pa.string()),
        ]
    )


def key_schema(plan: Plan) -> pa.Schema:
    """The schema of a keys file."""
    return pa.schema([pa.field(field.raw, pa.string()) for field in plan.key_fields])


def tombstone_schema(plan: Plan) -> pa.Schema:
    """The schema of a tombstones file."""
    return pa.schema([*key_schema(plan), pa.field(OBSERVED_AT, STAMP), pa.field(DELETED_AT, pa.string())])


def _struct(fields: Iterable[Field]) -> pa.StructType:
    return pa.struct([pa.field(field.raw, raw_type(field)) for field in fields])
