"""The ERP's face: OData v4 services with S/4HANA's names below `/sap/opu/odata4/sap/`, as much as reading needs (the older
one is `odata_v2`).

https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote, unquote

from local.simulators import delta, edmx, odata, odata_v2
from local.simulators.instants import clock_text
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.odata import Options
from local.simulators.odata_rows import MOST_A_PAGE, Rows, read_items, read_page
from local.simulators.schema import SOURCES, Entity
from local.simulators.store import Store

ROOT = "/sap/opu/odata4/sap/"
_JSON = "application/json;odata.metadata=minimal;charset=utf-8"


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
        if request.path.startswith(odata_v2.ROOT):
            return odata_v2.OData2(self.store)(request)
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
            return Response(200, str(request.quirks.counted(total)).encode(), "text/plain;charset=utf-8")
        return self._page(request, options)

    def _single(self, options: Options, text: str) -> Response:
        key = odata.read_key(options.entity, text)
        with self.store.lock:
            only = replace(options, where=odata.of_key(options.entity, key))
            rows = self.store.read(*odata.page_sql(only, clock_text(self.store.now), 1))
            if not rows:
                raise RefusedError(404, "/IWBEP/CM_V4_COS/022", f"{options.entity.set_name}({text} does not exist")
            body = _rendered(options, Rows(rows, read_items(self.store, options, rows)))[0]
        context = f'{{"@odata.context":"$metadata#{options.entity.set_name}/$entity",'
        return Response(200, (context + body[1:]).encode(), _JSON)

    def _page(self, request: Request, options: Options) -> Response:
        wanted = _wanted_page(request)
        size = min(wanted or MOST_A_PAGE, MOST_A_PAGE)
        options = delta.tracked(self.store, request, options)
        found = read_page(self.store, options, request.quirks, size)
        records = _rendered(options, found)
        if found.token is None:
            records += _rendered(options, delta.former(self.store, options))
            records += delta.removed(self.store, options)
        of_changes = "/$delta" if options.tracked is not None and options.tracked[0] is not None else ""
        parts = [f'"@odata.context":"$metadata#{options.entity.set_name}{of_changes}"']
        if found.total is not None:
            parts.append(f'"@odata.count":{found.total}')
        parts.append(f'"value":[{",".join(records)}]')
        if found.token is not None:
            link = _link(request, options.entity, found.token)
            parts.append(f'"@odata.nextLink":{encode_basestring(link)}')
        elif options.tracked is not None:
            link = _link(request, options.entity, f"{delta.OPTION}={options.tracked[1]}")
            parts.append(f'"@odata.deltaLink":{encode_basestring(link)}')
        applied = [f"odata.maxpagesize={size}"] if wanted else []
        applied += ["odata.track-changes"] if options.tracked is not None else []
        headers = {"Preference-Applied": ", ".join(applied)} if applied else {}
        return Response(200, f"{{{','.join(parts)}}}".encode(), _JSON, headers)


def _rendered(options: Options, found: Rows) -> list[str]:
    """Each row as JSON text. Decimals are written as they are stored: a float would not keep them."""
    nested = [
        (expand.child.navigation, _renderer(expand.child, expand.select), items)
        for expand, items in zip(options.expand, found.items, strict=True)
    ]
    render = _renderer(options.entity, options.select)
    records = []
    for row in found.rows:
        text = render(row)
        for navigation, render_item, items in nested:
            below = ",".join(map(render_item, items[tuple(row[name] for name in options.entity.key)]))
            text = f'{text[:-1]},"{navigation}":[{below}]}}'
        records.append(text)
    return records


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


def _wanted_page(request: Request) -> int | None:
    for preference in request.header("prefer").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip() in ("odata.maxpagesize", "maxpagesize") and value.strip().isdigit() and int(value) > 0:
            return int(value)
    return None


def _link(request: Request, entity: Entity, token: str) -> str:
    """The same request from the token on, relative to the service; the token holds what is left of $top."""
    kept = [
        f"{quote(name, safe='$-')}={quote(value, safe='')}"
        for name, value in request.parameters(plus_is_blank=False)
        if name not in ("$skiptoken", "$skip", "$top", delta.OPTION)
    ]
    return f"{entity.set_name}?{'&'.join([*kept, token])}"
