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
            bad: set[str] = set()
            if alone:
                tests = {
                    each.test: max(WITHIN_S[other.pace] for other in sabotages if other.test == each.test)
                    for each in sabotages
                }
                results = pool.map(
                    lambda test: self._try(free, test, "passes", partial(_passes, test, tests[test])), tests
                )
                bad = {test for test, complaint in zip(tests, results, strict=True) if complaint}
            for each in sabotages:
                if each.test in bad:
                    self.complaints.append(f"{each.id}: not tried, for its test does not pass as the code is")
            tried = [each for each in sabotages if each.test not in bad]
            results = pool.map(lambda each: self._try(free, each.id, "noticed", partial(_notices, each)), tried)
            self.noticed += sum(complaint is None for complaint in results)

    def _try(
        self, free: queue.Queue[Workshop], name: str, good: str, work: Callable[[Workshop], str | None]
    ) -> str | None:
        place = free.get()
        started = time.monotonic()
        try:
            complaint = work(place)
        finally:
            free.put(place)
        print(f"{'COMPLAINT' if complaint else good:10} {time.monotonic() - started:6.1f} s  {name}", flush=True)
        if complaint:
            self.complaints.append(f"{name}: {complaint}")
        return complaint


def _passes(test: str, within_s: float, place: Workshop) -> str | None:
    try:
        return untrue(place.run(test, within_s))
    except NoTestimony as error:
        return f"{error}, without any sabotage"


def _notices(sabotage: Sabotage, place: Workshop) -> str | None:
    try:
        with sabotage.applied(place.copy):
            reason = unproven(place.run(sabotage.test, WITHIN_S[sabotage.pace]))
    except BadSabotage as error:
        return str(error)
    except NoTestimony as error:
        reason = str(error)
    return f"not proven. {sabotage.test} {reason}" if reason else None
