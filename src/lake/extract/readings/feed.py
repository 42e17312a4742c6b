"""Feeds: which keys the source says were deleted since it was last asked. They are read by key at once, for one may have come
back since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lake.extract.errors import Paused, SourceUnavailable
from lake.extract.passes import key_pass, page_query
from lake.extract.readings.fetch import named
from lake.extract.readings.gone import GoneLoad
from lake.extract.readings.refresh import refresh
from lake.extract.work import Clock, Step
from lake.extract.world import NOTHING
from lake.instants import from_text, to_text

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.http import Request
    from lake.extract.protocols.dialect import Feed
    from lake.extract.work import Checkpoint, Interruption, Work
    from lake.state.entity import EntityState

REACH_BACK = timedelta(hours=1)
"""Deletions may become visible late, as rows do."""


def open_feed(work: Work, state: EntityState, _: Clock) -> Checkpoint | None:
    """The feed from where it was read to, less an hour."""
    if work.dialect.feed is None or work.plan.strategy("feed") is None or state.feed_until is None:
        return None
    since = state.feed_until - REACH_BACK
    return {"phase": "feed", "since": to_text(since), "needed": to_text(state.feed_until), "more": None, "loads": []}


def read_feed(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads the feed as far as the budget goes. Where it no longer knows all that is needed, all is read again."""
    feed = work.dialect.feed
    until = Clock.load(checkpoint).source_now
    if feed is None or until - from_text(checkpoint["since"]) > timedelta(seconds=feed.longest_s):
        return _again(work, state)
    gone = GoneLoad(work, "feed")
    covered: datetime | None = None
    interruption: Interruption | None = None
    following: Checkpoint | None = checkpoint
    try:
        while following is not None:
            with work.budget.timed():
                answer = work.connection.read(_request(work, feed, following, until))
            page = feed.read(work.source, work.plan, answer.body)
            if page.known_since is not None and page.known_since > from_text(checkpoint["needed"]):
                return _again(work, state)
            gone.add(page.keys, answer.asked_at, page.deleted_at)
            covered = page.covered_until
            following = following | {"more": page.more} if page.more is not None else None
            work.heed_share()
            if following is not None and work.reader.used_up():
                break
    except (Paused, SourceUnavailable) as stopped:
        interruption = stopped
    state, loads = gone.commit(state, following)
    loads_so_far = [*checkpoint["loads"], *loads]
    if following is not None:
        return Step(state, following | {"loads": loads_so_far}, loads, NOTHING, interruption)
    state = replace(state, feed_until=max(state.feed_until or until, min(covered or until, until)))
    return Step(state, named(loads_so_far, "feed") if loads_so_far else None, loads, NOTHING, interruption)


def _request(work: Work, feed: Feed, checkpoint: Checkpoint, until: datetime) -> Request:
    if checkpoint["more"] is None:
        return feed.request(work.source, work.plan, from_text(checkpoint["since"]), until)
    query = page_query(work.plan, key_pass(work.plan), None)
    return work.dialect.link(work.source, work.plan, query, checkpoint["more"])


def _again(work: Work, state: EntityState) -> Step:
    """A full refresh, where the source knows of no deletions as far back as is needed."""
    note = "the source no longer knows all deletions since it was last asked: all rows are read again"
    return Step(state, refresh(work, state) | {"after": "feed"}, (), NOTHING, notes=(note,))
