"""What a complete scan of an entity may end: held against the source's own count, and against how its pages were led to.

A manifest's `sweep` says so. `last`: keys that its `loads` do not hold are gone as of `started_at`. `shifts`: they are suspects,
which the next run asks for by key, for its pages were counted and a row may have slipped past. `short`: it found less than the
source counts, and ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.extract.counting import Comparison, compare
from lake.extract.keys import whole_keys
from lake.extract.readings.keys_of_loads import key_texts_of
from lake.extract.work import Clock
from lake.extract.world import SourceProblem
from lake.instants import to_text

if TYPE_CHECKING:
    from lake.extract.reading import ReadPage
    from lake.extract.work import Checkpoint, Work
    from lake.state.entity import EntityState

WORD = "`rows_may_shift: accepted` in `paging`, and a `full_refresh`"


class KeyCount:
    """How many different keys a scan has found, over all its invocations.

    By key each comes once. Where the server pages, one may come twice (pages shift, a scan begins again): then the texts of
    keys are kept, about 30 bytes each, and those of earlier invocations are read from raw (so they are for a checkpoint of
    a release that did not count). Where known rows do not land, a key counts once in each invocation.
    """

    def __init__(self, work: Work, checkpoint: Checkpoint) -> None:
        self._work = work
        self._loads: list[int] = checkpoint["loads"]
        self._lands_all = not checkpoint.get("as_window")
        self._numbered = int(checkpoint.get("keys", 0))
        self._texts: list[pa.Array] = []
        self._served = bool(checkpoint.get("served", self._loads and "keys" not in checkpoint))

    def add(self, page: ReadPage) -> None:
        """Takes a page. Rows without a whole key count one by one."""
        self._served = self._served or page.served
        if not self._served:
            self._numbered += page.batch.num_rows
            return
        whole = whole_keys([page.batch.column(field.raw) for field in self._work.plan.key_fields])
        self._texts.append(page.keys.filter(whole))
        self._numbered += len(whole) - whole.true_count

    @property
    def so_far(self) -> Checkpoint:
        """What the next invocation is to know."""
        return {"keys": self._numbered if self._lands_all else self.total, "served": self._served}

    @property
    def total(self) -> int:
        """Different keys, where the scan is complete."""
        if not self._served:
            return self._numbered
        earlier = [key_texts_of(self._work, load) for load in self._loads if self._lands_all]
        chunks = [*(text for texts in earlier for text in texts), *self._texts]
        return self._numbered + int(pc.count_distinct(pa.chunked_array(chunks, pa.string())).as_py())


@dataclass(frozen=True, slots=True)
class Closing:
    """How a complete scan ends. `sweep`: what its last manifest says; `is_whole`: nothing was missed as far as one can see;
    `count`: what the source counted after it; `unconfirmed`: what the state keeps of it until another scan confirms it."""

    sweep: dict[str, Any]
    count: int | None
    is_whole: bool = True
    problems: tuple[SourceProblem, ...] = ()
    unconfirmed: dict[str, Any] | None = None


def close(work: Work, state: EntityState, checkpoint: Checkpoint, keys: int, *, counted: bool) -> Closing:
    """How a scan ends that was read to its end and found so many different keys; raises SourceError or Paused.

    `counted`: its pages were led to by counts. `checkpoint`: of the scan, with `sweep` (id and start) and `loads` (so far).
    """
    clock = Clock.load(checkpoint)
    before = (state.source_count or {}).get("count")
    found = compare(work.reader, keys, before, clock.source_now - work.overlap)
    loads = list(checkpoint["loads"])
    sweep = checkpoint["sweep"] | {"last": False, "loads": loads}
    if not keys and found.count is None and not _holds_rows(work, state):
        return Closing(sweep, None)  # empty, as the lake is: there is nothing to prove
    if found.is_short:
        return Closing(sweep | {"short": found.dump()}, found.count, is_whole=False, problems=(_short(work, found),))
    if not counted:
        return Closing(sweep | {"last": True}, found.count)
    if not work.plan.accepts_shifts:
        return Closing(sweep, found.count, problems=(shifting(work),))
    return _shifting_ends(work, state, checkpoint, Closing(sweep, found.count))


def _holds_rows(work: Work, state: EntityState) -> bool:
    """Whether the lake has rows that could end; where curate has not counted them yet, whether any ever landed."""
    held = work.world.table.curated(work.plan.entity)
    return state.last_data_on is not None if held.live_rows is None else held.live_rows + held.keyless > 0


def _shifting_ends(work: Work, state: EntityState, checkpoint: Checkpoint, closing: Closing) -> Closing:
    """What a complete scan by counted pages ends: keys that are missed by key, too; or by two scans in a row. The first one of
    all ends nothing, for nothing was there that could have gone."""
    if state.watermark is None:
        return closing
    if work.dialect.by_key(work.source, work.plan):
        return replace(closing, sweep=closing.sweep | {"shifts": True})
    earlier = checkpoint.get("confirms")
    if earlier is not None:
        both = {"last": True, "loads": [*earlier["loads"], *closing.sweep["loads"]]}
        return replace(closing, sweep=closing.sweep | both)
    at = to_text(Clock.load(checkpoint).source_now)
    return replace(closing, unconfirmed=checkpoint["sweep"] | {"at": at})


def work_is_over(work: Work, checkpoint: Checkpoint) -> bool:
    """Whether the source's count is for the next invocation: this one has read its pages, and may ask for no more."""
    return not checkpoint.get("read") and work.reader.used_up()


def unconfirmed_with(closing: Closing, loads: list[int]) -> dict[str, Any] | None:
    """What the state keeps of a sweep that another scan is to confirm, with all of its loads."""
    return closing.unconfirmed and closing.unconfirmed | {"loads": loads}


def shifting(work: Work) -> SourceProblem:
    """That pages are counted though the contract does not accept it."""
    return SourceProblem(
        "PagesShift",
        f"{work.plan.path}: its links or tokens count rows. A row that changes or goes while pages are read moves the others, "
        f"and one that nobody touched is missed. The contract does not accept that: say {WORD}, or page by `keyset` or `key`. "
        "Until then no sweep and no refresh ends anything",
    )


def _short(work: Work, found: Comparison) -> SourceProblem:
    return SourceProblem(
        "SweepShort",
        f"{work.plan.path} was read to its end, but {found.told()}: rows are missing. What came is kept, nothing was ended, and "
        "the next run reads it again",
    )
