"""Full refreshes: the entity read whole, by key. A sweep too: keys that are not among its rows are gone.

Where rows have no stamp the refresh is the window: what the last one landed is left out, and what lands is no sweep, for the
rows that are left out have no keys in it. Keys that have vanished since then bring a sweep of keys on at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.errors import Paused, SourceRejected, SourceUnavailable
from lake.extract.passes import refresh_pass
from lake.extract.readings.closing import Closing, KeyCount, close, unconfirmed_with, work_is_over
from lake.extract.readings.rows import EVERYTHING, RowLoad, Rules, brought_again_from
from lake.extract.readings.sweep import sweep_of_keys
from lake.extract.work import Clock, Step, first_read
from lake.extract.world import NOTHING
from lake.instants import to_text

if TYPE_CHECKING:
    from lake.extract.reading import ReadPage
    from lake.extract.work import Checkpoint, Work
    from lake.state.entity import EntityState

REFUSED = "the source gives no delta link for it"


def open_refresh(work: Work, state: EntityState, clock: Clock) -> Checkpoint | None:
    """A refresh where one is wanted by hand, due, or needed to begin with; None else."""
    plan = work.plan
    stampless = plan.cursor.kind == "none"
    to_be_tracked = plan.strategy("delta_link") is not None and state.delta is None
    to_be_fed = plan.strategy("feed") is not None and state.feed_until is None and state.watermark is not None
    if state.reload or to_be_tracked or to_be_fed:
        return refresh(work, state)
    if not (stampless and state.refreshed_at is None) and not _due(work, state, clock):
        return None
    opened = refresh(work, state)
    return opened | {"as_window": stampless and state.fingerprints is not None and not opened["track"]}


def refresh(work: Work, state: EntityState) -> Checkpoint:
    """The checkpoint of a refresh that is about to begin, and is a sweep: one that confirms an earlier one, where such a one
    waits for that."""
    confirms = state.unconfirmed
    fresh = {"id": work.new_load_id(), "started_at": to_text(work.world.now())}
    return {
        "phase": "refresh",
        "sweep": {name: confirms[name] for name in fresh} if confirms else fresh,
        "confirms": confirms,
        "as_window": False,
        "track": work.plan.strategy("delta_link") is not None and work.dialect.delta is not None,
        "reload": state.reload,
        "list": None,
        "position": None,
        "loads": [],
        "fingerprints": None,
    }


def _due(work: Work, state: EntityState, clock: Clock) -> bool:
    every = work.plan.full_refresh_s
    if every is None or state.refreshed_at is None:
        return False
    return clock.source_now - state.refreshed_at >= timedelta(seconds=every)


def read_refresh(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads on as far as the budget goes; a source that refuses to track changes is read without that."""
    try:
        return _read(work, state, checkpoint)
    except (SourceRejected, SourceUnavailable) as error:
        if not (checkpoint["track"] and checkpoint["position"] is None and _refuses(work, error)):
            raise
    return _read(work, state, checkpoint | {"track": False})


def _refuses(work: Work, error: Exception) -> bool:
    return work.dialect.delta is not None and work.dialect.delta.refusal in str(error)


