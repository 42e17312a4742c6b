"""Fingerprints: what the last window landed, so that its overlap with the next one does not multiply rows."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.raw.content import DIGEST

MOST = 200_000
"""Fingerprints kept of one window. What is left out lands once more and is found unchanged by curate."""
PENDING = 50_000
"""Rows that are noted before they are brought in order."""
SCHEMA = pa.schema([("key", pa.string()), ("cursor", pa.string()), ("content", DIGEST)])


class Fingerprints:
    """Cursor and content of each key's latest landed version, for rows that the next window may bring again.

    Rows are batches of `SCHEMA`: keys as `key_text` writes them, cursors, and the digests of `lake.raw.content`.
    """

    def __init__(self, rows: pa.RecordBatch | None = None) -> None:
        self._noted = [] if rows is None else [rows]
        self._ordered = rows is None
        self._unordered = 0
        self.left_out = 0

    @property
    def rows(self) -> pa.RecordBatch:
        """The latest version of each key, at most `MOST`."""
        if not self._noted:
            return pa.RecordBatch.from_pylist([], schema=SCHEMA)
        if not self._ordered:
            latest = _latest(pa.concat_batches(self._noted))
            self.left_out += max(0, latest.num_rows - MOST)
            self._noted, self._ordered, self._unordered = [latest.slice(0, MOST)], True, 0
        return self._noted[0]

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def add(self, rows: pa.RecordBatch) -> None:
        """Notes the latest versions of keys; what goes beyond `MOST` is left out and counted."""
        if not rows.num_rows:
            return
        self._noted.append(rows)
        self._ordered = False
        self._unordered += rows.num_rows
        if self._unordered >= PENDING:
            _ = self.rows

    def may_know(self, cursors: pa.Array) -> pa.BooleanArray:
        """Which cursors a known version may have: a quick look that spares the others the exact one."""
        rows = self.rows
        if not rows.num_rows:
            return pa.repeat(pa.scalar(value=False), len(cursors))
        newest = pc.max(rows.column("cursor"))
        without = rows.column("cursor").null_count > 0
        return pc.fill_null(pc.less_equal(cursors, newest), without)

    def knows(self, rows: pa.RecordBatch) -> pa.BooleanArray:
        """Which of the rows are their key's very latest landed version."""
        known = self.rows
        versions = known.take(pc.index_in(rows.column("key"), value_set=known.column("key")))
        cursor, other = rows.column("cursor"), versions.column("cursor")
        same_cursor = pc.if_else(pc.is_null(cursor), pc.is_null(other), pc.equal(cursor, other))
        same_content = pc.equal(rows.column("content"), versions.column("content"))
        return pc.fill_null(pc.and_kleene(same_content, same_cursor), fill_value=False)

    def among(self, keys: pa.Array) -> pa.BooleanArray:
        """Which of `rows` have one of the keys."""
        return pc.is_in(self.rows.column("key"), value_set=keys)

    def without(self, keys: pa.Array) -> Fingerprints:
        """The fingerprints without some keys."""
        return Fingerprints(self.rows.filter(pc.invert(self.among(keys))))

    def dump(self) -> bytes:
        """A Parquet file."""
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_batches([self.rows]), sink, compression="zstd")
        return bytes(sink.getvalue())

    @staticmethod
    def load(body: bytes) -> Fingerprints:
        """The fingerprints in a file."""
        table = pq.read_table(pa.BufferReader(body), schema=SCHEMA, use_threads=False)
        return Fingerprints(pa.concat_batches(table.to_batches()) if table.num_rows else None)


def _latest(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The last row of each key, in the order of their first ones."""
    backwards = rows.column("key").take(pa.arange(rows.num_rows - 1, -1, -1))
    behind = pc.index_in(pc.unique(rows.column("key")), value_set=backwards)
    return rows.take(pc.subtract(rows.num_rows - 1, behind))


def key_text(values: tuple[Any, ...]) -> str:
    """A key as one text."""
    return json.dumps([None if value is None else str(value) for value in values], separators=(",", ":"))
