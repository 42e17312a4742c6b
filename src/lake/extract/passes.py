"""Passes: the queries that together read a window. Rows with a stamp, rows with only a stand-in, rows with neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lake.extract.query import Column, Compare, Condition, Either, Expand, IsNull, Query, Verbatim, compare_all
from lake.extract.window import Window, ceiling, floor, local_bounds
from lake.instants import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from lake.contract.plan import Plan

MIDNIGHT = "00:00:00"


@dataclass(frozen=True, slots=True)
class Pass:
    """One ordered reading: the stamp's columns (none where rows have no stamp), then the key.

    `low` and `high` are the asked bounds of the stamp as literals, rounded outwards. `nulls` are stamps that rows must
    lack: of each, at least one field is null. `whole`: half a stamp counts as none, so that the passes leave no row out.
    """

    name: Literal["stamped", "stand_in", "stampless", "keys"]
    stamp: tuple[Column, ...]
    key: tuple[Column, ...]
    low: tuple[str, ...] | None
    high: tuple[str, ...] | None
    nulls: tuple[tuple[str, ...], ...]
    whole: bool = False

    @property
    def order(self) -> tuple[Column, ...]:
        """The columns by which rows come and by which reading goes on."""
        return (*self.stamp, *self.key)


def window_passes(plan: Plan, window: Window) -> tuple[Pass, ...]:
    """The passes that read a window whole."""
    cursor = plan.cursor
    key = key_columns(plan)
    passes = [_stamped(plan, "stamped", cursor.fields, window, key, nulls=())]
    nulls: tuple[tuple[str, ...], ...] = (cursor.fields,)
    if cursor.stand_in:
        passes.append(_stamped(plan, "stand_in", cursor.stand_in, window, key, nulls=nulls))
        nulls = (*nulls, cursor.stand_in)
    if cursor.nulls != "never":
        passes.append(Pass("stampless", (), key, None, None, nulls))
    return tuple(passes)


def key_pass(plan: Plan) -> Pass:
    """The pass of a sweep: every key."""
    return Pass("keys", (), key_columns(plan), None, None, ())


def key_columns(plan: Plan) -> tuple[Column, ...]:
    """The key's API fields."""
    return tuple(Column(field.field, field.type, field.form) for field in plan.key_fields)


def page_query(plan: Plan, reading: Pass, position: tuple[str, ...] | None) -> Query:
    """The query for the page after `position` (literals of the last row in the pass's order), or for the first page."""
    where: list[Condition] = [_lacks(stamp) for stamp in reading.nulls]
    if reading.whole:
        where += [Compare(column.field, "ge", MIDNIGHT, column.type, column.form) for column in reading.stamp[1:]]
    if position is not None:
        where.append(compare_all(reading.order, "gt", position))
    elif reading.low is not None:
        where.append(compare_all(reading.stamp, "ge", reading.low))
    if reading.high is not None:
        where.append(compare_all(reading.stamp, "lt", reading.high))
    if plan.filter is not None:
        where.append(Verbatim(plan.filter))
    keys_only = reading.name == "keys"
    fields = plan.key_fields if keys_only else plan.fields
    return Query(
        path=plan.path,
        select=tuple(field.field for field in fields),
        expand=()
        if keys_only
        else tuple(Expand(child.field, tuple(field.field for field in child.fields)) for child in plan.children),
        where=tuple(where),
        order=reading.order,
        limit=plan.page_size,
        deleted=plan.strategy("soft_flag") is not None,
    )


def _stamped(
    plan: Plan,
    name: Literal["stamped", "stand_in"],
    fields: tuple[str, ...],
    window: Window,
    key: tuple[Column, ...],
    *,
    nulls: tuple[tuple[str, ...], ...],
) -> Pass:
    by_field = {field.field: field for field in plan.fields}
    stamp = tuple(Column(field, by_field[field].type, by_field[field].form) for field in fields)
    low = None if window.start is None else _literals(plan, window.start, low=True)
    high = _literals(plan, window.end, low=False)
    return Pass(name, stamp, key, low, high, nulls, whole=plan.cursor.nulls != "never")


def _lacks(stamp: tuple[str, ...]) -> Condition:
    """Rows without the stamp, or with half of it: compared as two columns, a half would meet no bound on its own day."""
    halves = tuple(IsNull(field) for field in stamp)
    return halves[0] if len(halves) == 1 else Either(halves)


def _literals(plan: Plan, instant: datetime, *, low: bool) -> tuple[str, ...]:
    """A bound as the literals of the stamp's columns, rounded outwards to the source's granularity in its zone."""
    cursor = plan.cursor
    if cursor.kind == "instant":
        rounded = floor(instant, cursor.digits) if low else ceiling(instant, cursor.digits)
        return (to_text(rounded),)
    local = local_bounds(instant, cursor.zone or "UTC", cursor.digits)[0 if low else 1]
    return local.strftime("%Y-%m-%d"), local.strftime("%H:%M:%S")
