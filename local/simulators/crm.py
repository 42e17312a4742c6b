"""The CRM's face: Salesforce's REST API v62.0, as much of it as reading needs.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
"""

import base64
import binascii
import hmac
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from local.simulators import soql
from local.simulators.deleted import deleted
from local.simulators.instants import clock_text
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.quirks import Quirks
from local.simulators.schema import SOURCES, Entity, Field
from local.simulators.store import Store

DATA = "/services/data/v62.0/"
_ENTITIES = {entity.set_name.lower(): entity for entity in SOURCES["crm"]}
_MOST_A_PAGE = 2_000
_FEWEST_A_PAGE = 200
_DAILY_REQUESTS = 15_000
_KEPT_CURSORS = 10
_LONGEST_URI = 16_384
_TYPES = {
    "id": "id",
    "reference": "reference",
    "boolean": "boolean",
    "date": "date",
    "instant": "datetime",
    "string": "string",
}
_NUMBERS = {"Quantity": "double", "Probability": "percent", "Discount": "percent"}
"""What other numbers than money are."""


@dataclass(frozen=True)
class _Cursor:
    """A query that is half read: its records as JSON, and how to ask for them once more."""

    records: list[str]
    ask: Callable[[], list[str]]


@dataclass
class Crm:
    """One organisation: who may read it, who has a token, which queries are half read."""

    store: Store
    client_id: str
    client_secret: str
    _tokens: set[str] = field(default_factory=set)
    _cursors: OrderedDict[str, _Cursor] = field(default_factory=OrderedDict)
    _queries: int = 0
    _day: str = ""
    _requests: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request as Salesforce would."""
        try:
            if len(request.path) + len(request.query) > _LONGEST_URI:
                return Response(414, b"<html><body><h1>URI Too Long</h1></body></html>", "text/html", {})
            if request.path == "/services/oauth2/token":
                return self._token(request)
            self._authorised(request)
            answer = self._data(request)
        except RefusedError as refusal:
            answer = as_json([{"message": refusal.message, "errorCode": refusal.code}], refusal.status)
        allowed = request.quirks.daily_requests or _DAILY_REQUESTS
        answer.headers["Sforce-Limit-Info"] = f"api-usage={self._requests}/{allowed}"
        return answer

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            return _oauth_error("invalid_request", "must use HTTP POST")
        form = dict(Request("POST", "", request.body.decode(), {}, b"").parameters(plus_is_blank=True))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        client, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not hmac.compare_digest(client.encode(), self.client_id.encode()):
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.client_secret.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        token = f"00D5g0000000001!{secrets.token_urlsafe(48)}"
        self._tokens.add(token)
        host = request.header("host") or "localhost"
        issued = int(self.store.now.timestamp() * 1000)
        url = f"http://{host}"
        return as_json(
            {
                "access_token": token,
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "scope": "api",
                "instance_url": url,
                "id": f"{url}/id/00D5g0000000001EAA/0055g0000000001AAA",
                "token_type": "Bearer",
                "issued_at": str(issued),
            }
        )

    def _authorised(self, request: Request) -> None:
        header = request.header("authorization")
        scheme, _, token = header.partition(" ")
        if scheme not in ("Bearer", "OAuth") or token not in self._tokens:
            raise RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        with self._lock:
            today = f"{self.store.now:%Y-%m-%d}"
            self._day, self._requests = today, self._requests + 1 if self._day == today else 1

    def _data(self, request: Request) -> Response:
        if request.method != "GET":
            raise RefusedError(
                405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are GET"
            )
        match request.path.removeprefix(DATA).strip("/").split("/"):
            case ["query" | "queryAll" as name]:
                return self._query(request, deleted_too=name == "queryAll")
            case ["query" | "queryAll", locator]:
                return self._more(locator, request)
            case ["sobjects", name, "describe"]:
                return as_json(_describe(request.quirks.seen(_object(name))))
            case ["sobjects", name, "deleted"]:
                asked = dict(request.parameters(plus_is_blank=True))
                return as_json(deleted(self.store, _object(name), asked.get("start", ""), asked.get("end", "")))
        raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")

    def _query(self, request: Request, *, deleted_too: bool) -> Response:
        statement = dict(request.parameters(plus_is_blank=True)).get("q", "")
        if not statement.strip():
            raise soql.malformed("A query string has to be specified")
        quirks = request.quirks
        query = soql.parse(statement, {name: quirks.seen(entity) for name, entity in _ENTITIES.items()})
        conditions = ["_visible_at <= ?"]
        if not deleted_too and query.entity.field("IsDeleted"):
            conditions.append("IsDeleted = 0")
        if query.where and not quirks.ignores_filter:
            conditions.append(f"({query.where})")
        if quirks.shows_nothing:
            conditions.append("0")
        tail = f"FROM {query.entity.set_name} WHERE {' AND '.join(conditions)}"
        bound = () if quirks.ignores_filter else query.values
        if query.count_only:
            total = self.store.read(f"SELECT COUNT(*) {tail}", (clock_text(self.store.now), *bound))[0][0]
            return as_json({"totalSize": quirks.counted(total), "done": True, "records": []})
        order = _order(query, quirks)
        limit = quirks.result_size(query.limit)

        def ask() -> list[str]:
            values = (clock_text(self.store.now), *bound, -1 if limit is None else limit, query.offset)
            names = ", ".join(each.selected for each in query.entity.fields if each.name in (*query.columns, "Id"))
            rows = self.store.read(f"SELECT {names} {tail}{order} LIMIT ? OFFSET ?", values)
            return [_record(query, row) for row in rows]

        records = ask()
        if quirks.too_many(len(records), None):
            raise RefusedError(400, "OPERATION_TOO_LARGE", "exceeded the maximum number of rows of a query")
        return self._page(self._new_cursor(), _Cursor(records, ask), 0, request)

    def _new_cursor(self) -> str:
        with self._lock:
            self._queries += 1
            return f"01g5g0000{self._queries:06d}AAQ"

    def _more(self, locator: str, request: Request) -> Response:
        name, _, start = locator.rpartition("-")
        with self._lock:
            cursor = self._cursors.get(name)
        if cursor is None or not start.isdigit() or int(start) >= len(cursor.records):
            raise RefusedError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(name, cursor, int(start), request)

    def _page(self, name: str, cursor: _Cursor, start: int, request: Request) -> Response:
        """One page of a result that was read whole when it was asked for, as Salesforce's own cursors hold theirs."""
        quirks = request.quirks
        records = cursor.ask() if quirks.offset_tokens else cursor.records
        end = start + quirks.page_size(min(_page_size(request), max(0, len(records) - start)))
        answer: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records)}
        if not answer["done"]:
            # A page without rows leads to where it began itself, by another cursor.
            name = self._new_cursor() if end == start else name
            answer["nextRecordsUrl"] = f"{DATA}query/{name}-{end}"
            with self._lock:
                self._cursors[name] = cursor
                while len(self._cursors) > _KEPT_CURSORS:
                    self._cursors.popitem(last=False)
        body = f'{_json(answer)[:-1]},"records":[{",".join(records[start:end])}]}}'
        return Response(200, body.encode("utf-8", "surrogatepass"))


