"""`lake source check`: what a source can do, seen by asking it; nothing is written anywhere."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from lake.cli.errors import OperatorError
from lake.cli.findings import Finding, Verdict, answer_of
from lake.cli.pictures import duration
from lake.cli.sources import Address, Folder, Met, meet
from lake.extract.counting import count_rows
from lake.extract.drift import drift
from lake.extract.errors import ExtractError, MalformedAnswer, Paused, SourceAuthError
from lake.extract.passes import key_pass, refresh_pass, window_passes
from lake.extract.query import EVERY_ROW
from lake.extract.window import Window
from lake.raw.schema import UNFIT, UNMAPPED
from lake.run.remedy import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from lake.cli.answer import Answer
    from lake.contract.plan import Plan
    from lake.extract.http import Answer as Heard
    from lake.extract.passes import Pass
    from lake.extract.reading import ReadPage

SKEW = timedelta(seconds=30)
DAY = timedelta(days=1)
PAGES = 3
NAMED = 8
"""Undeclared or unfit fields that are named one by one."""

type Look = Callable[[Entity], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of a source, and the source's clock."""

    met: Met
    plan: Plan
    source_now: datetime

    def finding(self, what: str, verdict: Verdict, said: str, remedy: str | None = None) -> Finding:
        """A finding about this entity."""
        return Finding(f"{self.plan.entity}: {what}", verdict, said, remedy)

    def pages(self, reading: Pass, most: int = PAGES) -> list[ReadPage]:
        """The first pages of a pass, each checked as extraction checks it."""
        pages = self.met.reader(self.plan).pages(reading, None)
        try:
            return list(islice(pages, most))
        finally:
            pages.close()


def examine(folder: Path, entities: list[str], address: Address) -> Answer:
    """All findings about a source: its login and clock, and each entity of its contracts (or those that are named)."""
    contracts = Folder.read(folder)
    unknown = sorted(set(entities) - set(contracts.plans))
    if unknown:
        raise OperatorError(
            f"{folder} has no contract of {', '.join(unknown)}.", f"There are {', '.join(sorted(contracts.plans))}."
        )
    plans = [plan for name, plan in sorted(contracts.plans.items()) if not entities or name in entities]
    if not plans:
        raise OperatorError(f"{folder} holds no contract yet.", "Draft one: `lake contract draft --help`.")
    return answer_of(list(_findings(meet(contracts.source, address), plans)))


def _findings(met: Met, plans: list[Plan]) -> Iterator[Finding]:
    try:
        heard = met.connection.read(met.dialect.count(met.source, plans[0], EVERY_ROW))
        source_now = _told(met, plans[0], heard)
    except SourceAuthError as error:
        yield Finding("login", "fail", str(error), REMEDIES.get(type(error).__name__))
        return
    except (ExtractError, Paused) as error:
        yield Finding("connection", "fail", str(error), REMEDIES.get(type(error).__name__))
        return
    yield Finding("login", "ok", f"{met.connection.url} answers; {met.source.auth} is accepted")
    yield _clock(source_now, heard.asked_at)
    if met.connection.usage is not None:
        usage = met.connection.usage
        yield Finding("quota", "note", f"{usage.used:,} of {usage.allowed:,} calls are used, says the source")
    for plan in plans:
        entity = Entity(met, plan, source_now or heard.asked_at)
        for look in LOOKS:
            try:
                yield from look(entity)
            except (ExtractError, Paused) as error:
                what = look.__name__.removeprefix("look_at_").replace("_", " ")
                yield entity.finding(what, "fail", str(error), REMEDIES.get(type(error).__name__))


def _told(met: Met, plan: Plan, heard: Heard) -> datetime | None:
    """The source's clock, from the answer itself or from its Date header."""
    try:
        told = met.dialect.read_clock(met.source, plan, heard.body) if met.dialect.read_clock else None
    except ValueError as error:
        raise MalformedAnswer(f"{plan.entity}: the source's clock cannot be read: {error}") from None
    return told or heard.source_now


