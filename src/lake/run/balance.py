"""The balance of a run: the equations that say that every row is accounted for.

(a) per invocation: received = landed + repeated + beyond
(b) per entity:     landed = merged + superseded + unchanged + quarantined + discarded
(c) per entity:     touched keys that live by raw = those in current or only in quarantine; of all keys where a run verifies
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Extracted:
    """Rows of one invocation. `beyond`: past the window's end, which the next window reads."""

    received: int
    landed: int
    repeated: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Curated:
    """Versions of one entity's loads that were curated in this run, and the keys they touched.

    `tombstoned`: keys that a sweep ended; `live_rows`: rows in the tables that the source counts, too; `discarded`: versions
    of loads that somebody left out.
    """

    landed: int
    merged: int
    superseded: int
    unchanged: int
    quarantined: int
    tombstoned: int
    live_by_raw: int
    live_in_tables: int
    live_rows: int
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """An equation that does not hold."""

    entity: str
    equation: str
    left: int
    right: int

    def __str__(self) -> str:
        return f"{self.entity}: {self.equation} does not hold: {self.left:,} against {self.right:,}"


def total(invocations: Iterable[Extracted]) -> Extracted:
    """The sum over an entity's invocations."""
    rows = list(invocations)
    return Extracted(
        received=sum(row.received for row in rows),
        landed=sum(row.landed for row in rows),
        repeated=sum(row.repeated for row in rows),
        beyond=sum(row.beyond for row in rows),
    )


def extraction_gaps(entity: str, invocations: Iterable[Extracted]) -> list[Gap]:
    """Equation (a), invocation by invocation: two errors must not cancel each other out."""
    return [
        Gap(entity, "received = landed + repeated + beyond", row.received, right)
        for row in invocations
        if row.received != (right := row.landed + row.repeated + row.beyond)
    ]


def curation_gaps(entity: str, row: Curated) -> list[Gap]:
    """Equations (b) and (c)."""
    sides = [
        (
            "landed = merged + superseded + unchanged + quarantined + discarded",
            row.landed,
            row.merged + row.superseded + row.unchanged + row.quarantined + row.discarded,
        ),
        ("live keys by raw = current + keys only in quarantine", row.live_by_raw, row.live_in_tables),
    ]
    return [Gap(entity, equation, left, right) for equation, left, right in sides if left != right]


def key_gaps(entity: str, record: Mapping[str, int]) -> list[Gap]:
    """Equation (c) over all keys, from the record of a `verify`: as numbers, and key by key."""
    apart = record["only_in_raw"] + record["only_in_tables"]
    sides = [
        ("live keys by raw = current + keys only in quarantine", record["live_by_raw"], record["live_in_tables"]),
        ("keys that live in raw or in the tables alone = none", apart, 0),
    ]
    return [Gap(entity, equation, left, right) for equation, left, right in sides if left != right]


def unsettled(source_count: int | None, live_rows: int | None, keyless: int = 0) -> int | None:
    """The source's own count less what the lake has; None where either was not counted.

    Zero on a quiet source; else what changed since the window's end, or what was deleted since the last sweep. A row without
    a key lies in quarantine, and is counted there.
    """
    if source_count is None or live_rows is None:
        return None
    return source_count - live_rows - keyless
