"""Reading a pass page by page, and checking that the source does what it was asked to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
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


type Row = tuple[str | None, tuple[Any, ...]]
"""A row's stamp and its key."""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that passed the checks: its rows, their cursors and keys, when it was asked for, and where reading goes on.

    `position` is None where no row has all columns of the order: then only a next link leads on.
    """

    batch: pa.RecordBatch
    cursors: pa.Array
    keys: list[str]
    observed_at: datetime
    position: tuple[str, ...] | None


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
        last row's stamp and key; a link is followed only where a page came empty with one, or where no row of it has a
        stamp and key that fit. (Such a page without a link is the end only if it is short.)
        """
        plan = self._plan_of(reading)
        check = PageCheck(plan, reading)
        link: str | None = None
        asked_first: datetime | None = None
        while True:
            query = page_query(plan, reading, position)
            if link is None:
                request = self.dialect.pages(self.source, plan, query)[0]
            else:
                request = self.dialect.link(self.source, plan, query, link)
            answer = self.connection.read(request)
            asked_first = asked_first or answer.asked_at
            try:
                page = read_page(answer.body, plan, self.dialect.envelope(self.source, plan))
            except NotAPage as error:
                raise MalformedAnswer(f"{plan.entity}: {self.connection.url}{request.path}: {error}") from None
            if page.batch.num_rows:
                read = check.page(page.batch, position, asked_first)
                yield read
                if read.position is not None:
                    position, link, asked_first = read.position, None, None
                    continue
            if page.next_link is None:
                if page.batch.num_rows >= plan.page_size:
                    raise check.dead_end()
                return
            if page.next_link == link:
                raise NoProgress(f"{plan.entity}: the source repeats the next link of a page: {link}")
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
        self._last_page: list[Row] = []

    def page(self, batch: pa.RecordBatch, position: tuple[str, ...] | None, asked_at: datetime) -> ReadPage:
        """The page with what is needed of it; raises FilterIgnored, OrderIgnored or NoProgress.

        It ends with the last row that has all columns of the order: reading goes on behind that one, which brings the rows
        behind it once more.
        """
        reading = self._reading
        last = self._last_whole(batch)
        if last is not None:
            batch = batch.slice(0, last + 1)
        key_columns = [_column(batch, column.field).to_pylist() for column in reading.key]
        key_values = list(zip(*key_columns, strict=True))
        keys = [key_text(values) for values in key_values]
        stamps = self._stamps(batch)
        self._check_nulls(batch)
        if stamps is not None:
            self._check_stamps(stamps, position)
        rows = list(zip(stamps.to_pylist() if stamps is not None else [None] * len(keys), key_values, strict=True))
        self._check_unique(rows)
        self._check_key_order(rows)
        self._last_page = rows
        sweep = reading.name == "keys"
        return ReadPage(
            batch=batch,
            cursors=pa.nulls(len(keys), pa.string()) if sweep else cursors(batch, self._plan.cursor),
            keys=keys,
            observed_at=asked_at,
            position=None if last is None else self._position(batch),
        )

    def dead_end(self) -> NoProgress:
        """What to raise where reading cannot go on."""
        return NoProgress(
            f"{self._plan.entity}: no row of a full page has all of "
            f"{', '.join(column.field for column in self._reading.order)} in the form that the contract declares: "
            "reading cannot go on behind it. Look at these rows in the source, or raise the contract's page_size."
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
        for stamp in self._reading.nulls:
            there = [pc.is_valid(_column(batch, field)) for field in stamp]
            if pc.any(pc.and_(there[0], there[-1])).as_py():
                raise FilterIgnored(
                    f"{self._plan.entity}: rows without {' and '.join(stamp)} were asked for, rows with it came: "
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

    def _check_unique(self, rows: list[Row]) -> None:
        """A key may come twice, with a later stamp the second time; the same again means that a page is repeated."""
        seen = set(self._last_page)
        for row in rows:
            stamp, key = row
            if row in seen and None not in key:
                raise NoProgress(f"{self._plan.entity}: key {key} came twice with the same stamp {stamp}: pages repeat")
            seen.add(row)

    def _check_key_order(self, rows: list[Row]) -> None:
        """Among rows of one stamp the key decides; out of order, paging behind the last one would lose rows."""
        for (stamp, key), (next_stamp, next_key) in pairwise((*self._last_page[-1:], *rows)):
            if stamp == next_stamp and surely_descending(key, next_key):
                raise OrderIgnored(
                    f"{self._plan.entity}: key {next_key} came behind {key}: the source does not apply the order on "
                    f"{self._plan.path}"
                )

    def _last_whole(self, batch: pa.RecordBatch) -> int | None:
        """The position of the last row that has all of the order's columns."""
        columns = [_column(batch, column.field) for column in self._reading.order]
        for row in range(batch.num_rows - 1, -1, -1):
            if all(column[row].is_valid for column in columns):
                return row
        return None

    def _position(self, batch: pa.RecordBatch) -> tuple[str, ...]:
        """The literals of the last row in the order's columns."""
        return tuple(_literal(_column(batch, column.field)[-1].as_py()) for column in self._reading.order)


def surely_descending(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Whether the second key sorts before the first one by whatever collation the source has.

    Collations differ in case, in signs and in where digits go: texts are judged only where they have one length and differ
    first in two digits, two capitals or two small letters.
    """
    for one, other in zip(first, second, strict=True):
        if one == other:
            continue
        if one is None or other is None:
            return False
        return _text_descending(one, other) if isinstance(one, str) else bool(other < one)
    return False


def _text_descending(one: str, other: str) -> bool:
    if len(one) != len(other) or not (one + other).isascii() or not (one + other).isalnum():
        return False
    left, right = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
    same_class = (left.isdigit(), left.isupper()) == (right.isdigit(), right.isupper())
    return same_class and right < left


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
