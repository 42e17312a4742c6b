"""What the engine needs of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.extract.http import no_usage, status_tells

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Answer, Request, Usage
    from lake.extract.query import CountQuery, Query
    from lake.raw.page import Envelope, Page


@dataclass(frozen=True, slots=True)
class SourceField:
    """A field as the source describes it. `type` is the plan's word for it, None where the lake has none; without digits
    where the source does not say how many. `form`: how its values are written, where that is not the protocol's usual way."""

    name: str
    type: str | None
    nullable: bool
    key: bool = False
    description: str = ""
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Describe:
    """How a source describes an entity: `read` gives path → field name → field (raises MalformedAnswer).

    The entity's own path is among them, and those of the collections that hang below it (path → of the children).
    """

    request: Callable[[SourcePlan, Plan], Request]
    read: Callable[[SourcePlan, Plan, bytes], dict[str, dict[str, SourceField]]]


@dataclass(frozen=True, slots=True)
class DeletedPage:
    """Keys that a feed says were deleted, with the source's own stamps as sent; up to when it is complete, and since when
    it knows. `more`: where the rest of the feed lies."""

    keys: tuple[tuple[str, ...], ...]
    deleted_at: tuple[str | None, ...]
    covered_until: datetime
    known_since: datetime | None
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """How a source tells which keys were deleted in an interval; `read` raises MalformedAnswer. `longest_s`: what one
    request may span."""

    request: Callable[[SourcePlan, Plan, datetime, datetime], Request]
    read: Callable[[SourcePlan, Plan, bytes], DeletedPage]
    longest_s: int


@dataclass(frozen=True, slots=True)
class Delta:
    """How a source tracks changes, once a whole reading (`Query.track`) asked it to.

    The last page's `Page.delta_link` is the proof that it does. A delta link that it no longer knows is answered with one of
    the `expired` statuses; `refusal` stands in what it says where an entity cannot be tracked (whatever the status).
    """

    expired: tuple[int, ...]
    refusal: str


def never(_source: SourcePlan, _plan: Plan) -> bool:
    """For protocols whose links alone show what they are made of."""
    return False


def always(_source: SourcePlan, _plan: Plan) -> bool:
    """For protocols that can ask for rows by their keys, and count by conditions, whatever the contract."""
    return True


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol as functions of values.

    `pages` makes the requests that together bring one page: several where not all fields fit into one query; each then
    brings key and stamp with its share of the fields. `link` makes the request for what an answer said comes next, on the
    configured base whatever host it names. `count` asks how many rows the source has, which also shows its clock;
    `counts_changes`: it can be asked so of the rows that changed since an instant. `counts_pages`: the contract itself says
    that the server's pages are counted. `bounds_end`: a query says where a window ends. `read_count` reads the answer (None:
    it tells no number; raises ValueError), `read_clock` the clock, where it does not stand in the Date header (raises
    ValueError). `follow` gives the token (for `link`) of the page after one, from the token of the page that was read (None:
    the first), its answer and its rows; without it the page's own next link is the token. `passing`: an answer is an error
    worth another try though its status does not say so. `by_key`: rows can be asked for by their keys. `warnings` say what
    the plan's way of reading may lose. What a protocol cannot say is None.
    """

    pages: Callable[[SourcePlan, Plan, Query], tuple[Request, ...]]
    link: Callable[[SourcePlan, Plan, Query, str], Request]
    count: Callable[[SourcePlan, Plan, CountQuery], Request]
    read_count: Callable[[SourcePlan, Plan, bytes], int | None]
    envelope: Callable[[SourcePlan, Plan], Envelope]
    quota_reached: Callable[[SourcePlan, requests.Response], bool]
    usage_of: Callable[[requests.Response], Usage | None] = no_usage
    describe: Describe | None = None
    feed: Feed | None = None
    delta: Delta | None = None
    follow: Callable[[SourcePlan, Plan, str | None, Answer, Page], str | None] | None = None
    read_clock: Callable[[SourcePlan, Plan, bytes], datetime | None] | None = None
    passing: Callable[[SourcePlan, requests.Response], bool] = status_tells
    by_key: Callable[[SourcePlan, Plan], bool] = always
    counts_changes: Callable[[SourcePlan, Plan], bool] = always
    counts_pages: Callable[[SourcePlan, Plan], bool] = never
    bounds_end: Callable[[SourcePlan, Plan], bool] = always
    warnings: Callable[[SourcePlan, Plan], tuple[str, ...]] | None = None