def _clock(source_now: datetime | None, now: datetime) -> Finding:
    if source_now is None:
        return Finding(
            "clock",
            "warn",
            "the source does not send its clock: windows end by our own",
            "Give the source a `settle_lag` longer than its clock may be behind.",
        )
    skew = source_now - now
    if abs(skew) > SKEW:
        way = "ahead of" if skew > timedelta(0) else "behind"
        return Finding("clock", "note", f"{duration(abs(skew))} {way} ours; windows end by the earlier of both")
    return Finding("clock", "ok", "the source's clock and ours agree")


def look_at_count(entity: Entity) -> Iterator[Finding]:
    """How many rows there are; an empty answer is no proof of an empty source."""
    count = count_rows(entity.met.reader(entity.plan))
    if count is None:
        yield entity.finding("count", "note", "the source does not tell how many rows there are")
    elif count:
        yield entity.finding("count", "ok", f"{count:,} rows")
    else:
        yield entity.finding(
            "count",
            "warn",
            "no rows",
            "Is that so? A missing permission or another company looks the same: compare with the source.",
        )


def look_at_types(entity: Entity) -> Iterator[Finding]:
    """What the source says of its fields against the contract."""
    met, describe = entity.met, entity.met.dialect.describe
    if describe is None:
        yield entity.finding("types", "note", f"{met.source.protocol} does not describe itself; rows alone tell")
        return
    answer = met.connection.read(describe.request(met.source, entity.plan))
    found = drift(entity.plan, describe.read(met.source, entity.plan, answer.body))
    for sentence in found:
        yield entity.finding("types", "fail", sentence, "Correct the contract, or have the source put right.")
    if not found:
        yield entity.finding("types", "ok", f"{len(entity.plan.fields)} fields are as the contract says")


def look_at_pages(entity: Entity) -> Iterator[Finding]:
    """Paging, order and uniqueness, as extraction checks them; how long a page takes, and what does not fit its types."""
    began = time.monotonic()
    reading = _first_pass(entity)
    pages = entity.pages(reading)
    took = (time.monotonic() - began) / max(1, len(pages))
    sizes = [page.batch.num_rows for page in pages]
    rows = sum(sizes)
    if not rows:
        yield entity.finding("pages", "warn", "no row came", "Nothing more can be seen before there are rows.")
        return
    yield entity.finding(
        "pages",
        "ok",
        f"{rows:,} rows on {len(sizes)} page{'' if len(sizes) == 1 else 's'}, paged by {reading.paging}; order and keys "
        f"hold, {took * 1000:.0f} ms a page",
    )
    if len(sizes) > 1 and sizes[0] < entity.plan.page_size:
        yield entity.finding(
            "page size",
            "note",
            f"{entity.plan.page_size:,} rows a page were asked for, {statistics.mode(sizes):,} come",
            f"`page_size: {max(sizes)}` in the contract says so; nothing is lost as it is.",
        )
    yield from _misfits(entity, pages)


def _misfits(entity: Entity, pages: list[ReadPage]) -> Iterator[Finding]:
    unfit, undeclared = Counter[str](), Counter[str]()
    for page in pages:
        for column, counter in ((UNFIT, unfit), (UNMAPPED, undeclared)):
            for text in page.batch.column(column).drop_null().to_pylist():
                counter.update(set(json.loads(text)))
    if unfit:
        yield entity.finding(
            "values",
            "fail",
            f"some do not fit their types: {_named(unfit)}",
            "Correct the types in the contract: rows with such values go to quarantine.",
        )
    if undeclared:
        yield entity.finding("values", "note", f"come though nobody asked for them: {_named(undeclared)}")


def _named(found: Counter[str]) -> str:
    named = ", ".join(f"{name} ({count:,} rows)" for name, count in found.most_common(NAMED))
    return named + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")


def look_at_paging(entity: Entity) -> Iterator[Finding]:
    """What the way of paging may lose."""
    met = entity.met
    for sentence in met.dialect.warnings(met.source, entity.plan) if met.dialect.warnings else ():
        yield entity.finding(
            "paging", "warn", sentence, "Page by `mode: key` or `keyset` where the API can; else refresh often."
        )


