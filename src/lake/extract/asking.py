"""Asking a source: for its count and clock, for a page (by one request, or several that share its fields); again where a body
makes no sense."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lake.extract.errors import BadRequest, MalformedAnswer, NoProgress
from lake.extract.more import refuse_more
from lake.extract.passes import page_query
from lake.extract.query import EVERY_ROW
from lake.raw.literal import dump, parse
from lake.raw.page import NotAPage, Page, read_page
from lake.raw.schema import UNFIT, UNMAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lake.contract.plan import Plan
    from lake.extract.http import Answer, Request
    from lake.extract.passes import Pass
    from lake.extract.places import Place
    from lake.extract.reading import Reader

MOST_TRIES = 4
"""How often a body that is no page is asked for, and a page whose parts share no row."""


def ask(reader: Reader, plan: Plan, reading: Pass, place: Place) -> tuple[Page, datetime, str | None]:
    """The page at a place, when it was asked for, and what the source says comes next. Raises SourceError or Paused."""
    requests = requests_for(reader, plan, reading, place)
    if len(requests) > 1:
        page, asked_at = _ask_in_parts(reader, plan, reading, requests)
        return page, asked_at, None
    answer, page = _ask_once(reader, plan, requests[0])
    if reading.paging != "server":
        return page, answer.asked_at, page.next_link
    follow = reader.dialect.follow
    link = page.next_link if follow is None else follow(reader.source, plan, place.link, answer, page)
    if link is None:
        refuse_more(reader.source, plan, reader.dialect.envelope(reader.source, plan), place, answer, page)
    return page, answer.asked_at, link


def requests_for(reader: Reader, plan: Plan, reading: Pass, place: Place) -> tuple[Request, ...]:
    """The requests that together bring the page at a place."""
    query = page_query(plan, reading, place.after)
    if place.link is not None:
        return (reader.dialect.link(reader.source, plan, query, place.link),)
    requests = reader.dialect.pages(reader.source, plan, query)
    if len(requests) > 1 and reading.paging == "server":
        raise BadRequest(
            f"{plan.entity}: its fields need {len(requests)} requests a page, and the server's own paging (`paging: server`) "
            "cannot keep them together: page by `keyset` or `key`"
        )
    return requests


def _ask_once(reader: Reader, plan: Plan, request: Request) -> tuple[Answer, Page]:
    """An answer and its page."""
    envelope = reader.dialect.envelope(reader.source, plan)
    return sound(reader, request, lambda answer: (answer, read_page(answer.body, plan, envelope)))


def sound[T](reader: Reader, request: Request, read: Callable[[Answer], T]) -> T:
    """What is read in an answer. A body that makes no sense (a gateway's half answer) is asked for again a few times."""
    for tried in range(1, MOST_TRIES + 1):
        answer = reader.connection.read(request)
        try:
            return read(answer)
        except (NotAPage, ValueError) as error:
            problem = f"{reader.plan.entity}: {reader.connection.url}{request.path}: {error}"
        if tried < MOST_TRIES:
            reader.connection.sleep(min(0.1 * 2**tried, max(0.0, reader.connection.budget.seconds_left())))
    raise MalformedAnswer(f"{problem} ({MOST_TRIES} times)")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a source says before anything is read: how many rows it has (None: it does not tell), and what time it is; our
    clock beside it."""

    count: int | None
    source_now: datetime
    asked_at: datetime


def probe(reader: Reader) -> Probe:
    """The source's count and clock (ours, where it tells none). Raises SourceError or Paused."""
    dialect, source, plan = reader.dialect, reader.source, reader.plan

    def read(answer: Answer) -> Probe:
        try:
            count = dialect.read_count(source, plan, answer.body)
            told = dialect.read_clock(source, plan, answer.body) if dialect.read_clock else None
        except ValueError as error:
            raise ValueError(f"the source's count cannot be read: {error}") from None
        return Probe(count, told or answer.source_now or answer.asked_at, answer.asked_at)

    return sound(reader, dialect.count(source, plan, EVERY_ROW), read)


def _ask_in_parts(reader: Reader, plan: Plan, reading: Pass, requests: Sequence[Request]) -> tuple[Page, datetime]:
    """The rows that several requests tell of alike, and when the first of them was asked for.

    Rows that changed between the requests differ in key or stamp from part to part: the page ends before the first of them,
    and where that leaves nothing it is asked for again. So no row ever has fields of two versions. The end is a page of
    which all parts are empty and name no next one.
    """
    cursor = plan.raw_cursor
    same = {column.raw for column in (*reading.stamp, *reading.key)} | {*cursor.fields, *(cursor.stand_in or ())}
    for _ in range(MOST_TRIES):
        answers = [_ask_once(reader, plan, request) for request in requests]
        parts = [page.batch for _, page in answers]
        alike = min(_alike(one, other, sorted(same)) for one, other in pairwise(parts))
        if alike or not any(page.batch.num_rows or page.next_link for _, page in answers):
            batch = joined([part.slice(0, alike) for part in parts])
            return Page(batch, None, any(page.by_record for _, page in answers)), answers[0][0].asked_at
    raise NoProgress(
        f"{plan.entity}: the {len(requests)} requests for one page had no row in common, {MOST_TRIES} times in a row: rows "
        "change faster than they are read, or the source answers with empty pages"
    )


def _alike(one: pa.RecordBatch, other: pa.RecordBatch, fields: Sequence[str]) -> int:
    """How many rows, from the first on, have the same values in the fields."""
    rows = min(one.num_rows, other.num_rows)
    alike = pa.array([True] * rows, pa.bool_())
    for field in fields:
        left, right = (batch.column(field).slice(0, rows) for batch in (one, other))
        both_null = pc.and_(pc.is_null(left), pc.is_null(right))
        alike = pc.and_(alike, pc.or_(pc.fill_null(pc.equal(left, right), fill_value=False), both_null))
    first = int(pc.index(alike, False).as_py())
    return rows if first < 0 else first


def joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Rows made of parts that hold different fields of them, in the same order."""
    columns = []
    for number, name in enumerate(parts[0].schema.names):
        pieces = [part.column(number) for part in parts]
        if name in (UNFIT, UNMAPPED):
            columns.append(_joined_objects(pieces))
        else:
            columns.append(pc.coalesce(*pieces))
    return pa.RecordBatch.from_arrays(columns, schema=parts[0].schema)


def _joined_objects(pieces: Sequence[pa.Array]) -> pa.Array:
    """JSON objects in text, member by member."""
    if all(piece.null_count == len(piece) for piece in pieces):
        return pieces[0]
    rows = zip(*(piece.to_pylist() for piece in pieces), strict=True)
    return pa.array([_joined_object(texts) for texts in rows], pa.string())


def _joined_object(texts: Sequence[str | None]) -> str | None:
    members = {name: value for text in texts if text is not None for name, value in parse(text.encode()).items()}
    return dump(members) if members else None
