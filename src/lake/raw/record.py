"""Records: the fields and collections of an entity as one protocol sends them, prepared once for all pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.raw.forms import Form, form_of
from lake.raw.schema import UNFIT, UNMAPPED, row_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.contract.plan import Field, Plan
    from lake.raw.envelope import Envelope

REMEMBERED = 16

type Forms = tuple[tuple[str, Form], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What pages of an entity hold: its fields with their forms, those of its collections, and the columns they become.

    Fields and collections go by the API's names; `schema` has raw's (`Field.raw`), in the same order.
    """

    plan: Plan
    envelope: Envelope
    fields: Forms
    children: tuple[tuple[str, Forms], ...]
    schema: pa.Schema

    @property
    def declared(self) -> frozenset[str]:
        """The members of a record that its plan or its protocol declares."""
        return frozenset((*dict(self.fields), *dict(self.children), *self.envelope.annotations))

    def items_type(self, collection: str) -> pa.DataType:
        """The type of a collection's column."""
        names = [name for name, _ in self.children]
        return self.schema.field(len(self.fields) + names.index(collection)).type

    @property
    def has_decimals(self) -> bool:
        """Whether decimals are read from it."""
        forms = (*self.fields, *(pair for _, fields in self.children for pair in fields))
        return any(pa.types.is_decimal(form.json[0]) for _, form in forms)


_recent: tuple[Layout, ...] = ()


def layout_of(plan: Plan, envelope: Envelope) -> Layout:
    """The layout of a plan's pages in an envelope. The last few are remembered: a page is read in milliseconds."""
    global _recent  # noqa: PLW0603
    for known in _recent:
        if known.plan is plan and known.envelope is envelope:
            return known
    schema = pa.schema([*row_columns(plan), pa.field(UNFIT, pa.string()), pa.field(UNMAPPED, pa.string())])
    children = tuple((child.field, _forms(child.fields, envelope)) for child in plan.children)
    layout = Layout(plan, envelope, _forms(plan.fields, envelope), children, schema)
    _recent = (layout, *_recent[: REMEMBERED - 1])
    return layout


def _forms(fields: Iterable[Field], envelope: Envelope) -> Forms:
    return tuple((field.field, form_of(field, envelope.forms.get(field.base))) for field in fields)
