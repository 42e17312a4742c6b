"""Suspects: keys that the lake has and a sweep by counted pages missed. They are asked for by key, for they may merely have
slipped past; those that are not found are gone as of that request.

Each request also asks for a witness, a key that the sweep saw. Where that does not come back the source does not answer as it
should (a permission, a filter on keys that it ignores), and nothing ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lake.extract.passes import fetch_pass
from lake.extract.readings.fetch import can_be_asked_for, chunks
from lake.extract.readings.gone import GoneLoad
from lake.extract.readings.rows import RowLoad, Rules
from lake.extract.work import Step
from lake.extract.world import SourceProblem
from lake.instants import from_text, to_text
from lake.raw.fingerprint import key_text

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.passes import Key
    from lake.extract.reading import ReadPage
    from lake.extract.work import Checkpoint, Clock, Stop, Work
    from lake.state.entity import EntityState


def open_suspects(work: Work, state: EntityState, _: Clock) -> Checkpoint | None:
    """The suspects, where curate has left a list of them and the source can be asked by key."""
    listed = work.world.table.key_list("suspects", work.plan.entity) if state.watermark is not None else None
    if listed is None or not work.dialect.by_key(work.source, work.plan):
        return None
    return {"phase": "suspects", "list": listed, "done": 0, "position": None, "found": [], "asked_at": None}


def read_suspects(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Asks for suspects as far as the budget goes. Those that come are rows like others; the others become tombstones."""
    body = work.world.raw.get(checkpoint["list"])
    listed: dict[str, Any] = json.loads(body) if body is not None else {"keys": [], "witness": None}
    keys = [tuple(key) for key in listed["keys"] if can_be_asked_for(work.plan, tuple(key))]
    search = Search(work, RowLoad(work, state, Rules("fetch", replaces=True)), GoneLoad(work, "suspects"), checkpoint)
    stop = search.read(keys, tuple(listed["witness"] or ()))
    following = None if stop is None else checkpoint | search.place(stop)
    following, loads = search.load.commit(following)
    state, gone = search.gone.commit(search.load.state, following)
    if following is None:
        work.world.table.done_with("suspects", work.plan.entity, checkpoint["list"])
    problems = (search.problem,) if search.problem else ()
    interruption = stop.interruption if stop else None
    notes = (
        _notes(checkpoint["list"], there=body is not None, unfit=len(listed["keys"]) - len(keys))
        if not following
        else ()
    )
    return Step(state, following, (*loads, *gone), search.load.counts, interruption, notes, problems)


def _notes(suspects: str, *, there: bool, unfit: int) -> tuple[str, ...]:
    lost = (f"the list of suspects {suspects} is not there: none of them was asked for",) if not there else ()
    return lost + ((f"{unfit:,} suspects are not of their type, and cannot be asked for: they stay",) if unfit else ())


@dataclass
class Search:
    """One invocation's search, chunk by chunk: a chunk's keys are gone where all its pages came, the witness among them."""

    work: Work
    load: RowLoad
    gone: GoneLoad
    checkpoint: Checkpoint
    problem: SourceProblem | None = None

    def __post_init__(self) -> None:
        asked_at = self.checkpoint["asked_at"]
        self._done: int = self.checkpoint["done"]
        self._found: set[str] = set(self.checkpoint["found"])
        self._asked_at: datetime | None = asked_at and from_text(asked_at)

    def read(self, keys: list[Key], witness: Key) -> Stop | None:
        """Where the search stopped; None where it is over."""
        position = self.checkpoint["position"]
        for chunk in chunks(keys[self._done :]):
            begun_at = self._asked_at or self.work.world.now()
            stop = self.work.read(fetch_pass(self.work.plan, [witness, *chunk]), position, self._take)
            self._asked_at, position = begun_at, None
            if not stop.finished:
                return stop
            if key_text(witness) not in self._found:
                self.problem = _no_witness(self.work, witness)
                return None
            missing = [key for key in chunk if key_text(key) not in self._found]
            self.gone.add(missing, begun_at)
            self._done += len(chunk)
            self._found, self._asked_at = set(), None
            if self._done < len(keys) and self.work.reader.used_up():
                return replace(stop, finished=False)
        return None

    def _take(self, page: ReadPage) -> None:
        self.load.add(page)
        self._found.update(page.keys.to_pylist())

    def place(self, stop: Stop) -> Checkpoint:
        """Where the search goes on: behind whole chunks, or in the middle of one."""
        asked_at = self._asked_at and to_text(self._asked_at)
        return {"done": self._done, "position": stop.position, "found": sorted(self._found), "asked_at": asked_at}


def _no_witness(work: Work, witness: Key) -> SourceProblem:
    return SourceProblem(
        "WitnessMissing",
        f"{work.plan.path}: keys that a sweep missed were asked for by key, and {', '.join(witness)}, which the sweep had seen, "
        "did not come back with them: an answer by key proves nothing here, and nothing was ended",
    )
