"""The ERP's face: OData v4 services with S/4HANA's names below `/sap/opu/odata4/sap/`, as much as reading needs.

https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html
"""

import base64
import binascii
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa

from local.simulators import edmx, odata
from local.simulators.filters import TABLES, bad_request
from local.simulators.instants import clock_text
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.odata import Expand, Options
from local.simulators.schema import SOURCES, Entity
from local.simulators.store import Row, Store

ROOT = "/sap/opu/odata4/sap/"
_MOST_A_PAGE = 1_000
_JSON = "application/json;odata.metadata=minimal;charset=utf-8"
_KEY = re.compile(r"(?:(\w+)=)?'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Erp:
    """One system and the user that may read it."""

    store: Store
    user: str
    password: str

    def __call__(self, request: Request) -> Response:
        """Answer one request as a gateway would."""
        if not self._authorised(request):
            page = b"<html><head><title>Logon Error Message</title></head><body>Anmeldung fehlgeschlagen</body></html>"
            return Response(401, page, "text/html;charset=utf-8", {"WWW-Authenticate": 'Basic realm="SAP NetWeaver"'})
        try:
            answer = self._route(request)
        except RefusedError as refusal:
            answer = as_json({"error": {"code": refusal.code, "message": refusal.message}}, refusal.status)
        answer.headers["OData-Version"] = "4.0"
        return answer

    def _authorised(self, request: Request) -> bool:
        scheme, _, encoded = request.header("authorization").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, f"{self.user}:{self.password}".encode())

    def _route(self, request: Request) -> Response:
        if request.method != "GET":
            raise RefusedError(405, "/IWBEP/CM_V4_COS/031", f"Method {request.method} is not allowed for this resource")
        service, _, path = request.path.removeprefix(ROOT).partition("/")
        sets = {e.set_name: e for e in SOURCES["erp"] if e.service == service}
        if not request.path.startswith(ROOT) or not sets:
            raise RefusedError(404, "/IWFND/MED/170", f"No service found for {request.path}")
        if path == "$metadata":
            return Response(
                200,
                edmx.metadata(service, tuple(map(request.quirks.seen, sets.values()))),
                "application/xml;charset=utf-8",
            )
        if not path:
            listed = [{"name": name, "kind": "EntitySet", "url": name} for name in sets]
            return as_json({"@odata.context": "$metadata", "value": listed})
        name, bracket, key = unquote(path.removesuffix("/$count")).partition("(")
        if name not in sets:
            raise RefusedError(404, "/IWBEP/CM_V4_COS/021", f"Resource {name!r} not found in service {service}")
        options = odata.parse(sets[name], request.parameters(plus_is_blank=False), request.quirks)
        if bracket:
            return self._single(options, key)
        if path.endswith("/$count"):
            total = self.store.read(*odata.count_sql(options, clock_text(self.store.now)))[0][0]
            return Response(200, str(total).encode(), "text/plain;charset=utf-8")
        return self._page(request, options)

    def _single(self, options: Options, text: str) -> Response:
        key = _read_key(options.entity, text)
        table = TABLES[options.entity.set_name]
        where = sa.and_(*[table.c[name] == value for name, value in key.items()])
        with self.store.lock:
            rows = self.store.read(*odata.page_sql(replace(options, where=where), clock_text(self.store.now), 1))
            if not rows:
                raise RefusedError(404, "/IWBEP/CM_V4_COS/022", f"{options.entity.set_name}({text} does not exist")
            body = self._rendered(options, rows)[0]
        context = f'{{"@odata.context":"$metadata#{options.entity.set_name}/$entity",'
        return Response(200, (context + body[1:]).encode(), _JSON)

    def _page(self, request: Request, options: Options) -> Response:
        wanted, quirks = _wanted_page(request), request.quirks
        left = quirks.result_size(options.top) if options.token is None else options.token["left"]
        size = min(wanted or _MOST_A_PAGE, _MOST_A_PAGE)
        this = quirks.page_size(size if left is None else min(size, left))
        with self.store.lock:
            now = clock_text(self.store.now)
            # One row more than the page tells whether another page follows.
            rows = [] if left == 0 else self.store.read(*odata.page_sql(options, now, this + 1))
            more = len(rows) > this and (left is None or left > this)
            rows = rows[:this]
            records = self._rendered(options, rows)
            counted = options.count or quirks.refuses_beyond_cap
            total = self.store.read(*odata.count_sql(options, now))[0][0] if counted else 0
        if quirks.too_many(total, options.top):
            raise bad_request(f"The query finds more than {quirks.result_cap} entities: restrict it")
        parts = [f'"@odata.context":"$metadata#{options.entity.set_name}"']
        if options.count:
            parts.append(f'"@odata.count":{total}')
        parts.append(f'"value":[{",".join(records)}]')
        if more:
            behind = None if left is None else left - this
            token = odata.write_token(options, rows, behind, offset=quirks.offset_tokens)
            parts.append(f'"@odata.nextLink":{encode_basestring(_next_link(request, options.entity, token))}')
        headers = {"Preference-Applied": f"odata.maxpagesize={size}"} if wanted else {}
        return Response(200, f"{{{','.join(parts)}}}".encode(), _JSON, headers)

    def _rendered(self, options: Options, rows: Sequence[Any]) -> list[str]:
        """Each row as JSON text. Decimals are written as they are stored: a float would not keep them."""
        nested = [(expand, self._children(options.entity, expand, rows)) for expand in options.expand]
        render = _renderer(options.entity, options.select)
        records = []
        for row in rows:
            text = render(row)
            for expand, found in nested:
                items = ",".join(found[tuple(row[name] for name in options.entity.key)])
                text = f'{text[:-1]},"{expand.child.navigation}":[{items}]}}'
            records.append(text)
        return records

    def _children(self, parent: Entity, expand: Expand, rows: Sequence[Any]) -> Mapping[tuple[Any, ...], list[str]]:
        found = defaultdict[tuple[Any, ...], list[str]](list)
        (first,) = parent.key
        keys = [row[first] for row in rows]
        render = _renderer(expand.child, expand.select)
        for row in self.store.read(*odata.children_sql(parent, expand, keys, clock_text(self.store.now))):
            found[(row[first],)].append(render(row))
        return found


