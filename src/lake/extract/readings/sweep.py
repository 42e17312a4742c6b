"""Sweeps: every key that the source has. What is not among them is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lake.extract.landing import KeyLanding
from lake.extract.passes import key_pass
from lake.extract.work import Clock, Draft, Step
from lake.extract.world import NOTHING
from lake.instants import to_text
from lake.raw.layout import keys_key
from lake.raw.parts import PartWriter
from lake.raw.schema import key_schema

if TYPE_CHECKING:
    from lake.extract.work import Checkpoint, Work
    from lake.state.entity import EntityState


def open_sweep(work: Work, state: EntityState, clock: Clock) -> Checkpoint | None:
    """A sweep where one is due. The first finished window counts as one; who follows a delta link needs none."""
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
    whole = checkpoint["sweep"] is None
    load_id = work.new_load_id()
    sweep = checkpoint["sweep"] or {"id": load_id, "started_at": to_text(work.world.now())}
    writer = PartWriter(work.world.raw, key_schema(work.plan), lambda part: keys_key(work.plan.entity, load_id, part))
    landing = KeyLanding(work.plan, writer, known=work.fingerprints(state.fingerprints))
    stop = work.read(key_pass(work.plan), checkpoint["position"], landing.add)
    parts = landing.finish()
    following = None if stop.finished else checkpoint | {"sweep": sweep, "position": stop.position}
    if not (parts or stop.finished):
        return Step(state, following, (), NOTHING, stop.interruption)
    state = work.caught_up(state)
    if stop.finished:
        # What it ended may come back as it was, and must land. A sweep of several invocations keeps no fingerprints: each of
        # them saw a part, and what lands once more is found unchanged.
        alive = work.keep(landing.alive, load_id) if whole and state.fingerprints is not None else None
        state = replace(state, swept_at=Clock.load(checkpoint).source_now, fingerprints=alive)
    earlier = list(checkpoint["loads"])
    draft = Draft(
        load_id,
        "keys",
        "sweep",
        parts,
        landing.counts,
        following,
        sweep=sweep | {"last": stop.finished, "loads": earlier},
    )
    state, load = work.commit(state, draft)
    following = following and following | {"loads": [*earlier, load]}
    return Step(state, following, (load,), NOTHING, stop.interruption)
