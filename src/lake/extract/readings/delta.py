"""Delta links: what the source itself tells to have changed since it was last asked. It takes the windows' place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lake.extract.errors import SourceRejected
from lake.extract.passes import delta_pass
from lake.extract.readings.fetch import named
from lake.extract.readings.gone import GoneLoad
from lake.extract.readings.refresh import refresh
from lake.extract.readings.rows import RowLoad, Rules
from lake.extract.work import Clock, Step
from lake.extract.world import NOTHING

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.reading import ReadPage
    from lake.extract.work import Checkpoint, Work
    from lake.state.entity import EntityState

TICK = timedelta(microseconds=1)


def open_delta(_: Work, state: EntityState, __: Clock) -> Checkpoint | None:
    """The delta link, where the source gave one."""
    link = (state.delta or {}).get("link")
    return None if link is None else {"phase": "delta", "position": {"link": link}, "loads": []}


def read_delta(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Follows the link as far as the budget goes. Where the source no longer knows it, all is read again.

    Keys that are gone are tombstones of the instant at which their page was asked for, and are then read by key: one that came
    back, on whichever page, is observed after that. So are the keys of loads that others committed (a killed or stalled
    extractor, a backfill): a row that has gone back to what it was when the link was given is no change to the source.
    """
    before, state = state.last_load, work.caught_up(state)
    load = RowLoad(work, state, Rules("delta", replaces=True))
    gone = GoneLoad(work, "delta")
    links: list[str] = []

    def take(page: ReadPage) -> None:
        load.add(page)
        gone.add(page.removed, gone_at(page))
        links.extend(link for link in (page.delta_link,) if link is not None)

    try:
        stop = work.read(delta_pass(work.plan), checkpoint["position"], take)
    except SourceRejected as rejected:
        if work.dialect.delta is None or rejected.status not in work.dialect.delta.expired:
            raise
        return _again(work, state, "the source no longer knows its delta link: all rows are read again")
    if stop.finished and not links:
        return _again(work, state, "the source gave no new delta link: all rows are read again")
    following = None if stop.finished else checkpoint | {"position": stop.position}
    following, loads = load.commit(following)
    state, gone_loads = gone.commit(load.state, following)
    others = set(range(before + 1, state.last_load + 1)) - {*loads, *gone_loads}
    named_loads = [*checkpoint["loads"], *sorted(others), *gone_loads]
    loads += gone_loads
    if following is not None:
        return Step(state, following | {"loads": named_loads}, loads, load.counts, stop.interruption)
    settled = Clock.load(checkpoint).settled
    state = replace(state, delta={"link": links[-1]}, watermark=max(state.watermark or settled, settled))
    return Step(state, named(named_loads, "delta") if named_loads else None, loads, load.counts)


def gone_at(page: ReadPage) -> datetime:
    """When the removed keys of a page were gone: when it was asked for, and after all rows of the delta.

    The rows of each page count as observed when the first one was asked for, at 12:00:00, say. A key that the first page shows
    as a row and as removed is gone at 12:00:00.000001: at the same instant the row would live.
    """
    return max(page.asked_at, page.observed_at + TICK)


def _again(work: Work, state: EntityState, note: str) -> Step:
    return Step(replace(state, delta=None), refresh(work, state) | {"after": "delta"}, (), NOTHING, notes=(note,))