def _record(query: soql.Query, row: Any) -> str:
    """A record as JSON. Numbers are written as they are stored: a float would not keep them."""
    name = query.entity.set_name
    attributes = {"type": name, "url": f"{DATA}sobjects/{name}/{row['Id']}"}
    parts = [f'"attributes":{_json(attributes)}']
    for column in query.columns:
        named = query.entity.field(column)
        parts.append(f'"{column}":{_literal(named.kind if named else "string", row[column])}')
    return f"{{{','.join(parts)}}}"


def _literal(kind: str, value: Any) -> str:
    if value is None:
        return "null"
    if kind == "decimal":
        return str(value)
    return _json(bool(value) if kind == "boolean" else value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _order(query: soql.Query, quirks: Quirks) -> str:
    """The clause of the order that rows come in."""
    order = query.order
    if quirks.order == "key":
        order = "Id ASC"
    if quirks.order == "reverse":
        order = re.sub("ASC|DESC", lambda match: {"ASC": "DESC", "DESC": "ASC"}[match[0]], order or "Id ASC")
    return f" ORDER BY {order}" if order else ""


def _page_size(request: Request) -> int:
    for option in request.header("sforce-query-options").split(","):
        name, _, value = option.strip().partition("=")
        if name == "batchSize" and value.isdigit():
            return min(max(int(value), _FEWEST_A_PAGE), _MOST_A_PAGE)
    return _MOST_A_PAGE


def _object(name: str) -> Entity:
    entity = _ENTITIES.get(name.lower())
    if entity is None:
        raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
    return entity


def _describe(entity: Entity) -> dict[str, Any]:
    return {
        "name": entity.set_name,
        "label": entity.set_name,
        "queryable": True,
        "replicateable": True,
        "fields": [_described(each) for each in entity.fields],
    }


def _described(each: Field) -> dict[str, Any]:
    number = each.kind == "decimal"
    return {
        "name": each.name,
        "label": each.name.removesuffix("__c").replace("_", " "),
        "type": _NUMBERS.get(each.name, "currency") if number else _TYPES[each.kind],
        "length": 0 if number else each.size,
        "precision": each.size if number else 0,
        "scale": each.scale,
        "nillable": each.nullable,
        "custom": each.name.endswith("__c"),
        "filterable": True,
        "sortable": True,
    }


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client, secret


def _oauth_error(code: str, description: str) -> Response:
    return as_json({"error": code, "error_description": description}, 400)
