"""Fingerprints: what the last window landed, so that its overlap with the next one does not multiply rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.raw.schema import CURSOR, OBSERVED_AT, ROW

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 200_000
"""Fingerprints kept of one window. What is left out lands once more and is found unchanged by curate."""


@dataclass(slots=True)
class Fingerprints:
    """Key → (cursor, content) of each key's latest landed version, for rows that the next window may bring again."""

    rows: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    left_out: int = 0

    def knows(self, key: str, cursor: str | None, content: str) -> bool:
        """Whether this very version is the key's latest landed one."""
        return self.rows.get(key) == (cursor, content)

    def add(self, key: str, cursor: str | None, content: str) -> None:
        """Notes the key's latest version; beyond `MOST` it is left out and counted."""
        if key not in self.rows and len(self.rows) >= MOST:
            self.left_out += 1
            return
        self.rows[key] = (cursor, content)

    def dump(self) -> bytes:
        """The JSON form."""
        return json.dumps({"format": 1, "rows": self.rows}, separators=(",", ":")).encode()

    @staticmethod
    def load(body: bytes) -> Fingerprints:
        """The fingerprints in their JSON form."""
        raw = json.loads(body)
        return Fingerprints({key: (cursor, content) for key, (cursor, content) in raw["rows"].items()})


def key_text(values: tuple[Any, ...]) -> str:
    """A key as one text."""
    return json.dumps([None if value is None else str(value) for value in values], separators=(",", ":"))


def content_of(row: pa.RecordBatch) -> str:
    """The digest of what the source sent in a row (a batch of one); where and when it was read does not count."""
    values = {name: value for name, value in row.to_pylist()[0].items() if name not in (ROW, OBSERVED_AT, CURSOR)}
    text = json.dumps(values, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
