"""Arrow schemas of raw files and of the pages that they are read from, made from a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    if is_instant(field):
        return STAMP
    if field.base == "date":
        return pa.date32()
    return json_type(field)


def json_type(field: Field) -> pa.DataType:
    """The type by which Arrow's JSON reader reads a field: dates and instants as text, cast afterwards.

    (The reader would take an instant without an offset as UTC; the cast refuses it.)
    """
    match field.base:
        case "boolean":
            return pa.bool_()
        case "int64":
            return pa.int64()
        case "decimal":
            return pa.decimal128(*field.parameters)
        case _:
            return pa.string()


def row_columns(plan: Plan) -> list[pa.Field]:
    """The columns of a row file that hold what the source sent."""
    return [
        *(pa.field(field.field, raw_type(field)) for field in plan.fields),
        *(pa.field(child.field, pa.list_(_struct(child.fields, raw_type))) for child in plan.children),
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
    return pa.schema([pa.field(field.field, pa.string()) for field in plan.key_fields])


def tombstone_schema(plan: Plan) -> pa.Schema:
    """The schema of a tombstones file."""
    return pa.schema([*key_schema(plan), pa.field(OBSERVED_AT, STAMP), pa.field(DELETED_AT, pa.string())])


def page_struct(plan: Plan, annotations: dict[str, pa.DataType]) -> pa.DataType:
    """The struct of one record in a page's JSON; `annotations` are what the protocol adds to each record."""
    return pa.struct(
        [
            *(pa.field(field.field, json_type(field)) for field in plan.fields),
            *(
                pa.field(
                    child.field, pa.list_(pa.struct([*_struct(child.fields, json_type), *_annotations(annotations)]))
                )
                for child in plan.children
            ),
            *_annotations(annotations),
        ]
    )


def _struct(fields: Iterable[Field], type_of: Callable[[Field], pa.DataType]) -> pa.StructType:
    return pa.struct([pa.field(field.field, type_of(field)) for field in fields])


def _annotations(annotations: dict[str, pa.DataType]) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in annotations.items()]
