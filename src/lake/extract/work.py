"""The work of one invocation: what its readings share, and what they give back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from lake.extract.errors import Paused, SourceUnavailable
from lake.extract.streams import Ended, Stream, side_by_side
from lake.instants import from_text, to_text
from lake.raw.fingerprint import Fingerprints
from lake.raw.layout import fingerprints_key, manifest_key
from lake.raw.manifest import Manifest, commit
from lake.state.entity import LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.budget import Budget
    from lake.extract.http import Connection
    from lake.extract.passes import Pass
    from lake.extract.places import Position
    from lake.extract.protocols import Dialect
    from lake.extract.reading import Reader, ReadPage
    from lake.extract.window import Window
    from lake.extract.world import SourceProblem, World
    from lake.raw.manifest import Counts, Part
    from lake.state.entity import EntityState

type Checkpoint = dict[str, Any]
"""Where reading goes on. All have `phase` (a name in `lake.extract.readings.READINGS`), `source_now` and `settled`."""

type Interruption = Paused | SourceUnavailable

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The source's clock when a run began, and the instant up to which rows had settled by then."""

    source_now: datetime
    settled: datetime

    def dump(self) -> dict[str, str]:
        """The JSON form in checkpoints."""
        return {"source_now": to_text(self.source_now), "settled": to_text(self.settled)}

    @staticmethod
    def load(checkpoint: Checkpoint) -> Clock:
        """The clock of the run that a checkpoint is of."""
        return Clock(from_text(checkpoint["source_now"]), from_text(checkpoint["settled"]))


