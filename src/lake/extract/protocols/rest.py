"""Declarative REST: the interpreter of what a contract says of an API (`lake.contract.rest`). No code of a source's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pyarrow as pa
from requests.utils import parse_header_links

from lake.contract.templates import placeholders
from lake.extract.errors import BadRequest, MalformedAnswer
from lake.extract.http import Request
from lake.extract.protocols.dialect import Dialect
from lake.extract.protocols.rest_answers import instant_at, number_at, passing, quota_reached
from lake.extract.protocols.rest_filters import write_filter
from lake.extract.protocols.rest_numbers import NUMBERED, Counted, next_number, no_more
from lake.extract.protocols.rest_templates import MISSING, Literal, as_text, fill
from lake.extract.query import Compare, Verbatim
from lake.raw.envelope import KNOWN_LINKS, Envelope, members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Answer
    from lake.extract.query import Condition, CountQuery, Query
    from lake.raw.page import Page

NO_LINK = "@none"
"""A place where nothing stands."""
NO_PAGINATOR = {"type": "single_page"}
KINDS = {"int64": pa.int64(), "boolean": pa.bool_(), "decimal": pa.decimal128(38, 9)}


def pages(source: SourcePlan, plan: Plan, query: Query) -> tuple[Request, ...]:
    """The request for a page: the first one, where the API leads from page to page."""
    paginator = _rest(plan).get("paginator", {})
    first = {"page": paginator.get("base_page"), "offset": 0, "token": paginator.get("first_token")}
    return (_request(source, plan, _values(plan, query) | first),)


def link(source: SourcePlan, plan: Plan, query: Query, token: str) -> Request:
    """The request for the page that an answer led to; raises MalformedAnswer where it leads elsewhere."""
    paginator = _rest(plan).get("paginator", NO_PAGINATOR)
    values = _values(plan, query)
    if paginator["type"] == "cursor":
        return _request(source, plan, values | {"token": token})
    if paginator["type"] in NUMBERED:
        place = Counted.load(token)
        gone = tuple((status, _empty(plan)) for status in paginator["past_end"])
        return _request(source, plan, values | {"page": place.page, "offset": place.before}, gone)
    return _linked(_request(source, plan, values), plan, token)


def follow(_source: SourcePlan, plan: Plan, token: str | None, answer: Answer, page: Page) -> str | None:
    """The token of the page after one; raises NoProgress where numbered pages contradict themselves.

    With `end: same_token` a page without rows is the last one where it has the token that it was asked for with.
    """
    paginator = _rest(plan).get("paginator", NO_PAGINATOR)
    if paginator["type"] in NUMBERED:
        return next_number(plan, token, answer, page.batch.num_rows)
    if paginator["type"] == "header_link":
        links = parse_header_links(answer.links or "")
        named = next((each["url"] for each in links if "next" in each.get("rel", "").lower().split()), None)
        return named or page.next_link
    sent = token or paginator.get("first_token")
    is_last = paginator.get("end") == "same_token" and not page.batch.num_rows and page.next_link == sent
    return None if is_last or no_more(paginator, answer) else page.next_link


def count(source: SourcePlan, plan: Plan, rows: CountQuery) -> Request:
    """The request for the number of rows; raises BadRequest where it has no words for the conditions."""
    rest = _rest(plan)
    shared = {"headers": rest["headers"], "method": rest["count"]["method"]}
    values: dict[str, Any] = {}
    if "filter" in rest:
        values["filter"] = write_filter(rest["filter"], (*rows.where, *_own_filter(plan)))
    if not _filters(rest["count"]):
        values |= _bounds(plan, rows.where)
    return _request(source, plan, values, rest=rest["count"] | shared)


def counts_changes(_source: SourcePlan, plan: Plan) -> bool:
    """Whether the request for a count holds a bound of the stamp: `{filter}`, or `{low}`."""
    return _holds(_rest(plan)["count"], "filter", "low") and "total_path" in _rest(plan)["count"]


def read_count(_source: SourcePlan, plan: Plan, body: bytes) -> int | None:
    """The number in the answer to a count; None where the API tells none."""
    path = _rest(plan)["count"].get("total_path")
    return None if path is None else number_at(body, path)


def read_clock(_source: SourcePlan, plan: Plan, body: bytes) -> datetime | None:
    """The source's clock in the answer to a count; None where its Date header is all there is. Raises ValueError."""
    spec = _rest(plan)["count"]
    return instant_at(body, spec["clock_path"], spec.get("clock_form")) if "clock_path" in spec else None


def envelope(source: SourcePlan, plan: Plan) -> Envelope:
    """What surrounds the rows."""
    rest = _rest(plan)
    paginator = rest.get("paginator", {})
    beside = {path: KINDS.get(kind, pa.string()) for path, kind in rest.get("beside", {}).items()}
    for name, kind in (("total_path", pa.int64()), ("has_more_path", pa.bool_())):
        if name in paginator:
            beside[paginator[name]] = kind
    return Envelope(
        records=rest["data_selector"],
        next_link=paginator.get("next_url_path") or paginator.get("cursor_path") or NO_LINK,
        beside=beside,
        annotations={name: KINDS.get(kind, pa.string()) for name, kind in rest.get("annotations", {}).items()},
        annotation_mark="\0",
        items=rest.get("items"),
        flatten=tuple(rest.get("flatten", ())),
        wrappers=rest.get("wrappers"),
        error=(source.rest or {}).get("errors", {}).get("path"),
        known_links=() if paginator.get("type") in (*NUMBERED, "cursor") else KNOWN_LINKS,
        more={paginator["has_more_path"]: True} if "has_more_path" in paginator else {},
    )


