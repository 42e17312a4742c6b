"""Tries sabotages: each test without any, then each sabotage with its test."""

from __future__ import annotations

import contextlib
import queue
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tests.sabotage.files import BadSabotage, Pace, Sabotage
from tests.sabotage.witness import unproven, untrue
from tests.sabotage.workshop import FORKS, PRELOADED, NoTestimony, Workshop, workshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Time limits of one test, start of its process included.
WITHIN_S: dict[Pace, float] = {"gate": 30, "quick": 60, "slow": 600}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try showed: a complaint, or none and the error that the test failed by."""

    complaint: str | None
    error: str = ""


@dataclass(slots=True)
class Trial:
    """Tries sabotages of a project, `at_once` at a time, and prints a line for each."""

    project: Path
    at_once: int
    complaints: list[str] = field(default_factory=list)
    noticed: int = 0

    def run(self, sabotages: list[Sabotage], *, alone: bool) -> None:
        """Tries these. With `alone`, each named test must first pass by itself; one that does not tries no sabotage."""
        FORKS.set_forkserver_preload(PRELOADED)
        with contextlib.ExitStack() as stack, ThreadPoolExecutor(self.at_once) as pool:
            free: queue.Queue[Workshop] = queue.Queue()
            for _ in range(min(self.at_once, len(sabotages))):
                free.put(stack.enter_context(workshop(self.project)))
            bad = self._bad_tests(pool, free, sabotages) if alone else set()
            self.complaints += [
                f"{each.id}: not tried, for its test does not pass as the code is"
                for each in sabotages
                if each.test in bad
            ]
            tried = [each for each in sabotages if each.test not in bad]
            found = pool.map(lambda each: self._try(free, each.id, "noticed", partial(_notices, each)), tried)
            self.noticed += sum(verdict.complaint is None for verdict in found)

    def _bad_tests(self, pool: ThreadPoolExecutor, free: queue.Queue[Workshop], sabotages: list[Sabotage]) -> set[str]:
        """The named tests that do not pass by themselves; each runs once, however many sabotages name it."""
        paces = {each.test: each.pace for each in sorted(sabotages, key=lambda each: WITHIN_S[each.pace])}
        found = pool.map(
            lambda test: self._try(free, test, "passes", partial(_passes, test, WITHIN_S[paces[test]])), paces
        )
        return {test for test, verdict in zip(paces, found, strict=True) if verdict.complaint}

    def _try(self, free: queue.Queue[Workshop], name: str, good: str, work: Callable[[Workshop], Verdict]) -> Verdict:
        place = free.get()
        started = time.monotonic()
        try:
            verdict = work(place)
        finally:
            free.put(place)
        shown = "COMPLAINT" if verdict.complaint else good
        by = f" ({verdict.error})" if verdict.error else ""
        print(f"{shown:10} {time.monotonic() - started:6.1f} s  {name}{by}", flush=True)
        if verdict.complaint:
            self.complaints.append(f"{name}: {verdict.complaint}")
        return verdict


def _passes(test: str, within_s: float, place: Workshop) -> Verdict:
    try:
        return Verdict(untrue(place.run(test, within_s)))
    except NoTestimony as error:
        return Verdict(f"{error}, without any sabotage")


def _notices(sabotage: Sabotage, place: Workshop) -> Verdict:
    try:
        with sabotage.applied(place.copy):
            testimony = place.run(sabotage.test, WITHIN_S[sabotage.pace])
    except BadSabotage as error:
        return Verdict(str(error))
    except NoTestimony as error:
        return Verdict(f"not proven. {sabotage.test} {error}")
    if reason := unproven(testimony):
        return Verdict(f"not proven. {sabotage.test} {reason}")
    return Verdict(None, next(each.error for each in testimony.failures if each.is_proof))
