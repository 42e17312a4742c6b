"""Manifests: the numbered commits of an entity's loads, read one after the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lake.curate.errors import RawDamaged
from lake.curate.store import Store
from lake.raw.layout import manifest_key

FORMAT = 1

type Kind = Literal["rows", "keys", "tombstones"]
KINDS = ("rows", "keys", "tombstones")


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of a load: its key in the raw bucket, how many rows it holds, and the SHA-256 of its bytes."""

    key: str
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """The last segment of the key, which no other part bears."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A reading of all keys of the source, alone (loads of keys) or with their rows (a full refresh). `loads` are those that
    hold them; only the last one names them. `last`: what they do not hold is gone; `shifts`: it is suspect, for its pages were
    counted."""

    id: str
    started_at: datetime
    last: bool
    loads: tuple[int, ...]
    shifts: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """One committed load. `items`: how many children of each navigation its rows hold. `committed_at`: by the clock of who
    wrote it. `left_out`: rows that were received and did not land, for they were known or lay beyond the window. `reason`: why
    it was read (docs/formats.md)."""

    load: int
    kind: Kind
    plan: str
    parts: tuple[Part, ...]
    rows: int
    items: dict[str, int]
    first_observed: datetime | None
    sweep: Sweep | None
    committed_at: datetime
    left_out: int = 0
    reason: str = ""

    @property
    def ends_sweep(self) -> bool:
        """With this load, all keys of its sweep are there, and the others are gone."""
        return self.sweep is not None and self.sweep.last

    @property
    def suspects(self) -> bool:
        """With this load, all keys are there of a sweep whose pages shift: the others are to be asked for by key."""
        return self.sweep is not None and self.sweep.shifts


def read_manifest(store: Store, entity: str, load: int) -> Manifest | None:
    """The manifest of that number, None where the load was not committed yet; raises RawDamaged where it can't be read."""
    key = manifest_key(entity, load)
    text = store.get(key)
    if text is None:
        return None
    try:
        return _parse(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise RawDamaged(
            f"{key} is not a manifest that this version reads ({type(error).__name__}: {error})",
            "compare it with docs/formats.md; its noncurrent versions in the bucket hold what was there before",
        ) from error


def manifests_after(store: Store, entity: str, through: int) -> Iterator[Manifest]:
    """Committed loads above `through`, in order, until the first number that has none."""
    load = through + 1
    while manifest := read_manifest(store, entity, load):
        yield manifest
        load += 1


def _parse(raw: dict[str, Any]) -> Manifest:
    if raw["format"] != FORMAT or raw["kind"] not in KINDS:
        raise ValueError(f"format {raw['format']}, kind {raw['kind']}")
    observed = (raw.get("observed") or {}).get("first")
    counts = raw.get("counts") or {}
    return Manifest(
        load=raw["load"],
        kind=raw["kind"],
        plan=raw["plan"],
        parts=tuple(Part(part["key"], part["rows"], part["sha256"]) for part in raw["parts"]),
        rows=raw["rows"],
        items=dict(raw.get("items") or {}),
        first_observed=datetime.fromisoformat(observed) if observed else None,
        sweep=_parse_sweep(raw["sweep"]) if raw.get("sweep") else None,
        committed_at=datetime.fromisoformat(raw["committed_at"]),
        left_out=counts.get("received", 0) - counts.get("landed", 0),
        reason=raw.get("reason", ""),
    )


def _parse_sweep(raw: dict[str, Any]) -> Sweep:
    return Sweep(
        id=raw["id"],
        started_at=datetime.fromisoformat(raw["started_at"]),
        last=raw["last"],
        loads=tuple(raw["loads"] or ()),
        shifts=raw.get("shifts", False),
    )
