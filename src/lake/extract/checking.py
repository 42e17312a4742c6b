"""Checking that a source does what it was asked to: bounds, order, uniqueness, progress. Whole columns at a time.

Single rows are looked at only where a column shows that one may be wrong, to judge it and to word the error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.extract.errors import FilterIgnored, NoProgress, OrderIgnored
from lake.extract.keys import ascending, descending, key_texts, same, surely_descending
from lake.extract.places import last_whole
from lake.raw.cursor import cursors, normalised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.contract.plan import Plan
    from lake.extract.passes import Pass
    from lake.extract.places import Place


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a page: their cursors, their keys as text (`key_text`) and as columns, and their stamps in the pass's order.

    `stamps` are texts that sort as the source's stamps do; None for a pass without stamps. `order`: the columns that the
    rows are ordered by.
    """

    batch: pa.RecordBatch
    cursors: pa.Array
    keys: pa.Array
    key: tuple[pa.Array, ...]
    stamps: pa.Array | None
    order: tuple[pa.Array, ...]

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def slice(self, first: int) -> Rows:
        """The rows from a position on."""
        return Rows(
            self.batch.slice(first),
            self.cursors.slice(first),
            self.keys.slice(first),
            tuple(column.slice(first) for column in self.key),
            None if self.stamps is None else self.stamps.slice(first),
            tuple(column.slice(first) for column in self.order),
        )

    def identities(self) -> list[tuple[str, str | None]]:
        """Key and cursor of each row."""
        return list(zip(self.keys.to_pylist(), self.cursors.to_pylist(), strict=True))


