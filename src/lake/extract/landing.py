"""Landing: what one invocation read becomes at most one load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lake.instants import to_text
from lake.raw.cursor import normalised
from lake.raw.fingerprint import Fingerprints, content_of, key_text
from lake.raw.literal import parse
from lake.raw.manifest import Counts, Part
from lake.raw.schema import CURSOR, OBSERVED_AT, ROW, STAMP, UNFIT, key_schema, row_schema

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lake.contract.plan import Plan
    from lake.extract.reading import ReadPage
    from lake.extract.window import Window
    from lake.raw.parts import PartWriter


class Landing:
    """Takes the pages of a window: leaves out what lies beyond its end and what is known, writes the rest.

    `known` are the last window's fingerprints, `seen` those of this one: they grow while it is read.
    """

    def __init__(
        self,
        plan: Plan,
        window: Window,
        overlap: timedelta,
        writer: PartWriter,
        known: Fingerprints,
        seen: Fingerprints,
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._known = known
        self.seen = seen
        digits = plan.cursor.digits
        self._end = normalised(to_text(window.end), digits)
        self._next_start = normalised(to_text(window.end - overlap), digits)
        self._schema = row_schema(plan)
        self.counts = Counts()
        self.items: dict[str, int] = {child.field: 0 for child in plan.children}
        self.observed: tuple[datetime, datetime] | None = None

    def add(self, page: ReadPage) -> None:
        """Takes a page."""
        beyond = pc.fill_null(pc.greater_equal(page.cursors, self._end), fill_value=False)
        repeated = self._recognise(page, beyond.to_pylist())
        keep = pc.invert(pc.or_(beyond, repeated))
        counts = Counts(len(keep), keep.true_count, repeated.true_count, beyond.true_count)
        self._write(page, keep)
        self.counts += counts

    def finish(self) -> tuple[Part, ...]:
        """Uploads the last part and says what was written."""
        return self._writer.close()

    def _recognise(self, page: ReadPage, beyond: list[bool]) -> pa.BooleanArray:
        """Which rows are landed already; notes all that the next window may bring again."""
        repeated = [False] * len(page.keys)
        for position, cursor in enumerate(page.cursors.to_pylist()):
            again = cursor is None or cursor >= self._next_start
            key = page.keys[position]
            if beyond[position] or not (again or key in self._known.rows):
                continue
            content = content_of(page.batch.slice(position, 1))
            repeated[position] = self._known.knows(key, cursor, content)
            if again:
                self.seen.add(key, cursor, content)
        return pa.array(repeated, pa.bool_())

    def _write(self, page: ReadPage, keep: pa.BooleanArray) -> None:
        if not keep.true_count:
            return
        rows = page.batch.filter(keep)
        first = self.counts.landed
        columns = {name: rows.column(position) for position, name in enumerate(rows.schema.names)}
        columns[ROW] = pa.array(range(first, first + rows.num_rows), pa.int64())
        columns[OBSERVED_AT] = pa.array([page.observed_at] * rows.num_rows, STAMP)
        columns[CURSOR] = page.cursors.filter(keep)
        self._writer.write(
            pa.RecordBatch.from_arrays([columns[name] for name in self._schema.names], schema=self._schema)
        )
        for child in self._plan.children:
            self.items[child.field] += pc.sum(pc.list_value_length(columns[child.field])).as_py() or 0
        start = self.observed[0] if self.observed else page.observed_at
        self.observed = (start, page.observed_at)


class KeyLanding:
    """Takes the pages of a sweep: keys as text. `alive` becomes what of the `known` fingerprints the sweep has seen."""

    def __init__(self, plan: Plan, writer: PartWriter, known: Fingerprints | None = None) -> None:
        self._schema = key_schema(plan)
        self._writer = writer
        self._known = {} if known is None else known.rows
        self.alive = Fingerprints()
        self.counts = Counts()

    def add(self, page: ReadPage) -> None:
        """Takes a page."""
        unfit = page.batch.column(page.batch.schema.get_field_index(UNFIT)).to_pylist()
        columns = [
            _as_sent(page.batch.column(page.batch.schema.get_field_index(name)), name, unfit)
            for name in self._schema.names
        ]
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        for key in map(key_text, zip(*(column.to_pylist() for column in columns), strict=True)):
            if key in self._known:
                self.alive.rows[key] = self._known[key]
        rows = page.batch.num_rows
        self.counts = replace(self.counts, received=self.counts.received + rows, landed=self.counts.landed + rows)

    def finish(self) -> tuple[Part, ...]:
        """Uploads the last part and says what was written."""
        return self._writer.close()


def _as_sent(column: pa.Array, name: str, unfit: list[str | None]) -> pa.Array:
    """A key column as text. A value that does not fit its type stands there too: its row is not gone from the source."""
    texts = column.cast(pa.string())
    if not texts.null_count:
        return texts
    sent = [None if literals is None else parse(literals.encode()).get(name) for literals in unfit]
    return pc.coalesce(texts, pa.array([value if isinstance(value, str) else None for value in sent], pa.string()))
