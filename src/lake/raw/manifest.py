"""Manifests: the single PUT that commits a load, and the numbers that leave no gap."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lake.raw.layout import manifest_key

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a load."""

    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What one invocation received, and what became of it: received = landed + repeated + beyond."""

    received: int = 0
    landed: int = 0
    repeated: int = 0
    beyond: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.received + other.received,
            self.landed + other.landed,
            self.repeated + other.repeated,
            self.beyond + other.beyond,
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A load as docs/formats.md describes it, without its number, which the commit gives it."""

    entity: str
    load_id: str
    kind: Literal["rows", "keys", "tombstones"]
    reason: str
    lane: str
    plan: str
    major: int
    run_id: str
    token: int
    window: dict[str, str | None] | None
    observed: dict[str, str | None]
    parts: tuple[Part, ...]
    rows: int
    items: dict[str, int]
    counts: Counts
    sweep: dict[str, Any] | None
    checkpoint: dict[str, Any] | None
    committed_at: str

    def dump(self, load: int) -> bytes:
        """The JSON form under a number."""
        return json.dumps({"format": FORMAT, "load": load, **asdict(self)}, indent=1, sort_keys=True).encode()


class Objects(Protocol):
    """What commits need of an object store."""

    def put_new(self, key: str, body: bytes) -> bool:
        """Puts an object unless the key is taken (then False)."""

    def get(self, key: str) -> bytes | None:
        """The object, or None where there is none."""


def commit(objects: Objects, manifest: Callable[[int], Manifest], after: int) -> int:
    """Commits a load under the first free number above `after`, and says which.

    `manifest` makes the manifest for a number. A number that is taken belongs to somebody else's load (a stalled or a killed
    extractor's: harmless, for it was observed earlier), or is this very load, whose PUT was answered too late to be heard.
    """
    load = after + 1
    while True:
        ours = manifest(load)
        if objects.put_new(manifest_key(ours.entity, load), ours.dump(load)):
            return load
        taken = json.loads(objects.get(manifest_key(ours.entity, load)) or b"{}")
        if taken.get("load_id") == ours.load_id:
            return load
        load += 1
