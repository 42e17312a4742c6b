"""Passes: the queries that together read a window. Rows with a stamp, rows with only a stand-in, rows with neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lake.extract.query import (
    Column,
    Compare,
    Condition,
    CountQuery,
    Either,
    Every,
    Expand,
    IsNull,
    Query,
    Verbatim,
    compare_all,
)
from lake.extract.window import Window, ceiling, floor, local_bounds, local_instants, next_midnight
from lake.instants import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lake.contract.plan import Paging, Plan

MIDNIGHT = "00:00:00"

type Name = Literal["stamped", "stand_in", "stampless", "keys", "refresh", "fetch", "delta"]
type Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One ordered reading: the stamp's columns (none where rows have no stamp), then the key.

    `low` and `high` are the asked bounds of the stamp as literals, rounded outwards. `nulls` are stamps that rows must
    lack: of each, at least one field is null. `whole`: half a stamp counts as none, so that the passes leave no row out.
    `paging` says how its pages follow each other (`lake.contract.plan.Plan`). `only`: just the rows of these keys.
    `track`: the source is asked to give a delta link behind the last page. (A pass `delta` begins at such a link: it has
    no query of its own, no order and no bounds.)
    """

    name: Name
    stamp: tuple[Column, ...]
    key: tuple[Column, ...]
    low: tuple[str, ...] | None
    high: tuple[str, ...] | None
    nulls: tuple[tuple[str, ...], ...]
    whole: bool = False
    paging: Paging = "keyset"
    only: tuple[Key, ...] = ()
    track: bool = False

    @property
    def order(self) -> tuple[Column, ...]:
        """The columns by which rows come, and by which reading goes on where the client pages."""
        return (*self.stamp, *self.key) if self.paging == "keyset" else self.key


def window_passes(
    plan: Plan, window: Window, paging: Paging | None = None, *, open_end: bool = False
) -> tuple[Pass, ...]:
    """The passes that read a window whole; paged as the plan says, unless `paging` is given.

    `open_end`: rows are asked for without an upper bound, so that one that changes meanwhile does not leave the result.
    """
    cursor = plan.cursor
    paging = paging or plan.paging
    passes = [_stamped(plan, "stamped", cursor.fields, window, (), paging, open_end)]
    nulls: tuple[tuple[str, ...], ...] = (cursor.fields,)
    if cursor.stand_in:
        passes.append(_stamped(plan, "stand_in", cursor.stand_in, window, nulls, paging, open_end))
        nulls = (*nulls, cursor.stand_in)
    if cursor.nulls != "never":
        passes.append(Pass("stampless", (), key_columns(plan), None, None, nulls, paging=_unbounded(plan)))
    return tuple(passes)


def key_pass(plan: Plan) -> Pass:
    """The pass of a sweep: every key."""
    return Pass("keys", (), key_columns(plan), None, None, (), paging=_unbounded(plan))


def refresh_pass(plan: Plan, *, track: bool) -> Pass:
    """The pass of a full refresh: every row. Where changes are to be tracked, the server's links lead to the delta link."""
    return Pass(
        "refresh", (), key_columns(plan), None, None, (), paging="server" if track else _unbounded(plan), track=track
    )


def fetch_pass(plan: Plan, keys: Sequence[Key]) -> Pass:
    """The pass that reads rows by their keys (as text)."""
    return Pass("fetch", (), key_columns(plan), None, None, (), paging="key", only=tuple(keys))


def delta_pass(plan: Plan) -> Pass:
    """The pass that follows a delta link."""
    return Pass("delta", (), key_columns(plan), None, None, (), paging="server")


def key_columns(plan: Plan) -> tuple[Column, ...]:
    """The key's API fields."""
    return tuple(Column(field.field, field.type, field.form, field.column) for field in plan.key_fields)


