"""The rows that one invocation lands: at most one load, opened with the first page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.extract.landing import Landing
from lake.extract.window import asked_from
from lake.extract.work import Draft
from lake.extract.world import NOTHING
from lake.instants import to_text
from lake.raw.cursor import normalised
from lake.raw.layout import data_key
from lake.raw.parts import PartWriter
from lake.raw.schema import row_schema

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.reading import ReadPage
    from lake.extract.window import Window
    from lake.extract.work import Checkpoint, Work
    from lake.raw.manifest import Counts
    from lake.state.entity import EntityState

EVERYTHING = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows land. `window`: rows beyond its end are left for the next one. `recognises`: rows that the state's
    fingerprints know are left out. `notes_from`: from which cursor on the next window may bring rows again, so that they are
    noted (`EVERYTHING`: whatever their cursor; None: nothing is noted). `replaces`: fingerprints of the keys that land are
    dropped, for the next window is to compare with nothing older."""

    reason: str
    window: Window | None = None
    recognises: bool = False
    notes_from: str | None = None
    replaces: bool = False


def brought_again_from(work: Work, end: datetime) -> str:
    """The cursor from which on the window behind one that ends there may bring rows again."""
    start = asked_from(work.plan.cursor, end - work.overlap)
    return normalised(to_text(start), work.plan.cursor.digits)


class RowLoad:
    """Takes pages, and commits what of them lands.

    Nothing is read from raw or written there before the first page. Then loads that somebody else committed are looked for,
    and `state` forgets its fingerprints where there are some. `noted`: where the fingerprints lie that earlier invocations
    of this reading noted.
    """

    def __init__(self, work: Work, state: EntityState, rules: Rules, noted: str | None = None) -> None:
        self._work = work
        self._rules = rules
        self._load_id = work.new_load_id()
        self._day = work.world.now()
        self._keys: list[pa.Array] = []
        self.state = state
        self.noted = noted

    def add(self, page: ReadPage) -> None:
        """Takes a page."""
        if not page.batch.num_rows:
            return
        self._landing.add(page)
        if self._rules.replaces:
            self._keys.append(page.keys)

    @property
    def counts(self) -> Counts:
        """What became of the rows so far."""
        return self._landing.counts if self._opened else NOTHING

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run's record is to say of it: rows that the next window will not know again."""
        left_out = self._landing.seen.left_out if self._opened else 0
        return (
            (f"{left_out:,} rows are more than can be known again: if they come again, they land again",)
            if left_out
            else ()
        )

    @property
    def vanished(self) -> bool:
        """Whether keys that the state's fingerprints know were not seen (once the whole entity was), or may not have been: the
        fingerprints were forgotten."""
        if self.state.fingerprints is None:
            return True
        known = self._work.fingerprints(self.state.fingerprints)
        seen = self._landing.seen if self._opened else self._work.fingerprints(self.noted)
        return len(known.without(seen.rows.column("key"))) > 0

    def commit(
        self, checkpoint: Checkpoint | None, *, sweep: dict[str, Any] | None = None
    ) -> tuple[Checkpoint | None, tuple[int, ...]]:
        """Writes parts, fingerprints and manifest: where reading goes on, and the load, if there is one.

        `checkpoint` is where reading goes on, None at its end; there `noted` becomes what the whole reading noted, None
        where it brought no news (then the last window's fingerprints still hold). The last load of a sweep is committed
        though it be empty, also where the sweep ends nothing.
        """
        last = sweep is not None and checkpoint is None
        if not (self._opened or last):
            return checkpoint, ()
        landing = self._landing
        parts = landing.finish()
        self._keep_fingerprints(unfinished=checkpoint is not None)
        if checkpoint is not None and self._rules.notes_from is not None:
            checkpoint = checkpoint | {"fingerprints": self.noted}
        if not (parts or last):
            return checkpoint, ()
        draft = Draft(
            self._load_id,
            "rows",
            self._rules.reason,
            parts,
            landing.counts,
            checkpoint,
            window=self._rules.window,
            observed=landing.observed,
            items=landing.items,
            sweep=sweep,
        )
        before = self.state.last_load
        self.state, load = self._work.commit(self.state, draft)
        if parts:
            self.state = replace(self.state, last_data_on=f"{self._day:%Y-%m-%d}")
        if load != before + 1 and self.noted is not None:  # somebody else's may hold newer versions than were noted
            self.noted = None
            checkpoint = checkpoint and checkpoint | {"fingerprints": None}
        return checkpoint, (load,)

    @property
    def _opened(self) -> bool:
        return "_landing" in self.__dict__

    @cached_property
    def _landing(self) -> Landing:
        work, rules = self._work, self._rules
        found = work.caught_up(self.state)
        if found.last_load != self.state.last_load:
            self.noted = None
        self.state = found
        writer = PartWriter(
            work.world.raw,
            row_schema(work.plan),
            lambda part: data_key(work.plan.entity, work.plan.major, self._day, self._load_id, part),
        )
        end = None if rules.window is None else normalised(to_text(rules.window.end), work.plan.cursor.digits)
        return Landing(
            work.plan,
            writer,
            end=end,
            next_start=rules.notes_from,
            known=work.fingerprints(self.state.fingerprints) if rules.recognises else None,
            seen=work.fingerprints(self.noted),
        )

    def _keep_fingerprints(self, *, unfinished: bool) -> None:
        if self._keys:
            self.state = self._work.without(self.state, pa.concat_arrays(self._keys), self._load_id)
        if self._rules.notes_from is None:
            return
        landing = self._landing
        if landing.counts.landed or self.noted or (unfinished and len(landing.seen)):
            self.noted = self._work.keep(landing.seen, self._load_id)