class PageCheck:
    """Checks the pages of one pass, and gives of each the rows that are to be delivered."""

    def __init__(self, plan: Plan, reading: Pass) -> None:
        self._plan = plan
        self._reading = reading
        self._last: Rows | None = None

    def page(self, batch: pa.RecordBatch, place: Place) -> Rows:
        """The rows of the page at a place; raises FilterIgnored, OrderIgnored or NoProgress.

        Where the client pages, the page ends with the last row that has all columns of the order: reading goes on behind
        that one, which brings the rows behind it once more. What a page repeats of the end of the one before is left out.
        """
        reading = self._reading
        last = None if reading.paging == "server" else last_whole(batch, reading)
        rows = self._rows(batch if last is None else batch.slice(0, last + 1))
        if reading.name == "delta":
            return rows
        self._check_nulls(rows.batch)
        usual = self._ascending(rows)
        if not usual:
            self._check_stamp_order(rows.stamps)
        self._check_bounds(rows.stamps, place)
        fresh = rows if usual else self._without_repetition(rows)
        self._last = rows if len(rows) else self._last
        return fresh

    def _ascending(self, rows: Rows) -> bool:
        """Whether each row, from the last one of the page before on, surely comes behind the one before it and is another."""
        columns = rows.order if self._last is None else _behind_last(self._last.order, rows.order)
        return ascending(columns)

    def _without_repetition(self, rows: Rows) -> Rows:
        """The rows, looked at more closely, without those that repeat the end of the page before."""
        overlap = self._repeated(rows)
        fresh = rows.slice(overlap)
        self._check_key_order(fresh)
        return fresh if overlap and rows.batch.slice(0, overlap).equals(self._tail(overlap)) else rows

    def _tail(self, count: int) -> pa.RecordBatch | None:
        return self._last and self._last.batch.slice(len(self._last) - count)

    def _rows(self, batch: pa.RecordBatch) -> Rows:
        key = tuple(batch.column(column.raw) for column in self._reading.key)
        if self._reading.name == "keys" or not self._plan.cursor.fields:
            stamped = pa.nulls(batch.num_rows, pa.string())
        else:
            stamped = cursors(batch, self._plan.raw_cursor)
        stamps = self._stamps(batch, stamped)
        order = key if stamps is None or self._reading.paging != "keyset" else (stamps, *key)
        return Rows(batch, stamped, key_texts(key), key, stamps, order)

    def _stamps(self, batch: pa.RecordBatch, stamped: pa.Array) -> pa.Array | None:
        """The pass's own stamp of each row as text that sorts as the source's stamps do; None for a pass without stamps."""
        fields = tuple(column.raw for column in self._reading.stamp)
        if not fields:
            return None
        columns = [batch.column(field) for field in fields]
        cursor = self._plan.raw_cursor
        if len(columns) > 1:
            time = pc.utf8_slice_codeunits(columns[1].cast(pa.string()), 0, 8)
            return pc.binary_join_element_wise(columns[0].cast(pa.string()), time, "T")
        if pa.types.is_date(columns[0].type):
            return columns[0].cast(pa.string())
        if fields == cursor.fields and (cursor.stand_in is None or not columns[0].null_count):
            return stamped
        return cursors(batch, replace(cursor, fields=fields, stand_in=None))

    def _bound(self, literals: tuple[str, ...]) -> str:
        """A bound in the form of `_stamps`."""
        if len(literals) > 1:
            return f"{literals[0]}T{literals[1][:8]}"
        if self._reading.stamp[0].type.startswith("date"):
            return literals[0]
        return normalised(literals[0], self._plan.cursor.digits)

    def _check_nulls(self, batch: pa.RecordBatch) -> None:
        for stamp in self._reading.nulls:
            there = [batch.column(self._plan.column_of(field)).is_valid() for field in stamp]
            if pc.any(pc.and_(there[0], there[-1])).as_py():
                raise FilterIgnored(
                    f"{self._plan.entity}: rows without {' and '.join(stamp)} were asked for, rows with it came: "
                    f"the source does not apply the filter on {self._plan.path}"
                )

    def _check_stamp_order(self, stamps: pa.Array | None) -> None:
        if stamps is None or self._reading.paging != "keyset":
            return
        present = stamps.drop_null()
        if pc.any(pc.less(present[1:], present[:-1])).as_py():
            raise OrderIgnored(
                f"{self._plan.entity}: rows came out of the order of {', '.join(c.field for c in self._reading.order)}: "
                f"the source does not apply it on {self._plan.path}"
            )

    def _check_bounds(self, stamps: pa.Array | None, place: Place) -> None:
        reading = self._reading
        low = place.after[: len(reading.stamp)] if reading.paging == "keyset" and place.after else reading.low
        lowest = None if stamps is None or not low else _lowest(stamps, ordered=reading.paging == "keyset")
        if lowest is not None and low is not None and lowest < self._bound(low):
            raise FilterIgnored(
                f"{self._plan.entity}: rows from {self._bound(low)} on were asked for, one of {lowest} came: "
                f"the source does not apply the filter on {self._plan.path}"
            )

    def _repeated(self, rows: Rows) -> int:
        """How many rows at the page's beginning repeat the end of the one before; raises NoProgress where more repeats.

        A key may come twice, with a later stamp the second time; the same again means that a page is repeated. Where the
        server pages, rows may have moved in between: only a page that brings nothing else is refused.
        """
        distinct = pc.count_distinct(rows.keys).as_py() == len(rows)
        if distinct and (self._last is None or not pc.any(pc.is_in(rows.keys, self._last.keys)).as_py()):
            return 0
        last, new = [] if self._last is None else self._last.identities(), rows.identities()
        overlap = _overlap(last, new)
        moved = self._reading.paging == "server" and not set(new) <= set(last)
        seen = set() if moved else set(last)
        first = overlap if overlap < len(new) else 0
        for row in range(first, len(new)):
            key, stamp = new[row]
            if new[row] in seen and all(column[row].is_valid for column in rows.key):
                raise NoProgress(f"{self._plan.entity}: key {key} came twice with the same stamp {stamp}: pages repeat")
            seen.add(new[row])
        return overlap

    def _check_key_order(self, rows: Rows) -> None:
        """Among rows of one stamp the key decides; out of order, paging behind the last one would lose rows."""
        if self._reading.paging == "server" or not len(rows):
            return
        last = rows.slice(len(rows)) if self._last is None else self._last
        columns = _behind_last(last.key, rows.key)
        suspects = descending(columns)
        if self._reading.paging == "keyset" and rows.stamps is not None:
            (stamps,) = _behind_last((last.stamps,), (rows.stamps,))
            suspects = pc.and_(suspects, same(stamps[:-1], stamps[1:]))
        for position in pc.indices_nonzero(suspects).to_pylist() if pc.any(suspects).as_py() else ():
            key, next_key = (tuple(column[row].as_py() for column in columns) for row in (position, position + 1))
            if surely_descending(key, next_key):
                raise OrderIgnored(
                    f"{self._plan.entity}: key {next_key} came behind {key}: the source does not apply the order on "
                    f"{self._plan.path}"
                )


def _behind_last(last: Sequence[pa.Array], columns: Sequence[pa.Array]) -> tuple[pa.Array, ...]:
    """Columns with the last value of the page before in front."""
    return tuple(pa.concat_arrays([one[-1:], column]) for one, column in zip(last, columns, strict=True))


def _lowest(stamps: pa.Array, *, ordered: bool) -> str | None:
    if ordered and len(stamps) and stamps[0].is_valid:
        return str(stamps[0])
    lowest: str | None = pc.min(stamps).as_py()
    return lowest


def _overlap(last: list[Any], new: list[Any]) -> int:
    """How many rows the end of one page and the beginning of the next have in common."""
    if not new or new[0] not in last:
        return 0
    tail = last[last.index(new[0]) :]
    return len(tail) if new[: len(tail)] == tail else 0
