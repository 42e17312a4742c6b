"""OData v4: https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa

from lake.extract.http import Request
from lake.extract.protocols.dialect import Dialect
from lake.extract.query import Words
from lake.raw.page import Envelope

if TYPE_CHECKING:
    import requests

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.query import Query

HEADERS = (("Accept", "application/json"),)
QUOTED = ("string",)


def pages(source: SourcePlan, _: Plan, query: Query) -> tuple[Request, ...]:
    """The request for a page."""
    options = [
        ("$select", ",".join(query.select)),
        ("$orderby", ",".join(column.field for column in query.order)),
        ("$top", str(query.limit)),
    ]
    if query.expand:
        expanded = (f"{item.field}($select={','.join(item.select)})" for item in query.expand)
        options.append(("$expand", ",".join(expanded)))
    if query.where:
        options.append(("$filter", " and ".join(map(WORDS.write, query.where))))
    return (Request(f"{source.base_path}/{query.path}", (*source.params.items(), *options), HEADERS),)


def link(source: SourcePlan, _plan: Plan, _query: Query, url: str) -> Request:
    """The request for a next link: its path and query on our base; relative ones count from the service's root."""
    parts = urlsplit(url)
    path = parts.path if parts.path.startswith("/") else f"{source.base_path}/{parts.path}"
    asked = tuple(parse_qsl(parts.query, keep_blank_values=True))
    missing = tuple(item for item in source.params.items() if item[0] not in dict(asked))
    return Request(path, (*missing, *asked), HEADERS)


def count(source: SourcePlan, plan: Plan) -> Request:
    """The request for the number of rows."""
    options = [("$filter", plan.filter)] if plan.filter else []
    return Request(
        f"{source.base_path}/{plan.path}/$count", (*source.params.items(), *options), (("Accept", "text/plain"),)
    )


def read_count(_source: SourcePlan, _plan: Plan, body: bytes) -> int:
    """The number in a `$count` answer (a byte order mark may stand before it)."""
    return int(body.decode("utf-8-sig"))


def _literal(value: str, kind: str, _: str | None) -> str:
    return "'" + value.replace("'", "''") + "'" if kind.partition("(")[0] in QUOTED else value


def envelope(_source: SourcePlan, _plan: Plan) -> Envelope:
    """What surrounds the rows."""
    return ENVELOPE


def quota_reached(_source: SourcePlan, _response: requests.Response) -> bool:
    """OData knows no word for a quota that is used up."""
    return False


WORDS = Words({"eq": "eq", "gt": "gt", "ge": "ge", "lt": "lt"}, " and ", " or ", _literal)

ENVELOPE = Envelope(
    records="value",
    next_link="@odata.nextLink",
    beside={"@odata.context": pa.string(), "@odata.metadataEtag": pa.string(), "@odata.count": pa.int64()},
    annotations={"@odata.etag": pa.string()},
    annotation_mark="@odata.",
)

DIALECT = Dialect(
    pages=pages, link=link, count=count, read_count=read_count, envelope=envelope, quota_reached=quota_reached
)
