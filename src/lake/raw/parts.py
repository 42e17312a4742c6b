"""Writing parts: Parquet with zstd, streamed through a file of bounded size, so that memory does not grow with the load."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow.parquet as pq

from lake.raw.manifest import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

TARGET_BYTES = 128 * 1024 * 1024


class Uploads(Protocol):
    """What parts need of an object store."""

    def upload(self, key: str, path: Path) -> None:
        """Puts a file's bytes under a key."""


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
        self._rows = 0
        self.parts: list[Part] = []

    @property
    def _path(self) -> Path:
        return Path(self._folder.name) / "part.parquet"

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows; uploads the part when it has reached its size."""
        if not batch.num_rows:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        self._writer.write_batch(batch)
        self._rows += batch.num_rows
        if self._path.stat().st_size >= self._target:
            self._finish_part()

    def close(self) -> tuple[Part, ...]:
        """Uploads what is left and says what was written."""
        if self._writer is not None:
            self._finish_part()
        self._folder.cleanup()
        return tuple(self.parts)

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        key = self._key_of(len(self.parts))
        self._uploads.upload(key, self._path)
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.parts.append(Part(key, self._rows, self._path.stat().st_size, digest))
        self._path.unlink()
        self._rows = 0
