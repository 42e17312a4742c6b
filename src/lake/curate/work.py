"""What there is to do for an entity: the loads that its tables lack, and the sweeps that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from lake.curate.absences import ended_in, gone_since
from lake.curate.decisions import decisions, loads_with
from lake.curate.manifests import Manifest, manifests_after, read_manifest
from lake.curate.sweeps import latest, sweep_of, sweeps_to_hold
from lake.curate.tables import LAST_SWEEP, THROUGH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout, Table
    from lake.curate.store import Store
    from lake.curate.tables import Tables

SUSPECTS = "suspects"
"""The reason of a load of suspects."""


@dataclass(frozen=True, slots=True)
class Work:
    """The loads after `through`, the sweeps that they are held against, and the sweep that began last of all that are known
    (also of those that end nothing by themselves).

    `accepted` and `discarded`: the numbers of loads about which somebody has decided.
    """

    through: int
    loads: tuple[Manifest, ...]
    sweeps: tuple[Manifest, ...]
    newest: Manifest | None
    accepted: frozenset[int] = frozenset()
    discarded: frozenset[int] = frozenset()

    @property
    def taken(self) -> tuple[Manifest, ...]:
        """The loads that nobody has discarded."""
        return tuple(load for load in self.loads if load.load not in self.discarded)

    @property
    def rows(self) -> tuple[Manifest, ...]:
        """The loads that bring versions."""
        return tuple(load for load in self.taken if load.kind == "rows" and load.rows)

    @property
    def left_out(self) -> int:
        """Versions of discarded loads."""
        return sum(load.rows for load in self.loads if load.kind == "rows" and load.load in self.discarded)

    @property
    def tombstones(self) -> tuple[Manifest, ...]:
        """The loads that bring keys of which the source said that they are gone."""
        return tuple(load for load in self.taken if load.kind == "tombstones" and load.rows)

    @property
    def suspects(self) -> tuple[Manifest, ...]:
        """Of the tombstones those of keys that a sweep by counted pages missed and that were not found by key."""
        return tuple(load for load in self.tombstones if load.reason == SUSPECTS)

    @property
    def finished(self) -> Manifest | None:
        """The sweep that these loads finish; None where there is none, or where a later one is known already."""
        return self.newest if self.newest in self.loads else None

    @property
    def last(self) -> int:
        """How far the tables are after this work."""
        return self.loads[-1].load if self.loads else self.through

    def note(self, tables: Tables, table: Table, more: Mapping[str, str] | None = None) -> None:
        """The table holds all that this work brought."""
        if self.loads:
            tables.note(table, {THROUGH: str(self.last), **(more or {})})


def through(tables: Tables, shape: Layout) -> int:
    """The last load that all of the entity's tables hold; 0 where there is none yet."""
    return min(int(tables.property_of(table, THROUGH) or 0) for table in shape.all)


def work_of(tables: Tables, store: Store, plan: Plan, shape: Layout) -> Work:
    """The entity's work; raises RawDamaged."""
    done = through(tables, shape)
    number = tables.property_of(shape.deleted, LAST_SWEEP)
    last = read_manifest(store, plan.entity, int(number)) if number else None
    return _work(store, plan, done, tuple(manifests_after(store, plan.entity, done)), last)


def past_work(tables: Tables, store: Store, plan: Plan, shape: Layout) -> Work:
    """All that the entity's tables were made of, as one work from the beginning; raises RawDamaged."""
    done = through(tables, shape)
    loads = takewhile(lambda load: load.load <= done, manifests_after(store, plan.entity, 0))
    return _work(store, plan, 0, tuple(loads), None)


def late_work(tables: Tables, store: Store, plan: Plan, shape: Layout, seen_since: datetime | None) -> Work:
    """No load is new, but rows that were seen from that instant on (None: there are none) have got their key only now: they
    are held against the sweeps that ended meanwhile. Raises RawDamaged."""
    done = through(tables, shape)
    decided = decisions(store, plan.entity)
    discarded = loads_with("discard", decided)
    swept = ended_in(gone_since(store, plan, done, seen_since), discarded) if seen_since else []
    sweeps = tuple(sorted(swept, key=lambda load: sweep_of(load).started_at))
    return Work(done, (), sweeps, None, loads_with("accept", decided), discarded)


def _swept_since(
    store: Store, plan: Plan, done: int, loads: Sequence[Manifest], discarded: frozenset[int]
) -> list[Manifest]:
    """The sweeps that ended up to `done` and may have overtaken rows of these loads."""
    seen = [load.first_observed for load in loads if load.kind == "rows" and load.first_observed]
    return ended_in(gone_since(store, plan, done, min(seen)), discarded) if seen else []


def _work(store: Store, plan: Plan, done: int, loads: tuple[Manifest, ...], last: Manifest | None) -> Work:
    decided = decisions(store, plan.entity) if loads else {}
    accepted, discarded = loads_with("accept", decided), loads_with("discard", decided)
    acting = [load for load in loads if not discarded.intersection(load.sweep.loads if load.sweep else (load.load,))]
    sweeps = sweeps_to_hold(acting, _swept_since(store, plan, done, acting, discarded))
    known = [*sweeps, *(load for load in acting if load.suspects), *([last] if last else [])]
    return Work(done, loads, sweeps, latest(known), accepted, discarded)
