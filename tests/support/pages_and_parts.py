"""What landing takes and gives, in memory: pages as they were read, parts as they are uploaded."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass
class Uploaded:
    """Keeps what is uploaded."""

    bodies: list[bytes] = field(default_factory=list)

    def upload(self, key: str, path: Path, sha256: str) -> None:
        assert key
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        self.bodies.append(path.read_bytes())

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in pq.read_table(io.BytesIO(body)).to_pylist()]


@dataclass(frozen=True)
class Read:
    """A page as reading hands it on."""

    batch: pa.RecordBatch
    cursors: pa.Array
    keys: pa.Array
    observed_at: datetime
