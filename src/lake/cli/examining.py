"""`lake source check`: what a source can do, seen by asking it; nothing is written anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lake.cli.errors import OperatorError
from lake.cli.examined import DAY, Entity
from lake.cli.examining_deletes import look_at_deletes
from lake.cli.examining_pages import look_at_count, look_at_pages, look_at_paging
from lake.cli.findings import Finding, answer_of
from lake.cli.pictures import duration
from lake.cli.sources import Address, Folder, Met, meet
from lake.extract.drift import drift
from lake.extract.errors import ExtractError, Paused, SourceAuthError
from lake.extract.passes import window_passes
from lake.extract.window import Window
from lake.run.remedy import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from lake.cli.answer import Answer
    from lake.contract.plan import Plan

SKEW = timedelta(seconds=30)

type Look = Callable[[Entity], Iterator[Finding]]


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
        heard = met.ask_count(plans[0])
        source_now = met.clock(plans[0], heard)
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
    passes = window_passes(entity.plan, entity.all_time) if entity.plan.cursor.kind != "none" else ()
    for reading in passes[1:]:
        rows = sum(page.batch.num_rows for page in entity.pages(reading, 1))
        way = "by their stand-in" if reading.name == "stand_in" else "each time"
        yield entity.finding("rows without a stamp", "note", f"{rows:,} on the first page; they are read {way}")


LOOKS: tuple[Look, ...] = (
    look_at_count,
    look_at_types,
    look_at_pages,
    look_at_paging,
    look_at_filter,
    look_at_stampless_rows,
    look_at_deletes,
)
