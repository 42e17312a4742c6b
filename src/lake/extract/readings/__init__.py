"""Readings: the ways to read an entity, one module each. The checkpoint's `phase` says which one is going on.

A reading is opened where it is due, and read step by step until it is finished; then the next one in `ORDER` that is due
follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.extract.readings.delta import open_delta, read_delta
from lake.extract.readings.feed import open_feed, read_feed
from lake.extract.readings.fetch import open_fetch, read_fetch, read_named
from lake.extract.readings.refresh import open_refresh, read_refresh
from lake.extract.readings.suspects import open_suspects, read_suspects
from lake.extract.readings.sweep import open_sweep, read_sweep
from lake.extract.readings.window import open_window, read_window

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.extract.work import Checkpoint, Clock, Step, Work
    from lake.state.entity import EntityState

READINGS: dict[str, Callable[[Work, EntityState, Checkpoint], Step]] = {
    "refresh": read_refresh,
    "feed": read_feed,
    "delta": read_delta,
    "named": read_named,
    "fetch": read_fetch,
    "suspects": read_suspects,
    "window": read_window,
    "keys": read_sweep,
}

ORDER: dict[str, Callable[[Work, EntityState, Clock], Checkpoint | None]] = {
    "refresh": open_refresh,
    "feed": open_feed,
    "delta": open_delta,
    "fetch": open_fetch,
    "suspects": open_suspects,
    "window": open_window,
    "keys": open_sweep,
}


def due(work: Work, state: EntityState, clock: Clock, behind: str | None = None) -> Checkpoint | None:
    """The checkpoint of the first reading that is due, or of the first one behind another; None where none is."""
    names = list(ORDER)
    for name in names[0 if behind is None else names.index(behind) + 1 :]:
        opened = ORDER[name](work, state, clock)
        if opened is not None:
            return opened | clock.dump()
    return None
