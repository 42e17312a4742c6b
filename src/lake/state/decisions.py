"""What may be done to a state by hand, and what comes of it. Where two things could be true, the careful one is taken."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lake.instants import from_text, to_text
from lake.state.entity import EntityState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from lake.state.byhand import Hand

DAY_OF_A_PART = re.compile(r"/loaded_on=(\d{4}-\d{2}-\d{2})/")


class NotAllowed(Exception):
    """What was asked for would lose rows, or take an entity from somebody who works on it."""


def released(state: EntityState, now: datetime, *, holder_runs: bool, force: bool) -> EntityState:
    """The state without its lease; raises NotAllowed while somebody works under it."""
    held = state.lease_until is not None and state.lease_until > now
    if held and holder_runs and not force:
        raise NotAllowed(f"{state.lease_owner} works on {state.entity} until {to_text(state.lease_until or now)}")
    return replace(state, lease_owner=None, lease_until=None)


def with_watermark(state: EntityState, watermark: datetime, now: datetime, *, force: bool) -> EntityState:
    """The state that reads on from an instant; raises NotAllowed where that would leave rows out.

    What was being read and what the last window landed is forgotten: all from there on is read and lands once more. Keys that
    a source named as gone are still looked for: no other reading would.
    """
    if state.lease_until is not None and state.lease_until > now and not force:
        raise NotAllowed(f"{state.lease_owner} works on {state.entity} until {to_text(state.lease_until)}")
    if (state.watermark is None or watermark > state.watermark) and not force:
        known = to_text(state.watermark) if state.watermark else "nothing yet"
        raise NotAllowed(
            f"{state.entity} is read up to {known}: rows between there and {to_text(watermark)} would be left out"
        )
    named = state.checkpoint is not None and state.checkpoint["phase"] == "named"
    return replace(state, watermark=watermark, checkpoint=state.checkpoint if named else None, fingerprints=None)


def to_be_reloaded(state: EntityState, hand: Hand) -> EntityState:
    """The state whose next run reads the entity whole."""
    wish = {"who": hand.who, "why": hand.why, "at": to_text(hand.at)}
    return replace(state, reload=json.dumps(wish, sort_keys=True), resume_at=None)


@dataclass(frozen=True, slots=True)
class Restored:
    """A state that was made of manifests, and what could not be known."""

    state: EntityState
    notes: tuple[str, ...]


def restored(before: EntityState, manifests: Iterable[Mapping[str, Any]]) -> Restored:
    """What an entity's manifests, in the order of their numbers, say of its state.

    The watermark is the end of the last live window that was read to its end and landed something: windows that brought
    nothing left no manifest, and are read again. Fingerprints are forgotten: the overlap lands once more. Sweeps and
    refreshes count as made when the window before them ended, and so are due the sooner; a feed or a delta link begins anew
    with a full refresh.
    """
    last, token, watermark, swept, refreshed, day = 0, before.token, None, None, None, None
    for manifest in manifests:
        last, token = max(last, int(manifest["load"])), max(token, int(manifest["token"]))
        for part in manifest["parts"] if manifest["kind"] == "rows" else ():
            day = max(day or "", DAY_OF_A_PART.search(part["key"])[1])  # type: ignore[index]
        if manifest["lane"] != "live":
            continue
        if _ends_a_window(manifest):
            watermark = max(watermark or "", manifest["window"]["to"])
            swept, refreshed = swept or watermark, refreshed or watermark
        if (manifest["sweep"] or {}).get("last"):
            swept = watermark or swept
            refreshed = (watermark or refreshed) if manifest["kind"] == "rows" else refreshed
    state = EntityState(
        entity=before.entity,
        token=token,
        watermark=_instant(watermark),
        last_load=last,
        last_data_on=day,
        swept_at=_instant(swept),
        refreshed_at=_instant(refreshed),
        reload=before.reload,
    )
    return Restored(state, tuple(_notes(state)))


def _ends_a_window(manifest: Mapping[str, Any]) -> bool:
    return manifest["reason"] == "window" and manifest["window"] is not None and manifest["checkpoint"] is None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)


def _notes(state: EntityState) -> Iterable[str]:
    if not state.last_load:
        yield "raw holds no load of it: it is read from its beginning"
    elif state.watermark is None:
        yield "no window of it was read to its end: it is read from its beginning"
    else:
        yield f"it is read on from {to_text(state.watermark)}, less the overlap; what landed since then lands once more"
