"""Salesforce REST: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import requests

from lake.extract.http import Request
from lake.extract.protocols.dialect import Dialect
from lake.extract.query import Words
from lake.raw.page import Envelope

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.query import Query

FORBIDDEN = 403
QUOTED = ("string",)


def pages(source: SourcePlan, _: Plan, query: Query) -> tuple[Request, ...]:
    """The request for a page: `queryAll` where rows in the recycle bin are wanted."""
    where = f" WHERE {' AND '.join(map(WORDS.write, query.where))}" if query.where else ""
    order = ", ".join(column.field for column in query.order)
    soql = f"SELECT {', '.join(query.select)} FROM {query.path}{where} ORDER BY {order} LIMIT {query.limit}"  # noqa: S608
    options = f"batchSize={min(max(query.limit, 200), 2000)}"
    return (
        Request(
            f"{source.base_path}/{'queryAll' if query.deleted else 'query'}",
            (("q", soql),),
            (("Accept", "application/json"), ("Sforce-Query-Options", options)),
        ),
    )


def link(_source: SourcePlan, _plan: Plan, _query: Query, url: str) -> Request:
    """The request for a `nextRecordsUrl`: its path and query on our base."""
    parts = urlsplit(url)
    return Request(parts.path, tuple(parse_qsl(parts.query)), (("Accept", "application/json"),))


def count(source: SourcePlan, plan: Plan) -> Request:
    """The request for the number of rows outside the recycle bin."""
    where = f" WHERE {plan.filter}" if plan.filter else ""
    return Request(
        f"{source.base_path}/query",
        (("q", f"SELECT COUNT() FROM {plan.path}{where}"),),  # noqa: S608
        (("Accept", "application/json"),),
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
)

DIALECT = Dialect(
    pages=pages, link=link, count=count, read_count=read_count, envelope=envelope, quota_reached=quota_reached
)
