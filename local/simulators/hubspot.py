"""HubSpot's face: the CRM API v3, as much of it as reading contacts and companies needs.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/search/post-crm-v3-objects-contacts-search
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.simulators import web
from local.simulators.instants import millis_text, parse_instant
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.schema import COMPANY, CONTACT, Entity, Field
from local.simulators.store import Row, Store, Value
from local.simulators.web import Selection

ROOT = "/crm/v3/objects/"
MOST_RESULTS = 10_000
_MOST_A_SEARCH = 200
_MOST_A_LIST = 100
_MOST_GROUPS = 5
_MOST_FILTERS = 18
_OBJECTS = {entity.set_name: entity for entity in (CONTACT, COMPANY)}
_STAMP = {CONTACT: "lastmodifieddate", COMPANY: "hs_lastmodifieddate"}
_DEFAULT = {
    CONTACT: ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    COMPANY: ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
}
_CORRELATION = "8f2c3c5e-0000-4000-8000-000000000000"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPARED = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}


@dataclass(frozen=True)
class HubSpot:
    """One account, and the private app's token that may read it."""

    store: Store
    token: str

    def __call__(self, request: Request) -> Response:
        """Answer one request as HubSpot would."""
        try:
            self._authorised(request)
            return self._route(request)
        except RefusedError as refusal:
            body = {"status": "error", "message": refusal.message, "correlationId": _CORRELATION}
            return as_json(body | {"category": refusal.code}, refusal.status)

    def _authorised(self, request: Request) -> None:
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise RefusedError(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")

    def _route(self, request: Request) -> Response:
        match request.path.removeprefix(ROOT).strip("/").split("/"):
            case [name] if name in _OBJECTS and request.method == "GET":
                return self._list(_OBJECTS[name], request)
            case [name, "search"] if name in _OBJECTS and request.method == "POST":
                return self._search(_OBJECTS[name], request)
        raise RefusedError(404, "OBJECT_NOT_FOUND", "resource not found")

    def _search(self, entity: Entity, request: Request) -> Response:
        asked = _json(request)
        limit = _number(asked.get("limit", 10), "limit")
        after = _number(asked.get("after") or 0, "after")
        if not 0 < limit <= _MOST_A_SEARCH:
            raise _invalid(f"limit must be between 1 and {_MOST_A_SEARCH}")
        most = request.quirks.result_cap or MOST_RESULTS
        if after + limit > most:
            raise _invalid(f"The maximum number of results is {most}: paging beyond it is not supported")
        seen = request.quirks.seen(entity)
        where, values = _groups(seen, asked.get("filterGroups") or [])
        chosen = Selection(seen, where, values, _sorts(seen, asked.get("sorts") or []))
        size = request.quirks.page_size(limit)
        with self.store.lock:
            total = web.count(self.store, chosen, request.quirks)
            found = web.rows(self.store, chosen, size, after, request.quirks)
        wanted = asked.get("properties") or _DEFAULT[entity]
        answer: dict[str, Any] = {
            "total": request.quirks.counted(total),
            "results": [_record(entity, seen, row, wanted) for row in found],
        }
        if after + len(found) < total:
            answer["paging"] = {"next": {"after": str(after + len(found))}}
        return as_json(answer)

    def _list(self, entity: Entity, request: Request) -> Response:
        """Objects by id; those that were deleted (their last state) with `archived=true`."""
        asked = dict(request.parameters(plus_is_blank=True))
        limit = _number(asked.get("limit", 10), "limit")
        if not 0 < limit <= _MOST_A_LIST:
            raise _invalid(f"limit must be between 1 and {_MOST_A_LIST}")
        after = _number(asked.get("after") or 0, "after")
        wanted = [name for name in asked.get("properties", "").split(",") if name] or list(_DEFAULT[entity])
        seen = request.quirks.seen(entity)
        if asked.get("archived") == "true":
            found = self._archived(entity, after, limit + 1, wanted)
        else:
            number = _numeric(entity.key[0])
            chosen = Selection(seen, f"{number} >= ?", (after,), number)
            rows = web.rows(self.store, chosen, limit + 1, 0, request.quirks)
            found = [_record(entity, seen, row, wanted) for row in rows]
        answer: dict[str, Any] = {"results": found[:limit]}
        if len(found) > limit:
            answer["paging"] = {"next": {"after": found[limit]["id"], "link": f"?after={found[limit]['id']}"}}
        return as_json(answer)

    def _archived(self, entity: Entity, after: int, limit: int, wanted: list[str]) -> list[dict[str, Any]]:
        rows = self.store.read(
            "SELECT d.key, d.at, (SELECT f.document FROM _former f WHERE f.entity = d.entity AND f.key = d.key "
            "ORDER BY f.seq DESC LIMIT 1) AS document FROM _deleted d WHERE d.entity = ?",
            (entity.name,),
        )
        found = []
        for row in rows:
            last = json.loads(row["document"])[entity.name]
            at = millis_text(parse_instant(row["at"]))
            found.append(_record(entity, entity, last, wanted) | {"archived": True, "archivedAt": at})
        found.sort(key=lambda record: int(record["id"]))
        return [record for record in found if int(record["id"]) >= after][:limit]


def _record(entity: Entity, seen: Entity, row: Row, wanted: Any) -> dict[str, Any]:
    always = ("createdate", "hs_object_id", _STAMP[entity])
    properties = {name: _text(row[name]) for name in sorted({*wanted, *always}) if seen.field(name)}
    return {
        "id": row["hs_object_id"],
        "properties": properties,
        "createdAt": row.get("createdate"),
        "updatedAt": row.get(_STAMP[entity]),
        "archived": False,
    }


def _text(value: Value) -> str | None:
    """Values of properties are texts, whatever their type."""
    return None if value is None else str(value)


def _groups(entity: Entity, groups: Any) -> tuple[str, tuple[Value, ...]]:
    """Groups of filters: one group must hold, each of its filters."""
    if not isinstance(groups, list) or len(groups) > _MOST_GROUPS:
        raise _invalid(f"filterGroups takes at most {_MOST_GROUPS} groups")
    filters = [web.members(group, "filters") for group in groups]
    if not all(isinstance(group, list) and group for group in filters):
        raise _invalid("each group of filterGroups must have filters")
    if sum(map(len, filters)) > _MOST_FILTERS:
        raise _invalid(f"a search takes at most {_MOST_FILTERS} filters")
    said = [[_filter(entity, each) for each in group] for group in filters]
    where = " OR ".join(f"({' AND '.join(sql for sql, _ in group)})" for group in said)
    return where, tuple(value for group in said for _, values in group for value in values)


def _filter(entity: Entity, each: Any) -> tuple[str, tuple[Value, ...]]:
    column = entity.field(str(web.members(each, "propertyName")))
    operator = web.members(each, "operator")
    if column is None or operator not in OPERATORS:
        raise _invalid(f"Unknown property or operator in {json.dumps(each)}")
    return OPERATORS[operator](column, each)


def _compare(column: Field, each: Mapping[str, Any]) -> tuple[str, tuple[Value, ...]]:
    return f"{_sql(column)} {_COMPARED[each['operator']]} ?", (_value(column, each.get("value")),)


def _between(column: Field, each: Mapping[str, Any]) -> tuple[str, tuple[Value, ...]]:
    bounds = tuple(_value(column, each.get(name)) for name in ("value", "highValue"))
    return f"{_sql(column)} BETWEEN ? AND ?", bounds


def _in(column: Field, each: Mapping[str, Any]) -> tuple[str, tuple[Value, ...]]:
    values = each.get("values")
    if not isinstance(values, list) or not values:
        raise _invalid("IN needs values")
    return f"{_sql(column)} IN ({', '.join('?' * len(values))})", tuple(_value(column, value) for value in values)


OPERATORS: Mapping[str, Callable[[Field, Mapping[str, Any]], tuple[str, tuple[Value, ...]]]] = {
    **dict.fromkeys(_COMPARED, _compare),
    "BETWEEN": _between,
    "IN": _in,
    "HAS_PROPERTY": lambda column, _: (f"{column.value} IS NOT NULL", ()),
    "NOT_HAS_PROPERTY": lambda column, _: (f"{column.value} IS NULL", ()),
}


def _sql(column: Field) -> str:
    return _numeric(column.value) if column.name == "hs_object_id" or column.kind == "decimal" else column.value


def _numeric(sql: str) -> str:
    return f"CAST({sql} AS INTEGER)"


def _value(column: Field, value: Any) -> Value:
    """A filter's value as the table has it: instants are given as milliseconds since 1970, or in ISO 8601."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _invalid(f"{column.name} is compared with {json.dumps(value)}")
    if column.name == "hs_object_id" or column.kind == "decimal":
        return _number(value, column.name)
    if column.kind != "instant3":
        return str(value)
    text = str(value)
    try:
        at = _EPOCH + int(text) * timedelta(milliseconds=1) if text.isdecimal() else parse_instant(text)
    except (ValueError, OverflowError):
        raise _invalid(f"{value} is no time") from None
    return millis_text(at)


def _sorts(entity: Entity, sorts: Any) -> str:
    """One property at most; by creation where none is named."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise _invalid("Only one sorting rule can be applied to any search")
    if not sorts:
        return f"createdate, {_numeric(entity.key[0])}"
    each = sorts[0]
    column = entity.field(str(web.members(each, "propertyName")))
    direction = {"ASCENDING": "", "DESCENDING": " DESC"}.get(str(web.members(each, "direction") or "ASCENDING"))
    if column is None or direction is None:
        raise _invalid(f"Cannot sort by {json.dumps(each)}")
    return f"{_sql(column)}{direction}"


def _json(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(request.body or b"{}")
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _invalid("Invalid input JSON")
    return asked


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not str(value).removeprefix("-").isdecimal():
        raise _invalid(f"{name} is no number: {value!r}")
    return int(value)


def _invalid(message: str) -> RefusedError:
    return RefusedError(400, "VALIDATION_ERROR", message)
