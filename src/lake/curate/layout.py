"""Which tables an entity has, and which columns they have."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lake.curate.columns import SEEN, curated_type, literal, quoted

if TYPE_CHECKING:
    from lake.contract.plan import Child, Field, Plan

LOAD = ("_load", "BIGINT", "Load in which the version arrived")
ROW = ("_row", "BIGINT", "Position of the version in its load")
OBSERVED_AT = ("_observed_at", "TIMESTAMP", "When the query that brought the version was sent")
CURSOR = ("_cursor", "STRING", "The source's stamp of the last change, UTC, at its own precision")
CONTENT = ("_content", "STRING", "128 bits of SHA-256 over the document's values, items included, as hex digits")

HISTORY = (
    (
        "valid_from",
        "TIMESTAMP",
        "From when on the source said so: its stamp where that is later than the row before, else seen",
    ),
    (
        "valid_to",
        "TIMESTAMP",
        "Until when, exclusive: the next row's begin, or when the key was gone; null: it is so now",
    ),
    ("_ended", "BOOLEAN", "The key was gone as of valid_to"),
    ("_seen", SEEN, "When the same content was seen before: the first time, and the latest times"),
)

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

WORD = re.compile(r"\w+(?![\w(])")
WEEK_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog shows it. `members`: of the structs in an array. `renamed_from`: what it was called before."""

    name: str
    type: str
    comment: str
    members: tuple[Column, ...] = ()
    renamed_from: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A curated table of an entity, without its database.

    `sort`: columns by which its files are ordered; `partition`: transforms, as in the contract; `snapshots_s`: how far back
    it can be read.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    snapshots_s: int = WEEK_S


@dataclass(frozen=True, slots=True)
class Layout:
    """All tables of an entity; `children` in the order of the plan. `history`: None where the contract asks for none."""

    current: Table
    deleted: Table
    quarantine: Table
    children: tuple[Table, ...]
    history: Table | None = None

    @property
    def all(self) -> tuple[Table, ...]:
        """In the order in which they are written."""
        history = (self.history,) if self.history else ()
        return (self.deleted, self.current, *self.children, *history, self.quarantine)


def layout(plan: Plan) -> Layout:
    """The tables of the entity that this plan describes."""
    return Layout(
        current=Table(
            plan.table,
            plan.description,
            (*_fields(plan.fields), *_columns(LOAD, ROW, OBSERVED_AT, CURSOR, CONTENT)),
            plan.curated.sort or plan.key,
            plan.curated.partition,
            plan.curated.snapshots_s,
        ),
        deleted=_deleted(plan),
        quarantine=_quarantine(plan),
        children=tuple(_child(plan, child) for child in plan.children),
        history=_history(plan) if plan.curated.history else None,
    )


def _child(plan: Plan, child: Child) -> Table:
    position = ("_item", "INT", "Position of the item in its document, from 0")
    columns = (*_fields(child.fields), *_columns(LOAD, ROW, OBSERVED_AT, position))
    parent = dict(zip(plan.key, child.parent_key, strict=True))
    partition = tuple(_of_child(text, parent) for text in plan.curated.partition)
    kept = (child.key, partition, plan.curated.snapshots_s)
    return Table(f"{plan.source}_{child.name}", child.description, columns, *kept)


def _of_child(transform: str, parent: dict[str, str]) -> str:
    """A transform of the parent's key as one of the child's columns that hold the same value."""
    return WORD.sub(lambda match: parent.get(match[0], match[0]), transform)


def _deleted(plan: Plan) -> Table:
    instant = (
        "deleted_at",
        "TIMESTAMP",
        "Gone as of this instant: a sweep that began then did not find the key, or the source said so",
    )
    columns = (*_fields(plan.key_fields), *_columns(instant))
    comment = f"Keys of {plan.table} that were gone from the source"
    return Table(f"{plan.table}_deleted", comment, columns, snapshots_s=plan.curated.snapshots_s)


def _history(plan: Plan) -> Table:
    items = tuple(_array(child.name, child.description, _fields(child.fields)) for child in plan.children)
    columns = (*_fields(plan.fields), *items, *_columns(*HISTORY, LOAD, ROW, OBSERVED_AT, CURSOR, CONTENT))
    comment = f"All versions of {plan.table} that were seen, and when each was valid"
    return Table(f"{plan.table}_history", comment, columns, plan.key, plan.curated.partition, plan.curated.snapshots_s)


def _array(name: str, comment: str, members: tuple[Column, ...]) -> Column:
    """A column of documents: their items, as they were in that version."""
    inner = ", ".join(f"{quoted(member.name)}: {member.type} COMMENT {literal(member.comment)}" for member in members)
    return Column(name, f"ARRAY<STRUCT<{inner}>>", comment, members)


def _quarantine(plan: Plan) -> Table:
    keys = tuple(replace(column, type="STRING") for column in _fields(plan.key_fields))
    seen = ("_observed_at", "TIMESTAMP", "When this content was last seen")
    columns = (*_columns(LOAD, ROW), *keys, *_columns(seen, CURSOR, *QUARANTINED))
    comment = f"Versions of {plan.table} that break their contract"
    return Table(f"{plan.table}_quarantine", comment, columns, snapshots_s=plan.curated.snapshots_s)


def _fields(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(field.name, curated_type(field), field.description, renamed_from=field.renamed_from) for field in fields
    )


def _columns(*columns: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*column) for column in columns)
