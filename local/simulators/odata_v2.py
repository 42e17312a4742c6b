"""The ERP's older face: the same services as OData v2 below `/sap/opu/odata/sap/`, as SAP Gateway serves them.

https://www.odata.org/documentation/odata-version-2-0/json-format/
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, Final
from urllib.parse import quote, unquote

from local.simulators import edmx_v2, odata
from local.simulators.instants import clock_text, parse_instant
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.odata import Expand, Options
from local.simulators.odata_rows import MOST_A_PAGE, Rows, read_items, read_page
from local.simulators.odata_v2_filter import as_v4
from local.simulators.schema import SOURCES, Entity, children
from local.simulators.store import Store

ROOT: Final = "/sap/opu/odata/sap/"
_KNOWN = {"$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$inlinecount", "$skiptoken", "$format"}
_JSON = "application/json;charset=utf-8"


@dataclass(frozen=True)
class OData2:
    """The services of one system, for a user who is signed in."""

    store: Store

    def __call__(self, request: Request) -> Response:
        """Answer one request as SAP Gateway would."""
        try:
            answer = self._route(request)
        except RefusedError as refusal:
            message = {"lang": "en", "value": refusal.message}
            answer = as_json({"error": {"code": refusal.code, "message": message}}, refusal.status)
        answer.headers["dataserviceversion"] = "2.0"
        return answer

    def _route(self, request: Request) -> Response:
        if request.method != "GET":
            raise RefusedError(405, "/IWFND/CM_MGW/001", f"Method {request.method} is not allowed")
        service, _, path = request.path.removeprefix(ROOT).partition("/")
        sets = {entity.set_name: entity for entity in SOURCES["erp"] if entity.service == service}
        if not sets:
            raise RefusedError(403, "/IWFND/MED/170", f"No service found for {request.path}")
        if path == "$metadata":
            document = edmx_v2.metadata(service, tuple(map(request.quirks.seen, sets.values())))
            return Response(200, document, "application/xml;charset=utf-8")
        given = _given(request)
        if not path.endswith("/$count") and "json" not in given.get("$format", request.header("accept")):
            raise RefusedError(406, "/IWFND/CM_MGW/060", "This service writes JSON alone: ask for $format=json")
        if not path:
            return as_json({"d": {"EntitySets": list(sets)}})
        name, bracket, key = unquote(path.removesuffix("/$count")).partition("(")
        if name not in sets:
            raise RefusedError(404, "/IWFND/CM_MGW/004", f"Resource not found for the segment {name!r}")
        options = _options(sets[name], given, request)
        if bracket:
            return self._single(request, options, key)
        if path.endswith("/$count"):
            total = self.store.read(*odata.count_sql(options, clock_text(self.store.now)))[0][0]
            return Response(200, str(request.quirks.counted(total)).encode(), "text/plain;charset=utf-8")
        return self._page(request, options)

    def _single(self, request: Request, options: Options, text: str) -> Response:
        key = odata.read_key(options.entity, text)
        with self.store.lock:
            only = replace(options, where=odata.of_key(options.entity, key))
            rows = self.store.read(*odata.page_sql(only, clock_text(self.store.now), 1))
            if not rows:
                raise RefusedError(
                    404, "/IWBEP/CM_MGW_RT/020", f"Resource not found for segment {options.entity.type_name}"
                )
            (body,) = _rendered(_base(request), options, Rows(rows, read_items(self.store, options, rows)))
        return Response(200, f'{{"d":{body}}}'.encode(), _JSON)

    def _page(self, request: Request, options: Options) -> Response:
        found = read_page(self.store, options, request.quirks, MOST_A_PAGE)
        parts = [f'"results":[{",".join(_rendered(_base(request), options, found))}]']
        if found.total is not None:
            parts.insert(0, f'"__count":"{found.total}"')
        if found.token is not None:
            parts.append(f'"__next":{encode_basestring(_next_link(request, options.entity, found.token))}')
        return Response(200, f'{{"d":{{{",".join(parts)}}}}}'.encode(), _JSON)


def _given(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.parameters(plus_is_blank=True):
        if name.startswith("$") and name not in _KNOWN:
            raise RefusedError(400, "/IWFND/CM_MGW/003", f"The query option {name} is not part of OData version 2")
        if name in given:
            raise RefusedError(400, "/IWFND/CM_MGW/003", f"Query option {name} is given twice")
        given[name] = value
    return given


def _options(entity: Entity, given: Mapping[str, str], request: Request) -> Options:
    """The options as version 4 says them; version 2 chooses the fields of a navigation by paths in `$select`."""
    selected = [part.strip() for part in given.get("$select", "").split(",") if part.strip()]
    own = [part for part in selected if "/" not in part and part not in _navigations(entity)]
    expand = []
    for name in filter(None, (part.strip() for part in given.get("$expand", "").split(","))):
        if name not in _navigations(entity):
            raise RefusedError(400, "/IWFND/CM_MGW/003", f"$expand: {name!r} is no navigation of {entity.type_name}")
        below = [part.partition("/")[2] for part in selected if part.startswith(f"{name}/")]
        if not selected or below or name in selected:
            expand.append(f"{name}($select={','.join(below)})" if below else name)
    pairs = {name: given[name] for name in ("$orderby", "$top", "$skip", "$skiptoken") if name in given}
    pairs |= {"$select": ",".join(own), "$expand": ",".join(expand), "$count": _inline_count(given)}
    if "$filter" in given:
        pairs["$filter"] = as_v4(given["$filter"])
    return odata.parse(entity, pairs.items(), request.quirks)


def _navigations(entity: Entity) -> set[str]:
    return {str(child.navigation) for child in children(entity)}


def _inline_count(given: Mapping[str, str]) -> str:
    text = given.get("$inlinecount", "none")
    if text not in ("allpages", "none"):
        raise RefusedError(400, "/IWFND/CM_MGW/003", f"$inlinecount takes allpages or none, not {text!r}")
    return "true" if text == "allpages" else "false"


def _rendered(base: str, options: Options, found: Rows) -> list[str]:
    """Each row as JSON text: with its address, its collections below `results` or deferred."""
    render = _renderer(base, options.entity, options.select)
    nested: list[tuple[Expand, Callable[[Any], str], Mapping[Any, list[Any]]]] = [
        (expand, _renderer(base, expand.child, expand.select), items)
        for expand, items in zip(options.expand, found.items, strict=True)
    ]
    expanded = {expand.child.navigation for expand, _, _ in nested}
    everything = set(options.select) >= set(options.entity.columns)
    deferred = sorted(_navigations(options.entity) - expanded) if everything else []
    records = []
    for row in found.rows:
        parts = [render(row)[:-1]]
        for expand, render_item, items in nested:
            below = ",".join(map(render_item, items[tuple(row[name] for name in options.entity.key)]))
            parts.append(f'"{expand.child.navigation}":{{"results":[{below}]}}')
        for name in deferred:
            uri = encode_basestring(f"{_address(base, options.entity, row)}/{name}")
            parts.append(f'"{name}":{{"__deferred":{{"uri":{uri}}}}}')
        records.append(f"{','.join(parts)}}}")
    return records


def _renderer(base: str, entity: Entity, select: Sequence[str]) -> Callable[[Any], str]:
    kinds = {field.name: field.kind for field in entity.fields}
    pieces = [(name, f'"{name}":', _LITERALS.get(kinds[name], encode_basestring)) for name in select]
    kind = f"{entity.service}.{entity.type_name}"

    def render(row: Any) -> str:
        address = encode_basestring(_address(base, entity, row))
        values = [f'"__metadata":{{"id":{address},"uri":{address},"type":"{kind}"}}']
        values += [
            f"{label}null" if (value := row[name]) is None else label + literal(value)
            for name, label, literal in pieces
        ]
        return f"{{{','.join(values)}}}"

    return render


def _address(base: str, entity: Entity, row: Any) -> str:
    quoted = {name: _in_address(entity, name, str(row[name])) for name in entity.key}
    inside = next(iter(quoted.values())) if len(quoted) == 1 else ",".join(f"{n}={v}" for n, v in quoted.items())
    return f"{base}/{entity.set_name}({inside})"


def _in_address(entity: Entity, name: str, value: str) -> str:
    field = entity.field(name)
    if field is not None and field.kind == "date":
        return f"datetime'{value}T00%3A00%3A00'"
    return "'" + quote(value.replace("'", "''"), safe="'") + "'"


def _date(text: str) -> str:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return f'"\\/Date({int(at.timestamp()) * 1000})\\/"'


def _instant(text: str) -> str:
    """Finer digits than milliseconds do not fit into this spelling."""
    at = parse_instant(text)
    milliseconds = int(at.replace(microsecond=0).timestamp()) * 1000 + at.microsecond // 1000
    return f'"\\/Date({milliseconds}+0000)\\/"'


def _time(text: str) -> str:
    return re.sub(r"^(\d\d):(\d\d):(\d\d)$", r'"PT\1H\2M\3S"', text)


_LITERALS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "date": _date,
    "time": _time,
    "instant7": _instant,
}


def _base(request: Request) -> str:
    """The service's root, as absolute as Gateway writes it."""
    service = request.path.removeprefix(ROOT).partition("/")[0]
    return f"http://{request.header('host')}{ROOT}{service}"


def _next_link(request: Request, entity: Entity, token: str) -> str:
    kept = [
        f"{quote(name, safe='$-')}={quote(value, safe='')}"
        for name, value in request.parameters(plus_is_blank=True)
        if name not in ("$skiptoken", "$skip", "$top")
    ]
    return f"{_base(request)}/{entity.set_name}?{'&'.join([*kept, token])}"