def page_query(plan: Plan, reading: Pass, position: tuple[str, ...] | None) -> Query:
    """The query for the page after `position` (literals of the last row in the pass's order), or for the first page."""
    where = _stamp_conditions(reading)
    if reading.only:
        where.append(_one_of(reading))
    if position is not None:
        where.append(compare_all(reading.order, "gt", position))
    if reading.low is not None and (position is None or reading.paging != "keyset"):
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
        else tuple(
            Expand(child.field, tuple(field.field for field in child.fields), child.filter) for child in plan.children
        ),
        where=tuple(where),
        order=reading.order,
        limit=plan.page_size,
        deleted=plan.strategy("soft_flag") is not None,
        served=reading.paging == "server",
        track=reading.track,
    )


def counted_rows(reading: Pass, *, deleted: bool) -> CountQuery:
    """What is counted of a pass: its rows, those of all pages."""
    where = _stamp_conditions(reading)
    if reading.low is not None:
        where.append(compare_all(reading.stamp, "ge", reading.low))
    if reading.high is not None:
        where.append(compare_all(reading.stamp, "lt", reading.high))
    return CountQuery(tuple(where), deleted)


def _stamp_conditions(reading: Pass) -> list[Condition]:
    """Which stamps rows must lack, and which they must have whole."""
    where: list[Condition] = [_lacks(stamp) for stamp in reading.nulls]
    if reading.whole:
        where += [Compare(column.field, "ge", MIDNIGHT, column.type, column.form) for column in reading.stamp[1:]]
    return where


def _unbounded(plan: Plan) -> Paging:
    """How a reading without bounds is paged: by key, unless only the server can page and has no cap."""
    return "server" if plan.paging == "server" and plan.result_cap is None else "key"


def _stamped(
    plan: Plan,
    name: Literal["stamped", "stand_in"],
    fields: tuple[str, ...],
    window: Window,
    nulls: tuple[tuple[str, ...], ...],
    paging: Paging,
    open_end: bool,
) -> Pass:
    """Where the source compares days alone, the date is the stamp: the time of day neither bounds nor orders."""
    by_field = {field.field: field for field in plan.fields}
    compared = fields[:1] if plan.cursor.days else fields
    columns = (by_field[field] for field in compared)
    stamp = tuple(Column(field.field, field.type, field.form, field.column) for field in columns)
    low = None if window.start is None else _literals(plan, window.start, low=True)
    high = None if open_end else _literals(plan, window.end, low=False)
    whole = plan.cursor.nulls != "never" and not plan.cursor.days
    return Pass(name, stamp, key_columns(plan), low, high, nulls, whole=whole, paging=paging)


def _lacks(stamp: tuple[str, ...]) -> Condition:
    """Rows without the stamp, or with half of it: compared as two columns, a half would meet no bound on its own day."""
    halves = tuple(IsNull(field) for field in stamp)
    return halves[0] if len(halves) == 1 else Either(halves)


def _one_of(reading: Pass) -> Condition:
    rows = tuple(
        Every(
            tuple(
                Compare(column.field, "eq", value, column.type, column.form)
                for column, value in zip(reading.key, key, strict=True)
            )
        )
        for key in reading.only
    )
    return Either(rows)


def _literals(plan: Plan, instant: datetime, *, low: bool) -> tuple[str, ...]:
    """A bound as the literals of the stamp's columns, rounded outwards to the source's granularity in its zone."""
    cursor = plan.cursor
    if cursor.kind == "instant" and cursor.zone is not None:
        return (to_text(local_instants(instant, cursor.zone, cursor.digits)[0 if low else 1]),)
    if cursor.kind == "instant":
        rounded = floor(instant, cursor.digits) if low else ceiling(instant, cursor.digits)
        return (to_text(rounded),)
    local = local_bounds(instant, cursor.zone or "UTC", cursor.digits)[0 if low else 1]
    if cursor.days:
        return ((local if low else next_midnight(local)).strftime("%Y-%m-%d"),)
    return local.strftime("%Y-%m-%d"), local.strftime("%H:%M:%S")
