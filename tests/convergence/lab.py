"""A laboratory: the hand that plays a history, and looks after each step whether all that always holds still does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import EndpointConnectionError

from lake.extract.errors import (
    ExtractError,
    LeaseHeld,
    LeaseLost,
    SourceAuthError,
    SourceTooSlow,
    SourceUnavailable,
)
from lake.state.entity import LIVE
from local.simulators.faults import nature
from tests.convergence.changes import CHANGES, Hand
from tests.convergence.cloud import Died, Fate
from tests.convergence.judging import check_row, compare, stamp_of, truth_of
from tests.convergence.kinds import OVERLAP_S
from tests.convergence.raw_reader import Broken, RawReader
from tests.convergence.surroundings import Outcome, Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.convergence.raw_reader import Key

type Step = Mapping[str, Any]

EXPECTED_ANYWAY = (LeaseHeld, LeaseLost, Died, EndpointConnectionError)
MOST_INVOCATIONS = 400


@dataclass
class Zombie:
    """An extractor that stalls in a thread until it is woken; `met`: faults that it may have met by then."""

    thread: Thread
    fate: Fate
    outcome: list[Outcome]
    met: list[dict[str, Any]]


@dataclass
class Lab(Surroundings):
    """Plays steps. `unsettled`: what only a full refresh puts right has happened."""

    unsettled: bool = False
    zombie: Zombie | None = None
    lanes: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    _faults: list[dict[str, Any]] = field(default_factory=list)
    _watermark: datetime | None = None
    _curated: int = 0
    _disturbed: bool = False
    _healing: bool = False
    _blind: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reader = RawReader(self.cloud, self.kind)
        self.hand = Hand(self.origin, self.kind)
        if self.kind.tracks:
            self.origin.perform("track_changes", mode="on", both=self.settings.get("both", False))
        self._set_faults([])

    def close(self) -> None:
        """Lets nobody stall any more."""
        if self.zombie is not None:
            self.zombie.fate.wake.set()
            self.zombie.thread.join()

    def forget(self) -> None:
        """Raw and state have gone back: what was seen of them counts no more."""
        self._watermark, self._curated = None, 0

    # Steps

    def play(self, step: Step) -> None:
        """Plays one step."""
        self.STEPS.get(step["do"], Lab._change)(self, step)

    def _change(self, step: Step) -> None:
        if self.zombie is not None or self.state().checkpoint is not None:
            self._disturbed = True
        if CHANGES[step["do"]](self.hand, step) == "refresh":
            self._unsettle()

    def _advance(self, step: Step) -> None:
        self.origin.perform("advance", hours=step["minutes"] / 60)

    def _fault(self, step: Step) -> None:
        self._set_faults([dict(fault) for fault in step["faults"]])

    def _set_faults(self, faults: list[dict[str, Any]]) -> None:
        self._faults = faults
        if self.zombie is not None:
            self.zombie.met += faults
        self.origin.faults.set([*self.kind.steady, *faults], self.origin.control.perform)

    def _invoke(self, step: Step) -> None:
        fate = Fate(at=step.get("dies_at"), ending=step.get("ending", "die"), behind=step.get("dies_behind"))
        lane, window = LIVE, None
        if step.get("lane") is not None:
            if not self.lanes:
                return
            lane, window = self.lanes[step["lane"] % len(self.lanes)]
        self._disturb()
        self.judge(self.extract(fate, step.get("run", "run-1"), step.get("requests"), lane, window))

    def _race(self, step: Step) -> None:
        self._disturb()
        outcomes: list[Outcome] = []

        def run(name: str) -> None:
            outcomes.append(self.extract(Fate(), name, step.get("requests")))

        threads = [Thread(target=run, args=(name,)) for name in ("run-1", "run-2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for outcome in outcomes:
            self.judge(outcome)

    def _stall(self, step: Step) -> None:
        if self.zombie is not None:
            return
        self._disturb()
        fate, outcome = Fate(stalls_at=step["at"]), list[Outcome]()
        thread = Thread(target=lambda: outcome.append(self.extract(fate, "zombie", step.get("requests"))))
        thread.start()
        while thread.is_alive() and not fate.stalled.wait(0.001):
            pass
        self.zombie = Zombie(thread, fate, outcome, list(self._faults))
        if not thread.is_alive():
            self._wake({})

    def _wake(self, _: Step) -> None:
        if self.zombie is None:
            return
        zombie, self.zombie = self.zombie, None
        zombie.fate.wake.set()
        zombie.thread.join()
        self.judge(zombie.outcome[0], zombie.met)

    def _hold(self, step: Step) -> None:
        """The pipeline lease is given to a run, or to none."""
        key = ("pipeline", "lease")
        self.cloud.items.pop(key, None)
        if step["run"] is not None:
            self.cloud.items[key] = {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "run_id": {"S": step["run"]}}

    def _backfill(self, step: Step) -> None:
        end = self.origin.store.now - timedelta(days=step["days_ago"])
        begin = end - timedelta(days=step["days"])
        lane = f"backfill#{len(self.lanes)}"
        if self.plan.cursor.kind != "none":
            self.lanes.append((lane, {"from": begin.isoformat(), "to": end.isoformat()}))

    def _reload(self, _: Step) -> None:
        item = self.cloud.items.get((f"entity#{self.plan.entity}", LIVE))
        if item is not None:
            self._healing = True
            item["reload"] = {"S": json.dumps({"who": "someone", "at": str(self.now())})}

    def _curate(self, _: Step) -> None:
        """What curate does behind a finished sweep: keys that it saw and the lake lacks go on the fetch list, and those that
        the lake has and a sweep by shifting pages missed on the list of suspects."""
        sweeps = sorted(self.reader.sweeps(shifting=True), key=lambda sweep: sweep[0])
        if not sweeps or sweeps[-1][0] == self._curated:
            return
        self._curated, began, found = sweeps[-1]
        alive = self.reader.alive()
        self._list("fetch", [key for key in found - alive.keys() if None not in key], None)
        before = (key for key, row in alive.items() if row["_observed_at"] < began and key not in found)
        witness = min((key for key in found if None not in key), default=None)
        if witness is not None and self._curated in self.reader.shifting:
            self._list("suspects", [key for key in before if None not in key], witness)

    def _list(self, which: str, keys: Sequence[Key], witness: Key | None) -> None:
        if not keys:
            return
        place = f"fetches/{self.plan.entity.replace('.', '/')}/{self._curated:012}-{which}.json"
        self.cloud.objects[place] = json.dumps({"keys": sorted(keys), "witness": witness}).encode()
        key = {"pk": {"S": which}, "sk": {"S": self.plan.entity}}
        self.cloud.items[which, self.plan.entity] = key | {"list": {"S": place}, "keys": {"N": str(len(keys))}}

    STEPS: ClassVar[dict[str, Any]] = {
        "advance": _advance,
        "faults": _fault,
        "invoke": _invoke,
        "race": _race,
        "stall": _stall,
        "wake": _wake,
        "hold": _hold,
        "backfill": _backfill,
        "reload": _reload,
        "curate": _curate,
    }

    def _disturb(self) -> None:
        if self._disturbed or any(fault["kind"] in ("meanwhile", "offset_tokens") for fault in self._faults):
            self._unsettle(self.kind.shifts)
        kinds = {fault["kind"] for fault in self._faults}
        if kinds & set(HIDES.get(self.plan.paging, ())) or (kinds >= HIDE_TOGETHER and self.plan.paging != "server"):
            self._unsettle()
        self._disturbed = False
        self._blind = self._blind or any(map(_blinds, self._faults)) or self.hand.restored

    def _unsettle(self, really: bool = True) -> None:
        """Something has happened that only a full refresh puts right which begins from here on."""
        if really:
            self.unsettled, self._healing = True, False

    def _heal(self) -> None:
        """Looks whether the full refresh that was wished for has been read."""
        if self._healing and "reload" not in self.cloud.items.get((f"entity#{self.plan.entity}", LIVE), {}):
            self.unsettled = self._healing = False

    # What always holds

    def judge(self, outcome: Outcome, met: Sequence[dict[str, Any]] = ()) -> None:
        """Looks at what an invocation did: raises AssertionError where it did anything that it never may."""
        self.told.append(type(outcome).__name__ if isinstance(outcome, BaseException) else outcome.status)
        if isinstance(outcome, BaseException) and not _may_end_with(outcome, [*self._faults, *met]):
            raise Broken(f"{type(outcome).__name__}: {outcome}") from outcome
        self.reader.check()
        self._living_rows_are_not_ended()
        state = self.state()
        if self._watermark is not None and (state.watermark is None or state.watermark < self._watermark):
            raise Broken(f"the watermark went back from {self._watermark} to {state.watermark}")
        self._watermark = state.watermark
        self._heal()
        named = (state.checkpoint or {}).get("phase") in NAMING
        if not self.unsettled and not named and self._watermark is not None:
            self._settled_rows_are_there(self._watermark - timedelta(seconds=OVERLAP_S))

    def _living_rows_are_not_ended(self) -> None:
        """What lives in the source, and has all the time, is not ended: whatever a reading missed, its count told that."""
        if self._blind or (self.state().checkpoint or {}).get("phase") in NAMING:
            return
        began = max((began for _, began, _ in self.reader.sweeps()), default=None)
        ended = self.reader.ever() - self.reader.alive().keys() - self.hand.ever_erased
        for key, document in truth_of(self.origin, self.kind).items():
            stamp = stamp_of(self.kind, document)
            if key in ended and (stamp is None or began is None or stamp < began - timedelta(seconds=2 * OVERLAP_S)):
                raise Broken(f"{key} lives in the source, and was ended in raw: {document}")

    def _settled_rows_are_there(self, until: datetime) -> None:
        """What was stamped long before the watermark has been read."""
        alive = self.reader.alive()
        for key, document in truth_of(self.origin, self.kind).items():
            stamp = stamp_of(self.kind, document)
            if stamp is not None and stamp < until and key not in self.hand.old:
                check_row(
                    self.kind, key, alive, document, f"was stamped before {until} and the watermark lies behind it: "
                )

    # How it ends

    def settle(self) -> None:
        """Lets the dust settle: no more faults, all that is due is read. Raises NotConverged where raw is then not the source."""
        self._wake({})
        self._hold({"run": None})
        self._set_faults([])
        self.plan, self.source = self.kind.plans(self.settings | {"daily_requests": None})
        self._unsettle(self._disturbed and self.kind.shifts)
        self._advance({"minutes": 60})
        self._run(LIVE, None)
        refreshed = self.unsettled
        if self.unsettled:
            self._reload({})
        for lane, window in self.lanes:
            self._run(lane, window)
        for _ in range(3):
            self._advance({"minutes": 25 * 60})
            self._run(LIVE, None)
            self._curate({})
            self._advance({"minutes": 1})  # what the list asks for, and a scan that another one is to confirm
            self._run(LIVE, None)
        self.unsettled = False
        self.compare(refreshed=refreshed)
        self._quiet()

    def _run(self, lane: str, window: dict[str, str] | None) -> None:
        for _ in range(MOST_INVOCATIONS):
            outcome = self.extract(Fate(), "run-1", self.settings.get("requests"), lane, window)
            self.judge(outcome)
            if isinstance(outcome, LeaseHeld):
                self._advance({"minutes": 10})
            elif isinstance(outcome, BaseException):
                raise Broken(f"{type(outcome).__name__}: {outcome}") from outcome
            elif outcome.status == "DONE":
                return
            elif outcome.status == "PAUSED":
                self._advance({"minutes": 25 * 60})
        raise Broken(f"{MOST_INVOCATIONS} invocations and no end")

    def compare(self, *, refreshed: bool = False) -> None:
        """Raises NotConverged where the newest versions in raw are not the source's rows."""
        truth = truth_of(self.origin, self.kind)
        compare(self.kind, self.reader.alive(), truth, deletions=self.kind.sees or refreshed)

    def _quiet(self) -> None:
        """A source without news is read without a load. (A window of many invocations keeps what it has recognised.)"""
        self._advance({"minutes": 1})
        self._run(LIVE, None)
        self._advance({"minutes": 1})
        there = set(self.cloud.objects)
        self._run(LIVE, None)
        if new := {name for name in set(self.cloud.objects) - there if not name.startswith("fingerprints/")}:
            raise Broken(f"nothing happened in the source, and yet raw got {sorted(new)}")