def look_at_filter(entity: Entity) -> Iterator[Finding]:
    """Whether bounds are honoured: a window of tomorrow must be empty, one from the middle on must begin there."""
    if entity.plan.cursor.kind == "none":
        yield entity.finding("filter", "note", "no cursor: the entity is read whole each time")
        return
    tomorrow = Window(entity.source_now + 2 * DAY, entity.source_now + 3 * DAY)
    if any(page.batch.num_rows for page in entity.pages(window_passes(entity.plan, tomorrow)[0], 1)):
        yield entity.finding(
            "filter",
            "fail",
            "rows came for a window that lies in the future: the source does not apply the filter",
            REMEDIES["FilterIgnored"],
        )
        return
    yield entity.finding("filter", "ok", "bounds are applied")


def look_at_stampless_rows(entity: Entity) -> Iterator[Finding]:
    """Rows that no window would bring."""
    passes = window_passes(entity.plan, _all_time(entity)) if entity.plan.cursor.kind != "none" else ()
    for reading in passes[1:]:
        rows = sum(page.batch.num_rows for page in entity.pages(reading, 1))
        way = "by their stand-in" if reading.name == "stand_in" else "each time"
        yield entity.finding("rows without a stamp", "note", f"{rows:,} on the first page; they are read {way}")


def look_at_deletes(entity: Entity) -> Iterator[Finding]:
    """Each declared way in which deletions are seen."""
    for deletes in entity.plan.deletes:
        yield from DELETES[deletes.strategy](entity)


def _soft_flag(entity: Entity) -> Iterator[Finding]:
    yield entity.finding("deletes", "ok", "come as rows with a flag")


def _feed(entity: Entity) -> Iterator[Finding]:
    met, feed = entity.met, entity.met.dialect.feed
    if feed is None:
        yield entity.finding(
            "deletes", "fail", f"{met.source.protocol} has no feed of deletions", "Declare `key_sweep`."
        )
        return
    request = feed.request(met.source, entity.plan, entity.source_now - DAY, entity.source_now)
    page = feed.read(met.source, entity.plan, met.connection.read(request).body)
    yield entity.finding("deletes", "ok", f"a feed tells of them: {len(page.keys):,} in the last day")


def _delta_link(entity: Entity) -> Iterator[Finding]:
    """Only the last page of a whole reading brings the link: a small entity shows it at once."""
    if entity.met.dialect.delta is None:
        yield entity.finding(
            "deletes", "fail", f"{entity.met.source.protocol} has no delta links", "Declare `key_sweep`."
        )
        return
    pages = entity.pages(refresh_pass(entity.plan, track=True))
    if pages and pages[-1].delta_link is not None:
        yield entity.finding("deletes", "ok", "the source gives a delta link")
    elif len(pages) < PAGES:
        yield entity.finding(
            "deletes", "fail", "the source was asked to track changes and gave no delta link", "Declare `key_sweep`."
        )
    else:
        yield entity.finding("deletes", "note", "whether there is a delta link shows at the end of the first reading")


def _key_sweep(entity: Entity) -> Iterator[Finding]:
    began = time.monotonic()
    rows = sum(page.batch.num_rows for page in entity.pages(key_pass(entity.plan)))
    rate = rows / max(0.001, time.monotonic() - began)
    yield entity.finding("deletes", "ok", f"keys can be swept, {rate:,.0f} a second")


def _none(entity: Entity) -> Iterator[Finding]:
    yield entity.finding(
        "deletes", "note", "are not seen: so the contract says", "docs/limits.md says what that means."
    )


def _all_time(entity: Entity) -> Window:
    return Window(None, entity.source_now + DAY)


def _first_pass(entity: Entity) -> Pass:
    if entity.plan.cursor.kind == "none":
        return refresh_pass(entity.plan, track=False)
    return window_passes(entity.plan, _all_time(entity))[0]


DELETES: dict[str, Look] = {
    "soft_flag": _soft_flag,
    "feed": _feed,
    "delta_link": _delta_link,
    "key_sweep": _key_sweep,
    "none": _none,
}
LOOKS: tuple[Look, ...] = (
    look_at_count,
    look_at_types,
    look_at_pages,
    look_at_paging,
    look_at_filter,
    look_at_stampless_rows,
    look_at_deletes,
)
