"""Sweeps: every key that the source has. What is not among them is gone, or is looked for (`lake.extract.readings.closing`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.errors import Paused, SourceUnavailable
from lake.extract.landing import KeyLanding
from lake.extract.passes import key_pass
from lake.extract.readings.closing import Closing, KeyCount, close, unconfirmed_with, work_is_over
from lake.extract.work import Clock, Draft, Step
from lake.extract.world import NOTHING
from lake.instants import from_text, to_text
from lake.raw.layout import keys_key
from lake.raw.parts import PartWriter
from lake.raw.schema import key_schema

if TYPE_CHECKING:
    from lake.extract.reading import ReadPage
    from lake.extract.work import Checkpoint, Stop, Work
    from lake.state.entity import EntityState


def open_sweep(work: Work, state: EntityState, clock: Clock) -> Checkpoint | None:
    """A sweep where one is due, or where an earlier one is to be confirmed. The first finished window counts as one; who
    follows a delta link needs none."""
    if state.unconfirmed is not None and from_text(state.unconfirmed["at"]) < clock.source_now:
        return sweep_of_keys() | {"confirms": state.unconfirmed}
    sweep = work.plan.strategy("key_sweep")
    if sweep is None or state.swept_at is None or "link" in (state.delta or {}):
        return None
    if clock.source_now - state.swept_at < timedelta(seconds=sweep.every_s or 0):
        return None
    return sweep_of_keys()


def sweep_of_keys() -> Checkpoint:
    """The checkpoint of a sweep that is about to begin."""
    return {"phase": "keys", "sweep": None, "position": None, "loads": []}


def read_sweep(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads on as far as the budget goes; the last load is committed though it be empty."""
    scan = KeyScan(work, state, checkpoint)
    stop, closing = scan.read()
    parts = scan.landing.finish()
    following = None if closing else scan.following(stop)
    if not (parts or closing):
        return Step(state, following, (), NOTHING, stop.interruption)
    state = work.caught_up(state)
    if closing is not None:
        state = scan.closed(state, closing)
    sweep = closing.sweep if closing else scan.sweep | {"last": False, "loads": checkpoint["loads"]}
    draft = Draft(scan.load_id, "keys", "sweep", parts, scan.landing.counts, following, sweep=sweep)
    state, load = work.commit(state, draft)
    loads = [*checkpoint["loads"], load]
    if closing is not None and closing.is_whole:
        state = replace(state, unconfirmed=unconfirmed_with(closing, loads))
    following = following and following | {"loads": loads}
    return Step(state, following, (load,), NOTHING, stop.interruption, problems=closing.problems if closing else ())


@dataclass
class KeyScan:
    """One invocation's part of a sweep. In a checkpoint `confirms` is the earlier scan that this one is to confirm, `read`
    says that its pages came to their end and only the source's count is waited for, `counted` that they were counted."""

    work: Work
    state: EntityState
    checkpoint: Checkpoint

    def __post_init__(self) -> None:
        work, checkpoint = self.work, self.checkpoint
        self.load_id = work.new_load_id()
        confirms = checkpoint.get("confirms")
        fresh = {"id": self.load_id, "started_at": to_text(work.world.now())}
        named = {name: confirms[name] for name in fresh} if confirms else fresh
        self.sweep: dict[str, Any] = checkpoint["sweep"] or named
        self.keys = KeyCount(work, checkpoint)
        self.counted = bool(checkpoint.get("counted"))
        writer = PartWriter(
            work.world.raw, key_schema(work.plan), lambda part: keys_key(work.plan.entity, self.load_id, part)
        )
        self.landing = KeyLanding(work.plan, writer, known=work.fingerprints(self.state.fingerprints))

    def read(self) -> tuple[Stop, Closing | None]:
        """Where reading stopped, and how the sweep ends, where it is complete and was counted."""
        stop = self.work.read_unless(self.checkpoint, key_pass(self.work.plan), self._take)
        if not stop.finished or work_is_over(self.work, self.checkpoint):
            return stop, None
        begun = self.checkpoint | {"sweep": self.sweep}
        try:
            return stop, close(self.work, self.state, begun, self.keys.total, counted=self.counted)
        except (Paused, SourceUnavailable) as interruption:
            return replace(stop, interruption=interruption), None

    def _take(self, page: ReadPage) -> None:
        self.landing.add(page)
        self.keys.add(page)
        self.counted = self.counted or page.counted

    def following(self, stop: Stop) -> Checkpoint:
        """Where the next invocation goes on."""
        more = {"sweep": self.sweep, "position": stop.position, "counted": self.counted, "read": stop.finished}
        return self.checkpoint | more | self.keys.so_far

    def closed(self, state: EntityState, closing: Closing) -> EntityState:
        """The state behind a complete sweep: when it was made, and fingerprints of what it has seen alone.

        What it ended may come back as it was, and must land. A sweep of several invocations keeps no fingerprints: each of
        them saw a part, and what lands once more is found unchanged.
        """
        alone = self.checkpoint["sweep"] is None
        alive = self.work.keep(self.landing.alive, self.load_id) if alone and state.fingerprints is not None else None
        state = replace(state, fingerprints=alive)
        begun = Clock.load(self.checkpoint).source_now
        sweep = self.work.plan.strategy("key_sweep")
        if not closing.is_whole:  # due again in the next run, whatever this one was due by
            again = begun - timedelta(seconds=sweep.every_s or 0) if sweep else state.swept_at
            return replace(state, swept_at=min(state.swept_at or begun, again or begun))
        return replace(state, swept_at=begun, whole_at=begun)
