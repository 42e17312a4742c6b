"""Landing: what one invocation read becomes at most one load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lake.raw.content import contents
from lake.raw.fingerprint import SCHEMA, Fingerprints
from lake.raw.literal import parse
from lake.raw.manifest import Counts, Part
from lake.raw.schema import CURSOR, OBSERVED_AT, ROW, STAMP, UNFIT, key_schema, row_schema, tombstone_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lake.contract.plan import Plan
    from lake.raw.parts import PartWriter

type Observed = tuple[datetime, datetime]


class RowPage(Protocol):
    """What landing needs of a page: its rows, their cursors and keys (`key_text`), and when it was asked for."""

    @property
    def batch(self) -> pa.RecordBatch:
        """The rows."""

    @property
    def cursors(self) -> pa.Array:
        """The cursor of each row."""

    @property
    def keys(self) -> pa.Array | list[str]:
        """The key of each row."""

    @property
    def observed_at(self) -> datetime:
        """When it was asked for."""


class Landing:
    """Takes pages of rows: leaves out what lies beyond the window's end and what is known, writes the rest.

    `end` and `next_start` are cursors (`lake.raw.cursor.normalised`). Rows at or behind `end` are beyond the window; without
    one (refresh, fetch, delta) nothing is. Rows from `next_start` on, and those without a cursor, may be brought again by the
    next window: they are noted in `seen`; without one nothing is noted ("" notes all). `known` are the last window's
    fingerprints, `seen` those of this one, which grow while it is read.
    """

    def __init__(
        self,
        plan: Plan,
        writer: PartWriter,
        *,
        end: str | None = None,
        next_start: str | None = None,
        known: Fingerprints | None = None,
        seen: Fingerprints | None = None,
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._known = Fingerprints() if known is None else known
        self.seen = Fingerprints() if seen is None else seen
        self._end = end
        self._next_start = next_start
        self._schema = row_schema(plan)
        self.counts = Counts()
        self.items: dict[str, int] = {child.field: 0 for child in plan.children}
        self.observed: Observed | None = None

    def add(self, page: RowPage) -> None:
        """Takes a page."""
        beyond = self._beyond(page.cursors)
        repeated = self._recognise(page, beyond)
        keep = pc.invert(pc.or_(beyond, repeated))
        counts = Counts(len(keep), keep.true_count, repeated.true_count, beyond.true_count)
        self._write(page, keep)
        self.counts += counts

    def finish(self) -> tuple[Part, ...]:
        """Uploads the last part and says what was written."""
        return self._writer.close()

    def _beyond(self, cursors: pa.Array) -> pa.BooleanArray:
        if self._end is None:
            return _none_of(cursors)
        return pc.fill_null(pc.greater_equal(cursors, self._end), fill_value=False)

    def _recognise(self, page: RowPage, beyond: pa.BooleanArray) -> pa.BooleanArray:
        """Which rows are landed already; notes all that the next window may bring again.

        Only rows that are noted or may be known are looked at closely: most of a long window costs nothing here.
        """
        again = _none_of(beyond)
        if self._next_start is not None:
            again = pc.fill_null(pc.greater_equal(page.cursors, self._next_start), fill_value=True)
        close = pc.and_not(pc.or_(again, self._known.may_know(page.cursors)), beyond)
        if not close.true_count:
            return close
        keys = page.keys if isinstance(page.keys, pa.Array) else pa.array(page.keys, pa.string())
        rows = pa.RecordBatch.from_arrays(
            [keys.filter(close), page.cursors.filter(close), contents(page.batch.filter(close))], schema=SCHEMA
        )
        self.seen.add(rows.filter(again.filter(close)))
        return pc.replace_with_mask(_none_of(close), close, self._known.knows(rows))

    def _write(self, page: RowPage, keep: pa.BooleanArray) -> None:
        landed = keep.true_count
        if not landed:
            return
        whole = landed == len(keep)
        rows = page.batch if whole else page.batch.filter(keep)
        first = self.counts.landed
        columns = dict(zip(rows.schema.names, rows.columns, strict=True))
        columns[ROW] = pa.arange(first, first + landed)
        columns[OBSERVED_AT] = pa.repeat(pa.scalar(page.observed_at, STAMP), landed)
        columns[CURSOR] = page.cursors if whole else page.cursors.filter(keep)
        self._writer.write(
            pa.RecordBatch.from_arrays([columns[name] for name in self._schema.names], schema=self._schema)
        )
        for child in self._plan.children:
            self.items[child.field] += pc.sum(pc.list_value_length(columns[child.raw])).as_py() or 0
        self.observed = _reaching(self.observed, page.observed_at)


class KeyLanding:
    """Takes the pages of a sweep: keys as text."""

    def __init__(self, plan: Plan, writer: PartWriter, known: Fingerprints | None = None) -> None:
        self._key = plan.key_fields
        self._schema = key_schema(plan)
        self._writer = writer
        self._known = Fingerprints() if known is None else known
        self._seen = _none_of(self._known.rows.column("key"))
        self.counts = Counts()

    @property
    def alive(self) -> Fingerprints:
        """What of the `known` fingerprints the sweep has seen."""
        return Fingerprints(self._known.rows.filter(self._seen))

    def add(self, page: RowPage) -> None:
        """Takes a page."""
        unfit = page.batch.column(UNFIT).to_pylist()
        columns = [_as_sent(page.batch.column(field.raw), field.field, unfit) for field in self._key]
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if len(self._seen):
            keys = page.keys if isinstance(page.keys, pa.Array) else pa.array(page.keys, pa.string())
            self._seen = pc.or_(self._seen, self._known.among(keys))
        rows = page.batch.num_rows
        self.counts = replace(self.counts, received=self.counts.received + rows, landed=self.counts.landed + rows)

    def finish(self) -> tuple[Part, ...]:
        """Uploads the last part and says what was written."""
        return self._writer.close()


class TombstoneLanding:
    """Takes keys that a feed or a delta link said are gone."""

    def __init__(self, plan: Plan, writer: PartWriter) -> None:
        self._schema = tombstone_schema(plan)
        self._writer = writer
        self.counts = Counts()
        self.observed: Observed | None = None

    def add(
        self, keys: Sequence[tuple[str, ...]], observed_at: datetime, deleted_at: Sequence[str | None] | None = None
    ) -> None:
        """Takes the keys, as text, of one answer: when it was asked for, and the source's own stamps if it gives any."""
        if not keys:
            return
        columns = [pa.array(values, pa.string()) for values in zip(*keys, strict=True)]
        columns.append(pa.repeat(pa.scalar(observed_at, STAMP), len(keys)))
        columns.append(pa.array(deleted_at or [None] * len(keys), pa.string()))
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self.counts += Counts(received=len(keys), landed=len(keys))
        self.observed = _reaching(self.observed, observed_at)

    def finish(self) -> tuple[Part, ...]:
        """Uploads the last part and says what was written."""
        return self._writer.close()


def _none_of(rows: pa.Array) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(value=False), len(rows))


def _reaching(observed: Observed | None, instant: datetime) -> Observed:
    """The span of instants with one more."""
    first, last = observed or (instant, instant)
    return min(first, instant), max(last, instant)


def _as_sent(column: pa.Array, name: str, unfit: list[str | None]) -> pa.Array:
    """A key column as text. A value that does not fit its type stands there too: its row is not gone from the source."""
    texts = column.cast(pa.string())
    if not texts.null_count:
        return texts
    sent = [None if literals is None else parse(literals.encode()).get(name) for literals in unfit]
    return pc.coalesce(texts, pa.array([value if isinstance(value, str) else None for value in sent], pa.string()))