def counts_pages(_source: SourcePlan, plan: Plan) -> bool:
    """Whether pages are asked for by number or offset."""
    return _rest(plan).get("paginator", {}).get("type") in NUMBERED


def bounds_end(_source: SourcePlan, plan: Plan) -> bool:
    """Whether the request holds an upper bound, and the one for a count too."""
    return all(_holds(part, "filter", "high") for part in (_rest(plan), _rest(plan)["count"]))


def warnings(_source: SourcePlan, plan: Plan) -> tuple[str, ...]:
    """What numbered pages may lose."""
    kind = _rest(plan).get("paginator", {}).get("type")
    if plan.paging != "server" or kind not in NUMBERED:
        return ()
    warning = (
        f"{plan.entity} is paged by {kind}: where rows change while pages are read, others shift, and may be missed or "
        "taken for deleted until the next full refresh"
    )
    return (warning,)


def by_key(_source: SourcePlan, plan: Plan) -> bool:
    """Whether the request holds a filter that has a word for one of several keys."""
    return _filters(_rest(plan)) and bool(_rest(plan)["filter"].keys() & {"one_of", "any"})


def _rest(plan: Plan) -> dict[str, Any]:
    return plan.rest or {}


def _filters(rest: Mapping[str, Any]) -> bool:
    """Whether the request holds `{filter}`; one that doesn't names bounds and key one by one."""
    return _holds(rest, "filter")


def _holds(rest: Mapping[str, Any], *names: str) -> bool:
    """Whether a request holds one of these placeholders."""
    return any(name in names for part in ("params", "json") for name, _ in placeholders(rest.get(part)))


def _own_filter(plan: Plan) -> tuple[Verbatim, ...]:
    return (Verbatim(plan.filter),) if plan.filter else ()


def _values(plan: Plan, query: Query) -> dict[str, Any]:
    """What the placeholders of a query's request stand for."""
    rest = _rest(plan)
    unasked = rest.get("unasked", ())
    values: dict[str, Any] = {
        "page_size": query.limit,
        "fields": [field for field in (*query.select, *(item.field for item in query.expand)) if field not in unasked],
    }
    if "order" in rest:
        columns = [fill(rest["order"]["column"], {"field": column.field}) for column in query.order]
        join = rest["order"].get("join")
        values["order"] = columns if join is None else join.join(map(as_text, columns))
    if _filters(rest):
        return values | {"filter": write_filter(rest["filter"], query.where)}
    return values | _bounds(plan, query.where)


def _bounds(plan: Plan, conditions: Sequence[Condition]) -> dict[str, Literal]:
    """Conditions as the values of `low`, `high` and `after`; raises BadRequest for any other."""
    key = {field.field for field in plan.key_fields}
    said = {}
    for condition in conditions:
        match condition:
            case Compare(field, "ge", value, kind, form) if field not in key:
                said["low"] = Literal(value, kind, form)
            case Compare(field, "lt", value, kind, form) if field not in key:
                said["high"] = Literal(value, kind, form)
            case Compare(field, "gt", value, kind, form) if field in key:
                said["after"] = Literal(value, kind, form)
            case _:
                raise BadRequest(f"{plan.entity}: its API has no word for {condition}: give the contract a rest.filter")
    return said


def _request(
    source: SourcePlan,
    plan: Plan,
    values: Mapping[str, Any],
    instead: tuple[tuple[int, bytes], ...] = (),
    rest: Mapping[str, Any] | None = None,
) -> Request:
    rest = rest or _rest(plan)
    filled = {name: fill(template, values) for name, template in rest["params"].items()}
    headers = {name: fill(template, values) for name, template in rest["headers"].items()}
    body = fill(rest["json"], values) if "json" in rest else None
    return Request(
        path=f"{source.base_path.rstrip('/')}/{rest.get('path', plan.path).lstrip('/')}",
        params=(*source.params.items(), *((n, as_text(value)) for n, value in filled.items() if value is not MISSING)),
        headers=(
            ("Accept", "application/json"),
            *([("Content-Type", "application/json")] if body is not None else []),
            *((name, as_text(value)) for name, value in headers.items() if value is not MISSING),
        ),
        method=rest.get("method", "GET"),
        body=None if body is None else json.dumps({} if body is MISSING else body).encode(),
        instead=instead,
    )


def _linked(asked: Request, plan: Plan, address: str) -> Request:
    """The request again, with the query of an address that an answer gave: its host is not ours to follow, its path must be
    the one that was asked."""
    try:
        parts = urlsplit(urljoin(asked.path, address))
    except ValueError:
        parts = urlsplit("")
    if parts.path != asked.path:
        raise MalformedAnswer(
            f"{plan.entity}: the answer to {asked.path} leads to {parts.path or address}: that is not its next page"
        )
    given = tuple(parse_qsl(parts.query, keep_blank_values=True))
    kept = tuple(item for item in asked.params if item[0] not in dict(given))
    return Request(asked.path, (*kept, *given), asked.headers, asked.method, asked.body)


def _empty(plan: Plan) -> bytes:
    """A page without rows."""
    body: Any = []
    for member in reversed(members(_rest(plan)["data_selector"])):
        body = {member: body}
    return json.dumps(body).encode()


DIALECT = Dialect(
    pages=pages,
    link=link,
    count=count,
    read_count=read_count,
    envelope=envelope,
    quota_reached=quota_reached,
    follow=follow,
    read_clock=read_clock,
    passing=passing,
    by_key=by_key,
    counts_changes=counts_changes,
    counts_pages=counts_pages,
    bounds_end=bounds_end,
    warnings=warnings,
)
