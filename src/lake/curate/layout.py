"""Which tables an entity has, and which columns they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.curate.columns import curated_type

if TYPE_CHECKING:
    from lake.contract.plan import Child, Field, Plan

LOAD = ("_load", "BIGINT", "Load in which the version arrived")
ROW = ("_row", "BIGINT", "Position of the version in its load")
OBSERVED_AT = ("_observed_at", "TIMESTAMP", "When the query that brought the version was sent")
CURSOR = ("_cursor", "STRING", "The source's stamp of the last change, UTC, at its own precision")
CONTENT = ("_content", "STRING", "SHA-256 over the document's values, items included")

QUARANTINED = (
    ("reasons", "ARRAY<STRING>", "The rules that the version breaks"),
    ("row", "STRING", "The raw record as JSON"),
    ("status", "STRING", "open; superseded by a newer version or a deletion; replayed, and good by a later contract"),
    ("first_seen", "TIMESTAMP", "When this content was first seen"),
    ("plan", "STRING", "Hash of the plan that wrote the load"),
    ("contract", "STRING", "Version of the contract by which it was judged"),
    ("closed_at", "TIMESTAMP", "When the lake closed it"),
    ("replayed_by", "STRING", "Hash of the plan by which it was found good"),
    ("_record", "STRING", "SHA-256 of the record as it was sent: the same content seen again has the same"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog shows it."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class Table:
    """A curated table of an entity, without its database."""

    name: str
    comment: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All tables of an entity; `children` in the order of the plan."""

    current: Table
    deleted: Table
    quarantine: Table
    children: tuple[Table, ...]

    @property
    def all(self) -> tuple[Table, ...]:
        """In the order in which they are written."""
        return (self.deleted, self.current, *self.children, self.quarantine)


def layout(plan: Plan) -> Layout:
    """The tables of the entity that this plan describes."""
    return Layout(
        current=Table(
            plan.table, plan.description, (*_fields(plan.fields), *_columns(LOAD, ROW, OBSERVED_AT, CURSOR, CONTENT))
        ),
        deleted=_deleted(plan),
        quarantine=_quarantine(plan),
        children=tuple(_child(plan, child) for child in plan.children),
    )


def _child(plan: Plan, child: Child) -> Table:
    position = ("_item", "INT", "Position of the item in its document, from 0")
    columns = (*_fields(child.fields), *_columns(LOAD, ROW, OBSERVED_AT, position))
    return Table(f"{plan.source}_{child.name}", child.description, columns)


def _deleted(plan: Plan) -> Table:
    instant = (
        "deleted_at",
        "TIMESTAMP",
        "Gone as of this instant: a sweep that began then did not find the key, or the source said so",
    )
    columns = (*_fields(plan.key_fields), *_columns(instant))
    return Table(f"{plan.table}_deleted", f"Keys of {plan.table} that were gone from the source", columns)


def _quarantine(plan: Plan) -> Table:
    keys = tuple(Column(field.name, "STRING", field.description) for field in plan.key_fields)
    seen = ("_observed_at", "TIMESTAMP", "When this content was last seen")
    columns = (*_columns(LOAD, ROW), *keys, *_columns(seen, CURSOR, *QUARANTINED))
    return Table(f"{plan.table}_quarantine", f"Versions of {plan.table} that break their contract", columns)


def _fields(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    return tuple(Column(field.name, curated_type(field), field.description) for field in fields)


def _columns(*columns: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*column) for column in columns)
