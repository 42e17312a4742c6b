"""A plan with one field of each type and a child, made of values."""

from __future__ import annotations

from dataclasses import replace

from lake.contract.plan import Child, Cursor, Field, Plan
from lake.contract.raw_columns import with_columns
from lake.extract.protocols.odata_versions import V4

TYPES = {
    "Text": "string",
    "Flag": "boolean",
    "Count": "int64",
    "Amount": "decimal(7,2)",
    "Day": "date",
    "Clock": "time",
    "Instant": "timestamp(3)",
    "Fine": "timestamp(7)",
}
ENVELOPE = V4.envelope
STAMP = "LastChangeDateTime"
"""The ERP's, in each of its entities."""


def field(name: str, kind: str = "string") -> Field:
    """A field whose curated name is its API name in small letters."""
    return Field(name.lower(), name, kind, required=False, classification="internal", description=name)


def plan(
    kinds: dict[str, str] | None = None, *, items: dict[str, str] | None = None, cursor: Cursor | None = None
) -> Plan:
    """A plan of an entity `erp.thing` with a key `Key` and the fields of `kinds`."""
    children: tuple[Child, ...] = ()
    if items is not None:
        fields = tuple(field(name, kind) for name, kind in items.items())
        children = (Child("erp.item", "item", "to_Item", "Item", ("key",), ("key",), "", fields, ()),)
    return Plan(
        entity="erp.thing",
        source="erp",
        name="thing",
        version="1.0.0",
        major=1,
        description="",
        path="Thing",
        key=("key",),
        fields=(field("Key"), *(field(name, kind) for name, kind in (kinds or {}).items())),
        children=children,
        cursor=cursor or Cursor("instant", ("Fine",), 7, None, "own_pass", None),
        deletes=(),
        checks=(),
        filter=None,
        initial_from=None,
        page_size=100,
        overlap_s=600,
        settle_lag_s=0,
        freshness_s=3600,
    )


def named(plan: Plan) -> Plan:
    """The plan with the names of raw's columns, as contracts are compiled."""
    fields, children = with_columns(plan.fields, plan.children, plan.key)
    return replace(plan, fields=fields, children=children)


def in_milliseconds(plan: Plan) -> Plan:
    """Finer stamps than version 2 can send are read by key: several of them look like one."""
    fields = tuple(replace(f, type="timestamp(3)") if f.field == STAMP else f for f in plan.fields)
    return replace(plan, fields=fields, cursor=replace(plan.cursor, digits=3), paging="key")
