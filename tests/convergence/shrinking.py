"""Making a history that fails as short as it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.convergence.histories import History

MOST_TRIES = 150
PLAIN = {
    "window_s": None,
    "parallel_windows": 1,
    "full_refresh_s": None,
    "daily_requests": None,
    "requests": None,
    "skew_s": 0,
    "both": False,
}


def shrunk(history: History, fails: Callable[[History], bool], most: int = MOST_TRIES) -> History:
    """A history that still fails and of which no step can be left out (nor made plainer), as far as so many tries go."""
    left = most
    again = True
    while again and left > 0:
        again = False
        for simpler in _simpler(history):
            left -= 1
            if fails(simpler):
                history, again = simpler, True
                break
            if left <= 0:
                break
    return history


def _simpler(history: History) -> Iterator[History]:
    """Histories with fewer steps, then with plainer ones, then with plainer settings."""
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=steps[:start] + steps[start + size :])
        size //= 2
    for place, step in enumerate(steps):
        for plainer in _plainer(step):
            yield replace(history, steps=(*steps[:place], plainer, *steps[place + 1 :]))
    for name, plain in PLAIN.items():
        if history.settings.get(name, plain) != plain:
            yield replace(history, settings=history.settings | {name: plain})


def _plainer(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("dies_at", "dies_behind", "requests", "back", "late", "unstamped", "run", "lane"):
        if step.get(name):
            yield {key: value for key, value in step.items() if key not in (name, "ending" * (name == "dies_at"))}
    for place in range(len(step.get("faults", ()))):
        yield step | {"faults": step["faults"][:place] + step["faults"][place + 1 :]}
    if step.get("rows", 1) > 1:
        yield step | {"rows": 1}
