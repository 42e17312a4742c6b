"""The extraction engine: one invocation reads what it can of one entity and commits at most one load.

Where reading stands is a checkpoint in the entity's state. Without one, the source is probed (its clock and its count, in one
request) and a window is opened; behind a finished window a sweep of keys follows where one is due. Order of writing: parts,
fingerprints, manifest (the commit), state. A crash between any two costs a repeat, never a row.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from lake.extract.errors import ExtractError, MalformedAnswer, Paused, SourceUnavailable
from lake.extract.landing import KeyLanding, Landing
from lake.extract.passes import key_pass, window_passes
from lake.extract.protocols import DIALECTS
from lake.extract.reading import Reader
from lake.extract.window import ClockRules, Window, next_window
from lake.extract.world import NOTHING, Extracted, Stop, World
from lake.instants import from_text, to_text
from lake.raw.cursor import normalised
from lake.raw.fingerprint import Fingerprints
from lake.raw.layout import data_key, fingerprints_key, keys_key, manifest_key
from lake.raw.manifest import Manifest, commit
from lake.raw.parts import PartWriter
from lake.raw.schema import key_schema, row_schema

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.budget import Budget
    from lake.raw.manifest import Counts, Part
    from lake.state.entity import EntityState


def extract(plan: Plan, source: SourcePlan, run_id: str, world: World, budget: Budget) -> Extracted:
    """One invocation for one entity; raises ExtractError, after a commit of what was read where the source fell silent.

    Each invocation that took the lease leaves a record of its run, a failed one too.
    """
    allowance = world.limits.read(source.daily_requests, world.now())
    state = world.table.read(plan.entity)
    paused_until = max((at for at in (allowance.paused_until, state.resume_at) if at is not None), default=None)
    if paused_until is not None and paused_until > world.now():
        return Extracted(plan.entity, "PAUSED", resume_at=paused_until, reason="the source asked for a rest")
    now = world.now()
    state = world.table.acquire(state, run_id, now, now + timedelta(seconds=budget.seconds_to_deadline()))
    record = f"extract#{plan.entity}#{state.token:09}"
    try:
        invocation = Invocation(plan, source, run_id, world, budget.at_most(allowance.requests))
        result = invocation.under_limits(state)
    except ExtractError as error:
        failed = Extracted(plan.entity, "DONE").record() | {"status": "FAILED"}
        world.runs.write(run_id, record, failed | {"reason": f"{type(error).__name__}: {error}"})
        raise
    world.runs.write(run_id, record, result.record())
    if invocation.silence is not None:
        raise invocation.silence
    return result


@dataclass
class Invocation:
    """The work of one invocation, under a lease."""

    plan: Plan
    source: SourcePlan
    run_id: str
    world: World
    budget: Budget
    pause: Paused | None = None
    silence: SourceUnavailable | None = None

    def __post_init__(self) -> None:
        self.connection = self.world.connect(self.budget)
        self.load_id = f"{self.world.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self.reader = Reader(self.connection, DIALECTS[self.source.protocol], self.source, self.plan)

    def under_limits(self, state: EntityState) -> Extracted:
        """The work, with its requests and a pause that concerns the whole source counted whatever comes of it."""
        try:
            return self.work(state)
        except Paused as paused:  # before anything was read
            self.pause = paused
            self.world.table.finish(replace(state, resume_at=paused.resume_at))
            return Extracted(self.plan.entity, "PAUSED", resume_at=paused.resume_at, reason=paused.reason)
        finally:
            rest = self.pause.resume_at if self.pause and self.pause.quota else None
            self.world.limits.add(self.connection.requests_made, self.world.now(), rest)

    def work(self, state: EntityState) -> Extracted:
        """Goes on at the checkpoint, or opens what is due."""
        if state.checkpoint is None:
            state = self._open(state)
        if state.checkpoint is None:
            self.world.table.finish(replace(state, resume_at=None))
            return Extracted(self.plan.entity, "DONE")
        if state.checkpoint["phase"] == "keys":
            return self._sweep(state, state.checkpoint)
        return self._window(state, state.checkpoint)

    def _open(self, state: EntityState) -> EntityState:
        """The state with the checkpoint of a new window or sweep, where one is due."""
        answer = self.connection.read(self.reader.dialect.count(self.source, self.plan))
        try:
            count = self.reader.dialect.read_count(self.source, self.plan, answer.body)
        except ValueError as error:
            raise MalformedAnswer(f"{self.plan.entity}: the source's count cannot be read: {error}") from None
        source_now = answer.source_now or answer.asked_at
        window = next_window(
            state.watermark,
            self._clock,
            source_now,
            answer.asked_at,
            from_text(self.plan.initial_from) if self.plan.initial_from else None,
        )
        state = replace(state, source_count={"count": count, "at": to_text(source_now)})
        if window is not None:
            opened = {"phase": "rows", "window": window.dump(), "pass": 0, "position": None, "fingerprints": None}
            return replace(state, checkpoint=opened | {"source_now": to_text(source_now)})
        return replace(state, checkpoint=self._sweep_due(state, source_now))

    @property
    def _clock(self) -> ClockRules:
        return ClockRules(timedelta(seconds=self.plan.overlap_s), timedelta(seconds=self.plan.settle_lag_s))

    def _sweep_due(self, state: EntityState, source_now: datetime) -> dict[str, Any] | None:
        """The checkpoint of a new sweep; None where none is declared or due. The first finished window counts as a sweep."""
        sweep = self.plan.strategy("key_sweep")
        if sweep is None or state.swept_at is None:
            return None
        if source_now - state.swept_at < timedelta(seconds=sweep.every_s or 0):
            return None
        return {"phase": "keys", "source_now": to_text(source_now), "sweep": None, "position": None, "loads": []}

    def _window(self, state: EntityState, checkpoint: dict[str, Any]) -> Extracted:
        window = Window.load(checkpoint["window"])
        day = self.world.now()
        before = self._newest_load(state)
        if before != state.last_load:
            state, checkpoint = _forget_fingerprints(state, checkpoint)
        landing = Landing(
            self.plan,
            PartWriter(
                self.world.raw,
                row_schema(self.plan),
                lambda part: data_key(self.plan.entity, self.plan.major, day, self.load_id, part),
            ),
            end=normalised(to_text(window.end), self.plan.cursor.digits),
            next_start=normalised(to_text(window.end - self._clock.overlap), self.plan.cursor.digits),
            known=self._fingerprints(state.fingerprints),
            seen=self._fingerprints(checkpoint["fingerprints"]),
        )
        stop = self._read_window(landing, window, checkpoint)
        parts = landing.finish()
        seen = self._keep_fingerprints(landing, checkpoint["fingerprints"], stop)
        next_checkpoint = stop.checkpoint and {**stop.checkpoint, "fingerprints": seen}
        loads: tuple[int, ...] = ()
        if parts:
            manifest = self._manifest(
                state, "rows", parts, landing.counts, checkpoint=next_checkpoint, window=window, landing=landing
            )
            loads = (commit(self.world.raw, lambda _: manifest, before),)
            state = replace(state, last_load=loads[0], last_data_on=f"{day:%Y-%m-%d}")
        if stop.checkpoint is None:
            source_now = from_text(checkpoint["source_now"])
            swept_at = state.swept_at or (source_now if self.plan.strategy("key_sweep") else None)
            state = replace(state, watermark=window.end, swept_at=swept_at, fingerprints=seen or state.fingerprints)
            next_checkpoint = self._sweep_due(state, source_now)
        state = replace(state, checkpoint=next_checkpoint)
        if loads and loads[0] != before + 1:  # somebody else committed in the meantime
            state, _ = _forget_fingerprints(state, checkpoint)
        return self._end(state, stop.interruption, loads, landing.counts)

    def _newest_load(self, state: EntityState) -> int:
        """The number of the newest load. Above `last_load` where one was committed whose state was never written: a killed
        or stalled extractor's."""
        load = state.last_load
        while self.world.raw.get(manifest_key(self.plan.entity, load + 1)) is not None:
            load += 1
        return load

    def _read_window(self, landing: Landing, window: Window, checkpoint: dict[str, Any]) -> Stop:
        passes = window_passes(self.plan, window)
        place, position = int(checkpoint["pass"]), checkpoint["position"]
        try:
            while place < len(passes):
                for page in self.reader.pages(passes[place], position):
                    landing.add(page)
                    position = page.position or position
                    if position is not None and not page.ahead and self.budget.used_up(self.connection.requests_made):
                        return Stop(checkpoint | {"pass": place, "position": position})
                place, position = place + 1, None
        except (Paused, SourceUnavailable) as interruption:
            return Stop(checkpoint | {"pass": place, "position": position}, interruption)
        return Stop(None)

    def _sweep(self, state: EntityState, checkpoint: dict[str, Any]) -> Extracted:
        sweep = checkpoint["sweep"] or {"id": self.load_id, "started_at": to_text(self.world.now())}
        landing = KeyLanding(
            self.plan,
            PartWriter(
                self.world.raw, key_schema(self.plan), lambda part: keys_key(self.plan.entity, self.load_id, part)
            ),
            known=self._fingerprints(state.fingerprints),
        )
        stop = self._read_keys(landing, checkpoint | {"sweep": sweep})
        parts = landing.finish()
        finished = stop.checkpoint is None
        loads: tuple[int, ...] = ()
        next_checkpoint = stop.checkpoint
        if parts or finished:
            earlier = list(checkpoint["loads"])
            load = commit(
                self.world.raw,
                lambda number: self._manifest(
                    state,
                    "keys",
                    parts,
                    landing.counts,
                    checkpoint=next_checkpoint,
                    sweep=sweep | {"last": finished, "loads": [*earlier, number] if finished else None},
                ),
                state.last_load,
            )
            loads = (load,)
            next_checkpoint = stop.checkpoint and {**stop.checkpoint, "loads": [*earlier, load]}
            if load != state.last_load + 1:
                state, _ = _forget_fingerprints(state, checkpoint)
            state = replace(state, last_load=load)
        if finished:
            whole = checkpoint["sweep"] is None and state.fingerprints is not None
            alive = self._keep_alive(landing) if whole else None
            state = replace(state, swept_at=from_text(checkpoint["source_now"]), fingerprints=alive)
        return self._end(replace(state, checkpoint=next_checkpoint), stop.interruption, loads, NOTHING)

    def _read_keys(self, landing: KeyLanding, checkpoint: dict[str, Any]) -> Stop:
        position = checkpoint["position"]
        try:
            for page in self.reader.pages(key_pass(self.plan), position):
                landing.add(page)
                position = page.position or position
                if position is not None and not page.ahead and self.budget.used_up(self.connection.requests_made):
                    return Stop(checkpoint | {"position": position})
        except (Paused, SourceUnavailable) as interruption:
            return Stop(checkpoint | {"position": position}, interruption)
        return Stop(None)

    def _end(
        self,
        state: EntityState,
        interruption: Paused | SourceUnavailable | None,
        loads: tuple[int, ...],
        counts: Counts,
    ) -> Extracted:
        """Writes the state and says how it goes on; what interrupted it is kept for the caller."""
        if isinstance(interruption, SourceUnavailable):
            self.silence = interruption
        else:
            self.pause = interruption
        resume_at = self.pause.resume_at if self.pause else None
        self.world.table.finish(replace(state, resume_at=resume_at))
        if self.pause:
            return Extracted(self.plan.entity, "PAUSED", loads, counts, resume_at, self.pause.reason)
        return Extracted(self.plan.entity, "DONE" if state.checkpoint is None else "CONTINUE", loads, counts)

    def _fingerprints(self, key: str | None) -> Fingerprints:
        body = self.world.raw.get(key) if key else None
        return Fingerprints.load(body) if body else Fingerprints()

    def _keep_fingerprints(self, landing: Landing, earlier: str | None, stop: Stop) -> str | None:
        """The key of this window's fingerprints so far. A window that brings no news writes none: the last ones still hold."""
        unfinished = stop.checkpoint is not None and len(landing.seen)
        if not (landing.counts.landed or unfinished or earlier):
            return None
        key = fingerprints_key(self.plan.entity, self.load_id)
        self.world.raw.put(key, landing.seen.dump())
        return key

    def _keep_alive(self, landing: KeyLanding) -> str:
        """The key of the fingerprints of rows that a sweep has seen whole: what it ended may come back as it was, and must land.

        A sweep of several invocations keeps none: each of them saw a part, and what lands once more is found unchanged.
        """
        key = fingerprints_key(self.plan.entity, self.load_id)
        self.world.raw.put(key, landing.alive.dump())
        return key

    def _manifest(
        self,
        state: EntityState,
        kind: Literal["rows", "keys"],
        parts: tuple[Part, ...],
        counts: Counts,
        *,
        checkpoint: dict[str, Any] | None,
        window: Window | None = None,
        landing: Landing | None = None,
        sweep: dict[str, Any] | None = None,
    ) -> Manifest:
        observed = landing.observed if landing else None
        return Manifest(
            entity=self.plan.entity,
            load_id=self.load_id,
            kind=kind,
            reason="window" if kind == "rows" else "sweep",
            lane="live",
            plan=self.plan.sha256,
            major=self.plan.major,
            run_id=self.run_id,
            token=state.token,
            window=window.dump() if window else None,
            observed={"first": to_text(observed[0]), "last": to_text(observed[1])}
            if observed
            else {"first": None, "last": None},
            parts=parts,
            rows=sum(part.rows for part in parts),
            items=landing.items if landing else {},
            counts=counts,
            sweep=sweep,
            checkpoint=checkpoint,
            committed_at=to_text(self.world.now()),
        )


def _forget_fingerprints(state: EntityState, checkpoint: dict[str, Any]) -> tuple[EntityState, dict[str, Any]]:
    """What is done where a load of somebody else was found: it may hold newer versions than the fingerprints tell of, and a
    row that went back to what they tell of would be left out."""
    opened = state.checkpoint and {**state.checkpoint, "fingerprints": None}
    return replace(state, fingerprints=None, checkpoint=opened), checkpoint | {"fingerprints": None}
