"""Keys that the source says are gone: landed as tombstones, and dropped from the fingerprints."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.extract.landing import TombstoneLanding
from lake.extract.work import Draft
from lake.raw.fingerprint import key_text
from lake.raw.layout import tombstones_key
from lake.raw.parts import PartWriter
from lake.raw.schema import tombstone_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lake.extract.passes import Key
    from lake.extract.work import Checkpoint, Work
    from lake.state.entity import EntityState


class GoneLoad:
    """Takes keys, and commits them as a load of tombstones where there are any."""

    def __init__(self, work: Work, reason: str) -> None:
        self._work = work
        self._reason = reason
        self._load_id = work.new_load_id()
        self._keys: list[str] = []

    def add(self, keys: Sequence[Key], observed_at: datetime, deleted_at: Sequence[str | None] | None = None) -> None:
        """Takes the keys of one answer: when it was asked for, and the source's own stamps if it gives any."""
        if keys:
            self._landing.add(keys, observed_at, deleted_at)
            self._keys += map(key_text, keys)

    def commit(self, state: EntityState, checkpoint: Checkpoint | None) -> tuple[EntityState, tuple[int, ...]]:
        """Writes parts, fingerprints and manifest: the state with them, and the load, if there is one."""
        if not self._keys:
            return state, ()
        parts = self._landing.finish()
        state = self._work.caught_up(state)
        state = self._work.without(state, pa.array(self._keys, pa.string()), self._load_id)
        draft = Draft(
            self._load_id,
            "tombstones",
            self._reason,
            parts,
            self._landing.counts,
            checkpoint,
            observed=self._landing.observed,
        )
        state, load = self._work.commit(state, draft)
        return state, (load,)

    @cached_property
    def _landing(self) -> TombstoneLanding:
        work = self._work
        writer = PartWriter(
            work.world.raw,
            tombstone_schema(work.plan),
            lambda part: tombstones_key(work.plan.entity, self._load_id, part),
        )
        return TombstoneLanding(work.plan, writer)
