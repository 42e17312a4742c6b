"""OData: the requests of version 4, https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html,
and of version 2, https://www.odata.org/documentation/odata-version-2-0/uri-conventions/. `odata_versions` says what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit

from lake.extract.errors import MalformedAnswer
from lake.extract.http import Request
from lake.extract.protocols.dialect import Delta, Dialect
from lake.extract.protocols.odata_metadata import DESCRIBE
from lake.extract.protocols.odata_versions import version_of

if TYPE_CHECKING:
    import requests

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.query import CountQuery, Query
    from lake.raw.page import Envelope


def pages(source: SourcePlan, _: Plan, query: Query) -> tuple[Request, ...]:
    """The request for a page. Where the server pages, `$top` would end the whole result."""
    version = version_of(source)
    options = [*version.options, *version.columns(query)]
    if query.order and not query.track:
        options.append(("$orderby", ",".join(column.field for column in query.order)))
    if not query.served:
        options.append(("$top", str(query.limit)))
    if query.where:
        options.append(("$filter", " and ".join(map(version.words.write, query.where))))
    path = f"{source.base_path}/{query.path}"
    return (Request(path, (*source.params.items(), *options), _headers(source, query)),)


def link(source: SourcePlan, plan: Plan, query: Query, url: str) -> Request:
    """The request for what an answer named as next: its query, as it was written, on the path that was asked.

    Servers behind a gateway name hosts and prefixes of their own; a link to another entity is refused (MalformedAnswer).
    """
    asked = f"{source.base_path}/{query.path}"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise MalformedAnswer(f"{plan.entity}: {url!r}, where the answer is to go on, is no link") from None
    if not _same_end(parts.path, query.path):
        raise MalformedAnswer(f"{plan.entity}: {query.path} was asked for, its answer goes on with {parts.path}")
    named = {unquote(part.partition("=")[0]) for part in parts.query.split("&")}
    missing = urlencode([item for item in source.params.items() if item[0] not in named], quote_via=quote)
    return Request(f"{asked}?{'&'.join(filter(None, (missing, parts.query)))}", (), _headers(source, query))


def count(source: SourcePlan, plan: Plan, rows: CountQuery) -> Request:
    """The request for the number of rows."""
    conditions = [*map(version_of(source).words.write, rows.where), *([plan.filter] if plan.filter else [])]
    if len(conditions) > 1 and plan.filter:
        conditions[-1] = f"({plan.filter})"
    options = [("$filter", " and ".join(conditions))] if conditions else []
    return Request(
        f"{source.base_path}/{plan.path}/$count", (*source.params.items(), *options), (("Accept", "text/plain"),)
    )


def read_count(_source: SourcePlan, _plan: Plan, body: bytes) -> int:
    """The number in a `$count` answer (a byte order mark may stand before it)."""
    return int(body.decode("utf-8-sig"))


def envelope(source: SourcePlan, _plan: Plan) -> Envelope:
    """What surrounds the rows."""
    return version_of(source).envelope


def quota_reached(_source: SourcePlan, _response: requests.Response) -> bool:
    """OData knows no word for a quota that is used up."""
    return False


def _headers(source: SourcePlan, query: Query) -> tuple[tuple[str, str], ...]:
    """The size of a page is always said: some servers give 20 rows, whatever `$top` asks for."""
    tracked = ("odata.track-changes",) if query.track else ()
    preferences = ",".join((*tracked, f"odata.maxpagesize={query.limit}"))
    return (*version_of(source).headers, ("Prefer", preferences))


def _same_end(path: str, asked: str) -> bool:
    """Whether one path is the end of the other, by whole segments."""
    segments = [unquote(part) for part in path.split("/") if part]
    wanted = [unquote(part) for part in asked.split("/") if part]
    shared = min(len(segments), len(wanted))
    return segments[len(segments) - shared :] == wanted[len(wanted) - shared :]


DIALECT = Dialect(
    pages=pages,
    link=link,
    count=count,
    read_count=read_count,
    envelope=envelope,
    quota_reached=quota_reached,
    describe=DESCRIBE,
    delta=Delta(expired=(410,), refusal="does not support delta"),
)
