"""A raw bucket in a folder, with loads as docs/formats.md says; a part may belong to loads of several entities."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.raw.layout import manifest_key

if TYPE_CHECKING:
    from pathlib import Path

    from bench.curate_rows import Change
    from lake.contract.plan import Plan

COMMITTED = "2026-11-30T00:00:00.000000Z"


@dataclass
class FolderStore:
    """Objects as files. It knows the checksum of each part from its commit, as S3 does."""

    folder: Path
    _sha256: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none."""
        path = self.folder / key
        return path.read_bytes() if path.exists() else None

    def put(self, key: str, body: bytes) -> None:
        """Puts the object."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(f"{prefix}*"))

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of a part that was committed."""
        return self._sha256.get(key)

    def path(self, key: str) -> str:
        """The object's path for Spark."""
        return str(self.folder / key)

    def commit(self, plan: Plan, change: Change) -> None:
        """Make a change the entity's next load."""
        parts = []
        for part in change.parts:
            key = str(part.path.relative_to(self.folder))
            self._sha256[key] = part.sha256
            parts.append({"key": key, "rows": part.rows, "bytes": part.path.stat().st_size, "sha256": part.sha256})
        manifest = {
            "format": 1,
            "entity": plan.entity,
            "load": change.number,
            "kind": "rows",
            "plan": plan.sha256,
            "parts": parts,
            "rows": change.landed,
            "items": {},
            "counts": {"received": change.landed, "landed": change.landed},
            "sweep": None,
            "committed_at": COMMITTED,
        }
        self.put(f"plans/{plan.sha256}.json", plan.dump().encode())
        self.put(manifest_key(plan.entity, change.number), json.dumps(manifest).encode())
