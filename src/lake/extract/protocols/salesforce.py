"""Salesforce REST: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

import pyarrow as pa
import requests

from lake.extract.errors import MalformedAnswer
from lake.extract.http import Request, Usage
from lake.extract.protocols.dialect import Dialect
from lake.extract.protocols.salesforce_objects import DESCRIBE, FEED
from lake.extract.query import Words
from lake.raw.page import Envelope

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.query import CountQuery, Query

FORBIDDEN = 403
JSON = (("Accept", "application/json"),)
API_USAGE = re.compile(r"\bapi-usage=(\d{1,12})/(\d{1,12})\b")
MOST_URI = 12_000
"""Of the 16,384 bytes that URI and headers may have together."""
QUOTED = ("string",)


def pages(source: SourcePlan, plan: Plan, query: Query) -> tuple[Request, ...]:
    """The requests for a page: `queryAll` where rows in the recycle bin are wanted.

    A URI holds so many bytes and no more: fields that don't fit into one query come by further ones, each with the key and
    the order's columns beside its share.
    """
    whole = _page(source, query)
    if len(whole.target) <= MOST_URI:
        return (whole,)
    always = dict.fromkeys([*(column.field for column in query.order), *(field.field for field in plan.key_fields)])
    room = MOST_URI - len(_page(source, replace(query, select=tuple(always))).target)
    shares: list[list[str]] = [[]]
    left = room
    for field in query.select:
        if field in always:
            continue
        needed = len(quote(f", {field}"))
        if needed > left and shares[-1]:
            shares.append([])
            left = room
        shares[-1].append(field)
        left -= needed
    return tuple(_page(source, replace(query, select=(*always, *share))) for share in shares)


def _page(source: SourcePlan, query: Query) -> Request:
    where = f" WHERE {' AND '.join(map(WORDS.write, query.where))}" if query.where else ""
    order = ", ".join(column.field for column in query.order)
    soql = f"SELECT {', '.join(query.select)} FROM {query.path}{where} ORDER BY {order} LIMIT {query.limit}"  # noqa: S608
    options = f"batchSize={min(max(query.limit, 200), 2000)}"
    return Request(
        f"{source.base_path}/{'queryAll' if query.deleted else 'query'}",
        (("q", soql),),
        (*JSON, ("Sforce-Query-Options", options)),
    )


def link(_source: SourcePlan, plan: Plan, _query: Query, url: str) -> Request:
    """The request for a `nextRecordsUrl`: its path and query on our base; raises MalformedAnswer.

    A path that does not begin at the root would lengthen the name of the host, and lead credentials elsewhere.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.path.startswith("/"):
        raise MalformedAnswer(f"{plan.entity}: {url!r}, where the answer is to go on, is no link")
    return Request(parts.path, tuple(parse_qsl(parts.query)), JSON)


def count(source: SourcePlan, plan: Plan, rows: CountQuery) -> Request:
    """The request for the number of rows: by `queryAll` where those in the recycle bin count, as in a scan that wants them."""
    conditions = [*map(WORDS.write, rows.where), *([plan.filter] if plan.filter else [])]
    if len(conditions) > 1 and plan.filter:
        conditions[-1] = f"({plan.filter})"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Request(
        f"{source.base_path}/{'queryAll' if rows.deleted else 'query'}",
        (("q", f"SELECT COUNT() FROM {plan.path}{where}"),),  # noqa: S608
        JSON,
    )


def read_count(_source: SourcePlan, _plan: Plan, body: bytes) -> int:
    """The number in the answer to a COUNT() query."""
    answer = json.loads(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("totalSize"), int):
        raise ValueError("the answer to COUNT() holds no totalSize")
    return int(answer["totalSize"])


def envelope(_source: SourcePlan, _plan: Plan) -> Envelope:
    """What surrounds the rows."""
    return ENVELOPE


def quota_reached(_: SourcePlan, response: requests.Response) -> bool:
    """Whether the org's calls of the day are used up (403 REQUEST_LIMIT_EXCEEDED)."""
    if response.status_code != FORBIDDEN:
        return False
    try:
        errors = response.json()
    except requests.JSONDecodeError:
        return False
    return isinstance(errors, list) and any(
        isinstance(error, dict) and error.get("errorCode") == "REQUEST_LIMIT_EXCEEDED" for error in errors
    )


def usage_of(response: requests.Response) -> Usage | None:
    """What `Sforce-Limit-Info: api-usage=17/15000` says: the org's calls of the last 24 hours, and those it may make."""
    match = API_USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    return Usage(int(match[1]), int(match[2])) if match and int(match[2]) else None


def _literal(value: str, kind: str, _: str | None) -> str:
    base = kind.partition("(")[0]
    if base in QUOTED:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if base == "timestamp":
        seconds, _, fraction = value.removesuffix("Z").partition(".")
        return f"{seconds}.{fraction[:3]}Z" if fraction.strip("0") else f"{seconds}Z"
    return value


WORDS = Words({"eq": "=", "gt": ">", "ge": ">=", "lt": "<"}, " AND ", " OR ", _literal)

ENVELOPE = Envelope(
    records="records",
    next_link="nextRecordsUrl",
    beside={"totalSize": pa.int64(), "done": pa.bool_()},
    annotations={"attributes": pa.struct([pa.field("type", pa.string()), pa.field("url", pa.string())])},
    annotation_mark="\0",
    more={"done": False},
)

DIALECT = Dialect(
    pages=pages,
    link=link,
    count=count,
    read_count=read_count,
    envelope=envelope,
    quota_reached=quota_reached,
    usage_of=usage_of,
    describe=DESCRIBE,
    feed=FEED,
)
