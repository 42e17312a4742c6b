"""Reading a pass page by page; the next page is asked for and parsed in a thread while one is worked on."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from lake.extract.asking import ask
from lake.extract.checking import PageCheck
from lake.extract.counted import counts_rows
from lake.extract.errors import NoProgress, SourceRejected
from lake.extract.places import Place, Position, behind
from lake.extract.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    import pyarrow as pa

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Connection
    from lake.extract.passes import Pass
    from lake.extract.protocols import Dialect
    from lake.raw.page import Page

MOST_EMPTY = 1_000
"""Empty pages in a row, each of which names a next one, before a reading is given up."""
LINGER_S = 5.0

logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that passed the checks: its rows, their cursors and keys (`key_text`), and when its query was asked for.

    `asked_at`: when the page itself was asked for, which is later where the server pages and this is not the first one.
    `position` is where reading goes on; None where it goes on at once (no row has all columns of the order: only a next
    link leads on) or not at all. `ahead`: what follows is on its way or is the end, and costs no further request.
    `served`: the server says what comes next; `counted`: by a count of rows or pages. `removed`, `delta_link`, `by_record`: see
    `lake.raw.page`.
    """

    batch: pa.RecordBatch
    cursors: pa.Array
    keys: pa.Array
    observed_at: datetime
    asked_at: datetime
    position: Position | None
    ahead: bool = False
    removed: tuple[tuple[str, ...], ...] = ()
    delta_link: str | None = None
    by_record: bool = False
    served: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A source, as one entity's plan reads it."""

    connection: Connection
    dialect: Dialect
    source: SourcePlan
    plan: Plan

    def pages(self, reading: Pass, position: Position | None) -> Generator[ReadPage]:
        """The pages of a pass after a position; raises SourceError or Paused. Closing it abandons what is on its way.

        The end is an empty page (client keyset) or one that names no next (where the server pages), never a short page.
        """
        walk = Walk(self, reading, position)
        try:
            while (page := walk.take()) is not None:
                yield page
        finally:
            abandon([walk])

    def used_up(self, waiting: int = 0) -> bool:
        """Whether the next page is for the next invocation. `waiting`: requests that may not have been counted yet."""
        return self.connection.budget.used_up(self.connection.requests_made + waiting)

    def plan_of(self, reading: Pass) -> Plan:
        """The plan by which a pass is read: a sweep reads keys alone."""
        plan = replace(self.plan, paging=reading.paging)
        return replace(plan, fields=plan.key_fields, children=()) if reading.name == "keys" else plan


@dataclass(frozen=True, slots=True)
class Got:
    """What was asked for: a page, when its query was asked and when it was itself, and the place behind it (None: it is the
    last). `counted`: see `ReadPage`."""

    page: Page
    observed_at: datetime
    asked_at: datetime
    next: Place | None
    counted: bool = False

    @property
    def says_something(self) -> bool:
        """Whether the page holds anything for the reader."""
        return bool(self.page.batch.num_rows or self.page.removed or self.page.delta_link)


@dataclass
class Walk:
    """One pass on its way: at most one page is asked for ahead."""

    reader: Reader
    reading: Pass
    position: Position | None
    coming: Future[Got] | None = field(default=None, init=False)
    _stopped: Event = field(default_factory=Event, init=False)
    _worker: Worker[Got] = field(default_factory=Worker, init=False)

    def __post_init__(self) -> None:
        self._plan = self.reader.plan_of(self.reading)
        self._check = PageCheck(self._plan, self.reading)
        self._place: Place | None = Place.load(self.position)
        self._resumed = self._place.asked_at is not None
        self._links = {self._place.link}
        self._largest = 0

    def begin(self) -> None:
        """Asks for the next page in a thread, unless that is done or there is none."""
        if self.coming is None and self._place is not None:
            place = self._place
            self.coming = self._worker.begin(lambda: self._next(place))

    def take(self, waiting: int = 0) -> ReadPage | None:
        """The next page, checked, with the request for the one behind it on its way unless the budget is used up.

        None at the end. `waiting`: requests of others that may not have been counted yet.
        """
        self.begin()
        if self.coming is None:
            return None
        got, self.coming = self.coming.result(), None
        if got.next is None and not got.says_something:
            self._place = None
            return None
        before, self._place = self._place or Place(), got.next
        position = None if got.next is None else got.next.dump(self.reading)
        if position is None or not self.reader.used_up(waiting):
            self.begin()
        rows = self._check.page(got.page.batch, before)
        return ReadPage(
            batch=rows.batch,
            cursors=rows.cursors,
            keys=rows.keys,
            observed_at=got.observed_at,
            asked_at=got.asked_at,
            position=position,
            ahead=self.coming is not None or got.next is None,
            removed=got.page.removed,
            delta_link=got.page.delta_link,
            by_record=got.page.by_record,
            served=self.reading.paging == "server",
            counted=got.counted,
        )

    @property
    def over(self) -> bool:
        """Whether all of it has been taken."""
        return self.coming is None and self._place is None

    def stop(self) -> None:
        """Asks for nothing more; what is on its way is not waited for."""
        self._stopped.set()
        self._worker.end()

    def _next(self, place: Place) -> Got:
        """The next page that says anything, or the last one; one that only leads on where the next is for the next invocation."""
        for _ in range(MOST_EMPTY):
            got = self._step(place)
            if got.next is None or got.says_something or self._stopped.is_set():
                return got
            if got.next.dump(self.reading) is not None and self.reader.used_up():
                return got
            place = got.next
        raise NoProgress(f"{self._plan.entity}: the source answered with {MOST_EMPTY} empty pages in a row")

    def _step(self, place: Place) -> Got:
        try:
            with self.reader.connection.budget.timed():
                page, asked_at, link = ask(self.reader, self._plan, self.reading, place)
        except (SourceRejected, NoProgress) as refused:
            # A place that the source does not know any more, or a page of another size than those that were counted before.
            if not self._resumed:
                raise
            logger.warning("the reading cannot go on where it stood: it begins again", reason=str(refused))
            self._resumed = False
            self._links, self._largest = {place.start}, 0
            return self._step(place.beginning)
        self._resumed = False
        counted = place.counted or self._counts(place, link, page.batch.num_rows)
        place = replace(place, counted=counted)
        following = behind(place, page.batch, link, asked_at, self._plan, self.reading, self._largest)
        self._largest = max(self._largest, page.batch.num_rows)
        if following is not None and following.link is not None:
            if following.link in self._links:
                raise NoProgress(f"{self._plan.entity}: the source repeats the next link of a page: {following.link}")
            self._links.add(following.link)
        else:
            self._links.clear()
        return Got(page, place.asked_at or asked_at, asked_at, following, counted)

    def _counts(self, place: Place, link: str | None, rows: int) -> bool:
        """Whether a page is led to, or leads on, by a count. (A delta link's pages are of changes that no longer change.)"""
        if self.reading.paging != "server" or self.reading.name == "delta":
            return False
        by_contract = self.reader.dialect.counts_pages(self.reader.source, self._plan)
        return by_contract or (link is not None and counts_rows(link, place.link, rows))


def abandon(walks: Sequence[Walk]) -> None:
    """Stops walks. Requests on their way are given a moment to end, so that they are counted, where time is left."""
    for walk in walks:
        walk.stop()
    coming = [walk.coming for walk in walks if walk.coming is not None]
    if coming:
        wait(coming, max(0.0, min(LINGER_S, walks[0].reader.connection.budget.seconds_left())))
