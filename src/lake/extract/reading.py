"""Reading a pass page by page, and checking that the source does what it was asked to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.extract.errors import FilterIgnored, MalformedAnswer, NoProgress, OrderIgnored
from lake.extract.passes import page_query
from lake.instants import to_text
from lake.raw.cursor import cursors, normalised
from lake.raw.fingerprint import key_text
from lake.raw.page import NotAPage, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Connection
    from lake.extract.passes import Pass
    from lake.extract.protocols import Dialect


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that passed the checks: its rows, their cursors and keys, when it was asked for, and where reading goes on."""

    batch: pa.RecordBatch
    cursors: pa.Array
    keys: list[str]
    observed_at: datetime
    position: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """A source, as one entity's plan reads it."""

    connection: Connection
    dialect: Dialect
    source: SourcePlan
    plan: Plan

    def pages(self, reading: Pass, position: tuple[str, ...] | None) -> Iterator[ReadPage]:
        """The pages of a pass after a position; raises SourceError or Paused.

        The end is an empty page without a next link, never a short page. After each page the next one is asked for by the
        last row's stamp and key; a link is followed only where a page came empty with one.
        """
        plan = self._plan_of(reading)
        check = PageCheck(plan, reading)
        link: str | None = None
        asked_first: datetime | None = None
        while True:
            query = page_query(plan, reading, position)
            request = self.dialect.page(self.source, query) if link is None else self.dialect.link(self.source, link)
            answer = self.connection.read(request)
            asked_first = asked_first or answer.asked_at
            try:
                page = read_page(answer.body, plan, self.dialect.envelope)
            except NotAPage as error:
                raise MalformedAnswer(f"{plan.entity}: {self.connection.url}{request.path}: {error}") from None
            if page.batch.num_rows:
                read = check.page(page.batch, position, asked_first)
                position, link, asked_first = read.position, None, None
                yield read
            elif page.next_link is None:
                return
            elif page.next_link == link:
                raise NoProgress(f"{plan.entity}: the source repeats the next link of an empty page: {link}")
            else:
                link = page.next_link

    def _plan_of(self, reading: Pass) -> Plan:
        """A sweep reads keys alone."""
        if reading.name != "keys":
            return self.plan
        return replace(self.plan, fields=self.plan.key_fields, children=())


class PageCheck:
    """Checks the pages of one pass: bounds, order, uniqueness, progress."""

    def __init__(self, plan: Plan, reading: Pass) -> None:
        self._plan = plan
        self._reading = reading
        self._last_stamp: str | None = None
        self._keys_of_last_stamp: set[str] = set()

    def page(self, batch: pa.RecordBatch, position: tuple[str, ...] | None, asked_at: datetime) -> ReadPage:
        """The page with what is needed of it; raises FilterIgnored, OrderIgnored or NoProgress."""
        reading = self._reading
        key_columns = [_column(batch, column.field).to_pylist() for column in reading.key]
        key_values = list(zip(*key_columns, strict=True))
        keys = [key_text(values) for values in key_values]
        stamps = self._stamps(batch)
        self._check_nulls(batch)
        if stamps is not None:
            self._check_stamps(stamps, position)
        self._check_unique(keys, stamps.to_pylist() if stamps is not None else [None] * len(keys))
        sweep = reading.name == "keys"
        return ReadPage(
            batch=batch,
            cursors=pa.nulls(len(keys), pa.string()) if sweep else cursors(batch, self._plan.cursor),
            keys=keys,
            observed_at=asked_at,
            position=self._position(batch),
        )

    def _stamps(self, batch: pa.RecordBatch) -> pa.Array | None:
        """The pass's own stamp of each row as text that sorts as the source's stamps do; None for a pass without stamps."""
        fields = tuple(column.field for column in self._reading.stamp)
        if not fields:
            return None
        if len(fields) == 1:
            return cursors(batch, replace(self._plan.cursor, fields=fields, stand_in=None))
        day, time = (_column(batch, field).cast(pa.string()) for field in fields)
        return pc.binary_join_element_wise(day, pc.utf8_slice_codeunits(time, 0, 8), "T")

    def _bound(self, literals: tuple[str, ...]) -> str:
        if len(literals) == 1:
            return normalised(literals[0], self._plan.cursor.digits)
        return f"{literals[0]}T{literals[1][:8]}"

    def _check_nulls(self, batch: pa.RecordBatch) -> None:
        for field in self._reading.nulls:
            if _column(batch, field).null_count != batch.num_rows:
                raise FilterIgnored(
                    f"{self._plan.entity}: rows without {field} were asked for, rows with it came: "
                    f"the source does not apply the filter on {self._plan.path}"
                )

    def _check_stamps(self, stamps: pa.Array, position: tuple[str, ...] | None) -> None:
        present = stamps.drop_null()
        if not len(present):
            return
        if len(present) > 1 and pc.any(pc.less(present[1:], present[:-1])).as_py():
            raise OrderIgnored(
                f"{self._plan.entity}: rows came out of the order of {', '.join(c.field for c in self._reading.order)}: "
                f"the source does not apply it on {self._plan.path}"
            )
        low = self._reading.low
        if position is not None:
            low = position[: len(self._reading.stamp)]
        if low is not None and present[0].as_py() < self._bound(low):
            raise FilterIgnored(
                f"{self._plan.entity}: rows from {self._bound(low)} on were asked for, one of {present[0].as_py()} came: "
                f"the source does not apply the filter on {self._plan.path}"
            )

    def _check_unique(self, keys: list[str], stamps: list[str | None]) -> None:
        for key, stamp in zip(keys, stamps, strict=True):
            if stamp != self._last_stamp:
                self._last_stamp = stamp
                self._keys_of_last_stamp.clear()
            if key in self._keys_of_last_stamp and "null" not in key:
                raise NoProgress(f"{self._plan.entity}: key {key} came twice with the same stamp {stamp}: pages repeat")
            self._keys_of_last_stamp.add(key)

    def _position(self, batch: pa.RecordBatch) -> tuple[str, ...]:
        """The literals of the last row that has all of the order's columns; what comes behind it is read once more."""
        columns = [_column(batch, column.field) for column in self._reading.order]
        for row in range(batch.num_rows - 1, -1, -1):
            values = [column[row].as_py() for column in columns]
            if all(value is not None for value in values):
                return tuple(_literal(value) for value in values)
        raise NoProgress(
            f"{self._plan.entity}: no row of a page has all of {', '.join(c.field for c in self._reading.order)}: "
            "reading cannot go on behind it. Look at these rows in the source."
        )


def _column(batch: pa.RecordBatch, field: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(field))


def _literal(value: Any) -> str:
    """A typed value as the text of a literal."""
    match value:
        case datetime():
            return to_text(value.astimezone(UTC))
        case date():
            return value.isoformat()
        case _:
            return str(value)