@dataclass(frozen=True, slots=True)
class Step:
    """What a reading did: the state, where it goes on (None: it is finished), its loads, and what interrupted it.

    `checkpoint` may be of another reading: one that has to come next.
    """

    state: EntityState
    checkpoint: Checkpoint | None
    loads: tuple[int, ...]
    counts: Counts
    interruption: Interruption | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[SourceProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """Where reading a pass stopped: at its end, or at a position from which it goes on."""

    finished: bool
    position: Position | None = None
    interruption: Interruption | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What an invocation works with, under a lease."""

    plan: Plan
    source: SourcePlan
    run_id: str
    lane: str
    world: World
    budget: Budget
    connection: Connection
    dialect: Dialect
    reader: Reader

    @property
    def live(self) -> bool:
        """Whether this is the lane that follows the source; the others are backfills."""
        return self.lane == LIVE

    @property
    def overlap(self) -> timedelta:
        """How far a window reaches back behind the watermark."""
        return timedelta(seconds=self.plan.overlap_s)

    def new_load_id(self) -> str:
        """The name of a load, before it has a number."""
        return f"{self.world.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

    def read(self, reading: Pass, position: Position | None, take: Callable[[ReadPage], None]) -> Stop:
        """Reads a pass from a position on as far as the budget goes; raises SourceError."""
        try:
            for _, page in side_by_side(self.reader, [Stream(0, reading, position)], 1):
                if isinstance(page, Ended):
                    return Stop(finished=True)
                take(page)
                position = page.position or position
                self.heed_share()
        except (Paused, SourceUnavailable) as interruption:
            return Stop(finished=False, position=position, interruption=interruption)
        return Stop(finished=False, position=position)

    def read_unless(self, checkpoint: Checkpoint, reading: Pass, take: Callable[[ReadPage], None]) -> Stop:
        """Reads a pass on from a checkpoint's `position`, unless it says that all of it was `read` before."""
        if checkpoint.get("read"):
            return Stop(finished=True)
        return self.read(reading, checkpoint["position"], take)

    def heed_share(self) -> None:
        """Raises Paused until the next day (UTC) where the lake's share of the source's calls is used up."""
        share, usage = self.source.daily_share, self.connection.usage
        if share is None or usage is None or not usage.reaches(share):
            return
        midnight = self.world.now().replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        used = f"{usage.used:,} of {usage.allowed:,} calls are used, and the lake reads up to {share:.0%}"
        raise Paused(midnight, f"{self.source.source}: {used}", quota=True)

    def newest_load(self, state: EntityState) -> int:
        """The number of the newest load. Above `last_load` where one was committed whose state was never written (a killed
        or stalled extractor's), or by another lane."""
        load = state.last_load
        while self.world.raw.get(manifest_key(self.plan.entity, load + 1)) is not None:
            load += 1
        return load

    def caught_up(self, state: EntityState) -> EntityState:
        """The state with the newest load. Where it is somebody else's it may hold newer versions than the fingerprints tell
        of, and a row that went back to what they tell of would be left out: they are forgotten."""
        newest = self.newest_load(state)
        return state if newest == state.last_load else replace(state, last_load=newest, fingerprints=None)

    def fingerprints(self, key: str | None) -> Fingerprints:
        """The fingerprints that lie there; none where there are none (any more)."""
        body = self.world.raw.get(key) if key else None
        return Fingerprints.load(body) if body else Fingerprints()

    def keep(self, fingerprints: Fingerprints, load_id: str) -> str:
        """The key under which fingerprints were put."""
        key = fingerprints_key(self.plan.entity, load_id)
        self.world.raw.put(key, fingerprints.dump())
        return key

    def without(self, state: EntityState, keys: pa.Array, load_id: str) -> EntityState:
        """The state whose fingerprints tell no more of some keys: what comes of them next is to land."""
        if state.fingerprints is None:
            return state
        known = self.fingerprints(state.fingerprints)
        rest = known.without(keys)
        return state if len(rest) == len(known) else replace(state, fingerprints=self.keep(rest, load_id))

    def commit(self, state: EntityState, draft: Draft) -> tuple[EntityState, int]:
        """Commits a load behind the state's last one: the state with it, and its number."""
        load = commit(self.world.raw, lambda number: self._manifest(state.token, draft, number), state.last_load)
        if load != state.last_load + 1:  # somebody else committed in the meantime
            state = replace(state, fingerprints=None)
        return replace(state, last_load=load), load

    def _manifest(self, token: int, draft: Draft, number: int) -> Manifest:
        first, last = map(to_text, draft.observed) if draft.observed else (None, None)
        sweep = draft.sweep
        if sweep is not None:
            named = sweep["last"] or sweep.get("shifts", False)
            sweep = sweep | {"loads": [*sweep["loads"], number] if named else None}
        return Manifest(
            entity=self.plan.entity,
            load_id=draft.load_id,
            kind=draft.kind,
            reason=draft.reason,
            lane=self.lane,
            plan=self.plan.sha256,
            major=self.plan.major,
            run_id=self.run_id,
            token=token,
            window=draft.window.dump() if draft.window else None,
            observed={"first": first, "last": last},
            parts=draft.parts,
            rows=sum(part.rows for part in draft.parts),
            items=draft.items or {},
            counts=draft.counts,
            sweep=sweep,
            checkpoint=draft.checkpoint,
            committed_at=to_text(self.world.now()),
        )


def first_read(work: Work, state: EntityState, clock: Clock) -> EntityState:
    """The state of an entity that was read whole for the first time: what is due regularly counts from then on."""
    started = clock.source_now
    return replace(
        state,
        swept_at=state.swept_at or (started if work.plan.strategy("key_sweep") else None),
        refreshed_at=state.refreshed_at or (started if work.plan.full_refresh_s else None),
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """A load before it has its number. `sweep`: id, start, whether this is its last load, and its earlier loads; see
    `lake.extract.readings.closing`."""

    load_id: str
    kind: Literal["rows", "keys", "tombstones"]
    reason: str
    parts: tuple[Part, ...]
    counts: Counts
    checkpoint: Checkpoint | None
    window: Window | None = None
    observed: tuple[datetime, datetime] | None = None
    items: dict[str, int] | None = None
    sweep: dict[str, Any] | None = None
