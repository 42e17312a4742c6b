"""Writing parts: Parquet with zstd, streamed through a file of bounded size, so that memory does not grow with the load."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from lake.raw.manifest import Part
from lake.raw.schema import CURSOR, OBSERVED_AT, ROW

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET_BYTES = 120 * 1024 * 1024
"""The size at which a part is finished: with its last row group at most 128 MB."""
GROUP_BYTES = 8 * 1024 * 1024
"""Of memory that waiting rows hold, until they become a row group."""


class Uploads(Protocol):
    """What parts need of an object store."""

    def upload(self, key: str, path: Path, sha256: str) -> None:
        """Puts a file's bytes, which have this SHA-256, under a key."""


class PartWriter:
    """Collects batches into parts; a part is uploaded when it has reached its size, the last one by `close`."""

    def __init__(
        self, uploads: Uploads, schema: pa.Schema, key_of: Callable[[int], str], target: int = TARGET_BYTES
    ) -> None:
        self._target = target
        self._uploads = uploads
        self._schema = schema
        self._key_of = key_of
        self._folder = tempfile.TemporaryDirectory(prefix="lake-part-")
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._rows = 0
        self.parts: list[Part] = []

    @property
    def _path(self) -> Path:
        return Path(self._folder.name) / "part.parquet"

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows; uploads the part when it has reached its size."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self._waiting_bytes += batch.get_total_buffer_size()
        if self._waiting_bytes >= min(GROUP_BYTES, self._target):
            self._write_group()
            if self._path.stat().st_size >= self._target:
                self._finish_part()

    def close(self) -> tuple[Part, ...]:
        """Uploads what is left and says what was written."""
        if self._waiting:
            self._write_group()
        if self._writer is not None:
            self._finish_part()
        self._folder.cleanup()
        return tuple(self.parts)

    def _write_group(self) -> None:
        """Writes a row group. Without dictionaries: zstd finds what repeats in less time, and leaves less.

        Bounds are noted of the lake's own columns alone, in whose order rows come: those of others would leave no group out.
        """
        if self._writer is None:
            bounded = [name for name in self._schema.names if name in (ROW, OBSERVED_AT, CURSOR)]
            self._writer = pq.ParquetWriter(
                self._path, self._schema, compression="zstd", use_dictionary=False, write_statistics=bounded
            )
        rows = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(rows, row_group_size=rows.num_rows)
        self._rows += rows.num_rows
        self._waiting, self._waiting_bytes = [], 0

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        key = self._key_of(len(self.parts))
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._uploads.upload(key, self._path, digest)
        self.parts.append(Part(key, self._rows, self._path.stat().st_size, digest))
        self._path.unlink()
        self._rows = 0