_LITERALS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "decimal": str,
}


def _renderer(entity: Entity, select: Sequence[str]) -> Callable[[Any], str]:
    kinds = {field.name: field.kind for field in entity.fields}
    pieces = [(name, f'"{name}":', _LITERALS.get(kinds[name], encode_basestring)) for name in select]

    def render(row: Any) -> str:
        values = [
            f"{label}null" if (value := row[name]) is None else label + literal(value)
            for name, label, literal in pieces
        ]
        return f"{{{','.join(values)}}}"

    return render


def _read_key(entity: Entity, text: str) -> Row:
    parts = _KEY.findall(text.removesuffix(")"))
    rebuilt = ",".join(f"{name}='{value}'" if name else f"'{value}'" for name, value in parts)
    if not text.endswith(")") or rebuilt != text[:-1] or len(parts) != len(entity.key):
        raise bad_request(f"Key predicate ({text} does not fit {entity.set_name}({', '.join(entity.key)})")
    names = [name or entity.key[0] for name, _ in parts]
    if sorted(names) != sorted(entity.key):
        raise bad_request(f"Key predicate ({text} names other properties than {', '.join(entity.key)}")
    return {name: value.replace("''", "'") for name, (_, value) in zip(names, parts, strict=True)}


def _wanted_page(request: Request) -> int | None:
    for preference in request.header("prefer").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip() in ("odata.maxpagesize", "maxpagesize") and value.strip().isdigit() and int(value) > 0:
            return int(value)
    return None


def _next_link(request: Request, entity: Entity, token: str) -> str:
    """The same request from the token on, relative to the service; the token holds what is left of $top."""
    kept = [
        f"{quote(name, safe='$-')}={quote(value, safe='')}"
        for name, value in request.parameters(plus_is_blank=False)
        if name not in ("$skiptoken", "$skip", "$top")
    ]
    return f"{entity.set_name}?{'&'.join([*kept, f'$skiptoken={token}'])}"