def _may_end_with(error: BaseException, faults: Sequence[dict[str, Any]]) -> bool:
    """Whether an invocation that met such faults may end so: with an error of its own, where one of them can be seen."""
    if isinstance(error, EXPECTED_ANYWAY):
        return True
    if isinstance(error, SourceAuthError):  # a lost login is renewed once a request, and here it may be lost twice
        return any(fault["kind"] == "token_expiry" for fault in faults)
    if isinstance(error, SourceTooSlow | SourceUnavailable) and any(fault["kind"] == "slow" for fault in faults):
        # A rest until a date is as long as the two clocks are apart, and may use up the time of the first page.
        return any(fault.get("form") == "date" or nature(fault) == "detectable" for fault in faults)
    return isinstance(error, ExtractError) and any(nature(fault) == "detectable" for fault in faults)


def _blinds(fault: dict[str, Any]) -> bool:
    """Whether the source lies so that no count tells: it counts nothing either, or too little; or rows go and others slip past
    behind tokens that nobody understands."""
    if fault["kind"] == "nothing_shown":
        return str(fault.get("scope")) != "rows"
    if fault["kind"] == "offset_tokens":
        return str(fault.get("as", "hidden")) == "hidden"
    return fault["kind"] == "wrong_count" and int(fault.get("by", 1)) < 0


NAMING = ("feed", "delta", "named")
"""Readings in the middle of which keys may be gone in raw that are read again by key before the reading ends."""

HIDES: dict[str, tuple[str, ...]] = {
    "keyset": ("ignored_order", "nothing_shown"),
    "key": ("ignored_order", "nothing_shown"),
    "server": ("ignored_order", "nothing_shown", "result_cap", "offset_tokens", "page_cap"),
}
"""Faults that may hide rows from a way of paging, until a full refresh."""
HIDE_TOGETHER = {"empty_pages", "unknown_continuation"}
"""An empty page is the end where the client pages, unless a link that is known leads on."""