def _read(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    load = RowLoad(work, state, _rules(work, checkpoint), checkpoint["fingerprints"])
    keys = KeyCount(work, checkpoint)
    links: list[str] = list(checkpoint.get("links", ()))
    counted = bool(checkpoint.get("counted"))

    def take(page: ReadPage) -> None:
        nonlocal counted
        load.add(page)
        keys.add(page)
        counted = counted or page.counted
        links.extend(link for link in (page.delta_link,) if link is not None)

    stop = work.read_unless(checkpoint, refresh_pass(work.plan, track=checkpoint["track"]), take)
    silence = stop.interruption if isinstance(stop.interruption, SourceUnavailable) else None
    if silence is not None and load.counts == NOTHING and _refuses(work, silence):
        raise silence
    closing: Closing | None = None
    if stop.finished and not work_is_over(work, checkpoint):
        try:
            closing = close(work, state, checkpoint, keys.total, counted=counted)
        except (Paused, SourceUnavailable) as interruption:
            stop = replace(stop, interruption=interruption)
    vanished = closing is not None and closing.is_whole and checkpoint["as_window"] and load.vanished
    following = None
    if closing is None:
        more = {"position": stop.position, "counted": counted, "links": links[-1:], "read": stop.finished}
        following = checkpoint | more | keys.so_far
    following, loads = load.commit(following, sweep=_sweep(checkpoint, closing))
    loads_so_far = [*checkpoint["loads"], *loads]
    if closing is None:
        following = following and following | {"loads": loads_so_far}
        return Step(load.state, following, loads, load.counts, stop.interruption, load.notes)
    state = _finished(work, load, checkpoint, links, closing, loads_so_far)
    if vanished and work.plan.strategy("key_sweep") is not None:
        following = sweep_of_keys() | {"after": "refresh", "confirms": state.unconfirmed}
    notes = (*load.notes, *_notes(work, state))
    return Step(state, following, loads, load.counts, notes=notes, problems=closing.problems)


def _rules(work: Work, checkpoint: Checkpoint) -> Rules:
    stampless, as_window = work.plan.cursor.kind == "none", checkpoint["as_window"]
    notes_from = EVERYTHING if stampless else brought_again_from(work, Clock.load(checkpoint).settled)
    return Rules("window" if as_window else "refresh", recognises=as_window, notes_from=notes_from)


def _sweep(checkpoint: Checkpoint, closing: Closing | None) -> dict[str, Any] | None:
    if checkpoint["as_window"]:
        return None
    return closing.sweep if closing else checkpoint["sweep"] | {"last": False, "loads": checkpoint["loads"]}


def _finished(
    work: Work, load: RowLoad, checkpoint: Checkpoint, links: list[str], closing: Closing, loads: list[int]
) -> EntityState:
    """The state behind a whole refresh: all that had settled when it began is read, and the filter begins anew. What it was
    wished for by is taken away. One that missed rows is due again, whatever it was due by."""
    clock, state = Clock.load(checkpoint), load.state
    kept = load.noted if not checkpoint["as_window"] else load.noted or state.fingerprints
    if not closing.is_whole:
        return replace(state, fingerprints=kept)
    if checkpoint["reload"] is not None:
        work.world.table.reloaded(work.plan.entity, checkpoint["reload"])
    if checkpoint["list"] is not None:
        work.world.table.done_with("fetch", work.plan.entity, checkpoint["list"])
    delta = None
    if work.plan.strategy("delta_link") is not None:
        delta = {"link": links[-1]} if links else {"refused": to_text(clock.source_now)}
    state = replace(
        first_read(work, state, clock),
        watermark=max(state.watermark or clock.settled, clock.settled),
        refreshed_at=clock.source_now,
        delta=delta,
        fingerprints=kept,
        whole_at=clock.source_now,
        source_count=_counted(work, state, closing),
    )
    if checkpoint["as_window"]:
        return state
    return replace(
        state,
        swept_at=clock.source_now if work.plan.strategy("key_sweep") else state.swept_at,
        feed_until=clock.source_now if work.plan.strategy("feed") else state.feed_until,
        unconfirmed=unconfirmed_with(closing, loads),
    )


def _counted(work: Work, state: EntityState, closing: Closing) -> dict[str, Any] | None:
    """The source's count for the run's balance: where rows have no stamps, only a refresh makes it comparable."""
    told = state.source_count
    if work.plan.cursor.kind != "none" or told is None or closing.count is None or told["count"] is None:
        return told
    return told | {"count": min(told["count"], closing.count), "changed": 0}


def _notes(work: Work, state: EntityState) -> tuple[str, ...]:
    if "refused" not in (state.delta or {}):
        return ()
    if work.plan.strategy("key_sweep") is not None:
        return (f"{REFUSED}: its deletions are seen by sweeps of keys",)
    if work.plan.full_refresh_s is not None:
        return (f"{REFUSED}: its deletions are seen by full refreshes",)
    return (f"{REFUSED}, and its contract declares neither `key_sweep` nor `full_refresh`: DELETIONS ARE NOT SEEN",)
