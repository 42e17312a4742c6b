"""The extraction engine: one invocation reads what it can of one entity, and commits at most a load of each kind.

Where reading stands is a checkpoint in the entity's state. Without one, the source is probed (its clock and its count, in one
request), and what is due is read in turn (`lake.extract.readings`), until something has landed or the budget is used up.
Order of writing: parts, fingerprints, manifest (the commit), state. A crash between any two costs a repeat, never a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.asking import probe
from lake.extract.counting import changed_since
from lake.extract.drift import drift
from lake.extract.errors import (
    BadRequest,
    ExtractError,
    OutOfTime,
    Paused,
    RangeIncomplete,
    SourceError,
    SourceRejected,
    SourceTooSlow,
    SourceUnavailable,
)
from lake.extract.protocols import DIALECTS
from lake.extract.reading import Reader
from lake.extract.readings import READINGS, due
from lake.extract.readings.window import open_backfill
from lake.extract.window import settled
from lake.extract.work import Clock, Work
from lake.extract.world import NOTHING, Extracted, SourceProblem, Status, World
from lake.instants import to_text
from lake.state.entity import LIVE

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.budget import Budget
    from lake.extract.work import Checkpoint, Interruption, Step
    from lake.raw.manifest import Counts
    from lake.state.entity import EntityState

CARRIED = ("source_now", "settled", "described")
"""What the checkpoints of one run hand on to each other."""
NO_PLACE = ("loads", "fingerprints", "described", "plan")
"""What of a checkpoint says nothing of how far a reading is."""
OPENING = "due"
"""The phase of a checkpoint behind the probe: what is due is yet to be opened."""
ANY_PLAN = ("named", "fetch")
"""Readings that go on though the contract has changed: they read keys that are named nowhere else."""


def extract(
    plan: Plan,
    source: SourcePlan,
    run_id: str,
    world: World,
    budget: Budget,
    *,
    lane: str = LIVE,
    window: dict[str, Any] | None = None,
) -> Extracted:
    """One invocation for one entity; raises ExtractError, after a commit of what was read where the source fell silent.

    `lane` and `window` are a backfill's: the window opens it, later calls go on. Each invocation that took the lease leaves
    a record of its run, a failed one too.
    """
    allowance = world.limits.read(source.daily_requests, world.now())
    state = world.table.read(plan.entity, lane)
    if state.finished_at is not None:
        return Extracted(plan.entity, "DONE")
    paused_until = max((at for at in (allowance.paused_until, state.resume_at) if at is not None), default=None)
    now = world.now()
    rest_s = 0.0 if paused_until is None else max(0.0, (paused_until - now).total_seconds())
    if rest_s > min(source.max_retry_after_s, budget.seconds_left() / 2):
        return Extracted(plan.entity, "PAUSED", resume_at=paused_until, reason="the source asked for a rest")
    state = world.table.acquire(state, run_id, now, now + timedelta(seconds=budget.seconds_to_deadline()))
    record = f"extract#{plan.entity}#{state.token:09}" + ("" if lane == LIVE else f"#{lane}")
    invocation = Invocation(plan, source, run_id, world, budget.at_most(allowance.requests), lane, window)
    try:
        invocation.rest(rest_s)
        result = invocation.under_limits(state)
    except ExtractError as error:
        told = invocation.explained(error)
        failed = Extracted(plan.entity, "DONE", drift=invocation.drift).record() | {"status": "FAILED"}
        world.runs.write(run_id, record, failed | {"reason": f"{type(told).__name__}: {told}"})
        raise told from None
    world.runs.write(run_id, record, result.record())
    if invocation.silence is not None:
        raise invocation.explained(invocation.silence)
    if lane != LIVE and result.status == "DONE" and result.problems:  # no run tells of it
        causes = "; ".join(problem.cause for problem in result.problems)
        raise RangeIncomplete(f"{causes}. What came is landed; read the range again")
    return result


@dataclass
class Invocation:
    """The work of one invocation, under a lease."""

    plan: Plan
    source: SourcePlan
    run_id: str
    world: World
    budget: Budget
    lane: str
    window: dict[str, Any] | None
    pause: Paused | None = None
    silence: SourceUnavailable | None = None
    loads: tuple[int, ...] = ()
    counts: Counts = NOTHING
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    problems: tuple[SourceProblem, ...] = ()
    is_behind_pause: bool = False
    work: Work = field(init=False)

    def __post_init__(self) -> None:
        connection = self.world.connect(self.budget)
        dialect = DIALECTS[self.source.protocol]
        reader = Reader(connection, dialect, self.source, self.plan)
        self.work = Work(
            self.plan, self.source, self.run_id, self.lane, self.world, self.budget, connection, dialect, reader
        )

    def rest(self, seconds: float) -> None:
        """Waits for the end of a rest that the last invocation had no time for."""
        if seconds:
            self.work.connection.sleep(seconds)

    def under_limits(self, state: EntityState) -> Extracted:
        """The work, with its requests and a pause that concerns the whole source counted whatever comes of it."""
        try:
            return self.go_on(state)
        except Paused as paused:  # before anything was read
            self.pause = paused
            self.world.table.finish(replace(state, resume_at=paused.resume_at))
            return self._result("PAUSED")
        finally:
            rest = self.pause.resume_at if self.pause and self.pause.quota else None
            if rest is not None or self.source.daily_requests is not None:
                self.world.limits.add(self.work.connection.requests_made, self.world.now(), rest)

    def go_on(self, state: EntityState) -> Extracted:
        """Reads what is due, one reading after the other, until something has landed or is left for the next invocation."""
        begun = checkpoint = self._resumed(state.checkpoint)
        described = checkpoint is not None and "described" in checkpoint
        if checkpoint is None:
            state, checkpoint = self._asked(state)
        if checkpoint["phase"] == OPENING:
            checkpoint = self._opened(state, checkpoint)
        while checkpoint is not None and checkpoint["phase"] != OPENING and not self._is_spent():
            step = READINGS[checkpoint["phase"]](self.work, state, checkpoint)
            state, before, checkpoint = step.state, checkpoint, self._behind(step, checkpoint)
            self._tally(step)
            left = step.checkpoint is not None and step.checkpoint["phase"] == before["phase"]
            if step.loads or step.interruption or left or self.work.reader.used_up():
                break
        self._judge_delay(_place(begun) != _place(checkpoint))
        if self.counts.landed and not (described or self.pause or self.silence or self.work.reader.used_up()):
            self.drift = self._drift()
            checkpoint = checkpoint and checkpoint | {"described": True}
        return self._end(replace(state, checkpoint=checkpoint))

    def _judge_delay(self, has_moved: bool) -> None:
        """Drops what stopped the reading where only its time was over, and it is further than it was: the next invocation
        goes on there. A reading that stands where it stood would never end so."""
        if has_moved and isinstance(self.silence, OutOfTime):
            self.silence = None
        self.is_behind_pause = has_moved and self.pause is not None and self.pause.is_brief

    def _resumed(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """The checkpoint; None for one of another contract: what was being read is read from its beginning."""
        if checkpoint is None or checkpoint.get("plan") == self.plan.sha256 or checkpoint["phase"] in ANY_PLAN:
            return checkpoint
        self.notes += ("its contract has changed: what was being read is read from its beginning",)
        return None

    def _asked(self, state: EntityState) -> tuple[EntityState, Checkpoint]:
        """The state with the source's count, and the checkpoint behind it; of a backfill's window in a lane of its own."""
        if self.lane != LIVE:
            window = self.window or state.window
            if window is None:
                raise BadRequest(f"{self.plan.entity} has no open backfill {self.lane}: give it a window")
            live = self.world.table.read(self.plan.entity)
            opened = open_backfill(self.work, window) | Clock(self.world.now(), self.world.now()).dump()
            state = replace(state, window=window, last_load=max(state.last_load, live.last_load))
            return state, opened | self._mark
        dialect = self.work.dialect
        with self.budget.timed():
            told = probe(self.work.reader)
        self.work.heed_share()
        self.notes += dialect.warnings(self.source, self.plan) if dialect.warnings else ()
        lag = timedelta(seconds=self.plan.settle_lag_s)
        clock = Clock(told.source_now, settled(told.source_now, told.asked_at, lag))
        changed = self._changed(state, clock)
        state = replace(state, source_count={"count": told.count, "at": to_text(told.source_now), "changed": changed})
        return state, {"phase": OPENING} | clock.dump() | self._mark

    def _opened(self, state: EntityState, checkpoint: Checkpoint) -> Checkpoint | None:
        """The checkpoint of what is due. It may take a request: where that comes too late, the next invocation opens it."""
        if self._is_spent():
            return checkpoint
        try:
            opened = due(self.work, state, Clock.load(checkpoint))
        except OutOfTime as late:
            self.silence = late
            return checkpoint
        return opened and opened | self._mark

    def _is_spent(self) -> bool:
        """Whether no more is to be asked for. The first request is always made, whatever time is left."""
        return self.work.connection.requests_made > 0 and self.budget.is_too_short()

    def _changed(self, state: EntityState, clock: Clock) -> int | None:
        """How many rows changed that this run is not to read yet; asked where the last count was above what the lake has."""
        if self.plan.count_ignored is not None:
            self.notes += (f"the source's count is not compared with the lake: {self.plan.count_ignored}",)
            return None
        last = (state.source_count or {}).get("count")
        if last is None or state.whole_at is None:
            return None
        held = self.world.table.curated(self.plan.entity)
        if held.live_rows is None or last <= held.live_rows + held.keyless or self._is_spent():
            return None
        try:
            with self.budget.timed():
                return changed_since(self.work.reader, clock.settled)
        except OutOfTime:  # what is read matters more than what is compared
            return None

    @property
    def _mark(self) -> dict[str, str]:
        """By which contract a checkpoint was written: what it says is of its fields and its passes."""
        return {"plan": self.plan.sha256}

    def _behind(self, step: Step, checkpoint: Checkpoint) -> Checkpoint | None:
        """Where reading goes on behind a step."""
        carried = {name: checkpoint[name] for name in CARRIED if name in checkpoint} | self._mark
        if step.checkpoint is not None:
            return carried | step.checkpoint
        if self.lane != LIVE:
            return None
        following = due(self.work, step.state, Clock.load(checkpoint), checkpoint.get("after", checkpoint["phase"]))
        return following and following | carried

    def _tally(self, step: Step) -> None:
        self.loads += step.loads
        self.counts += step.counts
        self.notes += step.notes
        self.problems += step.problems
        self._interrupted(step.interruption)

    def _interrupted(self, interruption: Interruption | None) -> None:
        """What interrupted the work is kept for the caller."""
        if isinstance(interruption, SourceUnavailable):
            self.silence = interruption
        else:
            self.pause = interruption or self.pause

    def _end(self, state: EntityState) -> Extracted:
        """Writes the state and says how it goes on."""
        done = state.checkpoint is None
        finished_at = self.world.now() if done and self.lane != LIVE else None
        resume_at = self.pause.resume_at if self.pause else None
        self.world.table.finish(replace(state, resume_at=resume_at, finished_at=finished_at))
        if self.pause and not self.is_behind_pause:
            return self._result("PAUSED")
        return self._result("DONE" if done else "CONTINUE")

    def _result(self, status: Status) -> Extracted:
        pause = self.pause if status == "PAUSED" else None
        resume_at, reason = (pause.resume_at, pause.reason) if pause else (None, None)
        return Extracted(
            self.plan.entity,
            status,
            self.loads,
            self.counts,
            resume_at,
            reason,
            notes=self.notes,
            drift=self.drift,
            problems=self.problems,
        )

    def explained(self, error: ExtractError) -> ExtractError:
        """The error; of a request that the source refused, with what the source says otherwise than the contract; of time
        that was too short, with what to do."""
        if isinstance(error, OutOfTime):
            return _too_late(error, self.work.connection.has_answered)
        if not isinstance(error, SourceRejected):
            return error
        self.drift = self._drift()
        if not self.drift:
            return error
        return SourceRejected(f"{error}. The contract is no longer right: {'; '.join(self.drift)}", error.status)

    def _drift(self) -> tuple[str, ...]:
        """What the source says of its fields otherwise than the contract; nothing where it does not describe them."""
        describe = self.work.dialect.describe
        if describe is None or self.pause or self.silence or self.budget.is_too_short():
            return ()
        try:
            answer = self.work.connection.read(describe.request(self.source, self.plan))
            return drift(self.plan, describe.read(self.source, self.plan, answer.body))
        except (ExtractError, Paused) as error:
            self.notes += (f"what the source says of its fields could not be compared with the contract: {error}",)
            return ()


def _place(checkpoint: Checkpoint | None) -> Checkpoint:
    """How far a reading is, to be compared."""
    return {name: value for name, value in (checkpoint or {}).items() if name not in NO_PLACE}


def _too_late(error: OutOfTime, has_answered: bool) -> SourceError:
    """What an invocation ends with whose time was over before it got anywhere."""
    advice = "raise the function's Timeout in template.yaml, or lower the contract's page_size"
    if has_answered:
        return SourceTooSlow(f"{error}: a page takes longer than that. To read on, {advice}.")
    return SourceUnavailable(f"{error}. Is the source up, and is its URL right? If it is only slow, {advice}.")
