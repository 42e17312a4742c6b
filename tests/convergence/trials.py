"""Playing many histories, in as many processes as there are cores."""

from __future__ import annotations

import logging
import multiprocessing
import os
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.convergence.histories import History, history
from tests.convergence.shrinking import shrunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Trial:
    """What became of a history: how its invocations ended; what was wrong, if anything, and the shortest way to it."""

    kind: str
    seed: int
    endings: tuple[str, ...] = ()
    problem: str | None = None
    shortest: str | None = None


def trial(kind: str, seed: int, *, shrink: bool = True) -> Trial:
    """Plays the history of a seed, and shrinks it where it fails."""
    logging.disable(logging.CRITICAL)
    played = history(kind, seed)
    try:
        return Trial(kind, seed, tuple(played.play().told))
    except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
        problem, sort = f"{type(error).__name__}: {error}", _sort(error)
        where = "".join(traceback.format_exception(error)[-3:]) if not isinstance(error, AssertionError) else ""
    if not shrink:
        return Trial(kind, seed, problem=problem + where)

    def fails(shorter: History) -> bool:
        try:
            shorter.play()
        except Exception as error:  # noqa: BLE001
            return _sort(error) == sort
        return False

    return Trial(kind, seed, problem=problem + where, shortest=shrunk(played, fails).told())


def _sort(error: Exception) -> tuple[type[Exception], str]:
    """What kind of problem it is: the error, and the one that it tells of."""
    return type(error), type(error.__cause__).__name__


def trials(wanted: Sequence[tuple[str, int]], *, shrink: bool = True) -> Iterator[Trial]:
    """Plays the histories of kinds and seeds, and gives what became of each, as they end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.convergence.histories"])
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context) as pool:
        pending = [pool.submit(trial, kind, seed, shrink=shrink) for kind, seed in wanted]
        try:
            for done in as_completed(pending):
                yield done.result()
        finally:
            for future in pending:
                future.cancel()
