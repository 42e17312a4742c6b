"""A field service's face: an invented API that counts pages, as many of them do, behind a bearer key.

`/api/v2/work_orders` (`updated_from`, `updated_to` in seconds since 1970, `page`, `per_page`, `sort`) with their parts,
money in typed wrappers, 404 past the last page. `/api/v2/engineers` (`offset`, `limit`), who bear no stamp, 416 past the
last row. `.../count` of each, which also tells the time.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.simulators import web
from local.simulators.instants import clock_text, parse_instant
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.schema import ENGINEER, WORK_ORDER, WORK_ORDER_PART, Entity
from local.simulators.store import Row, Store, Value
from local.simulators.web import Selection

ROOT = "/api/v2/"
_MOST_A_PAGE = 250
_SORTS = {"id": "id", "updated_at": "updated_at, id"}


@dataclass(frozen=True)
class Service:
    """One company's service desk and the key that may read it."""

    store: Store
    key: str

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            self._authorised(request)
            return self._route(request, dict(request.parameters(plus_is_blank=True)))
        except RefusedError as refusal:
            body = {"status": "error", "category": refusal.code, "message": refusal.message}
            return as_json(body, refusal.status)

    def _authorised(self, request: Request) -> None:
        scheme, _, key = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.encode(), self.key.encode()):
            raise RefusedError(401, "unauthorized", "The API key is unknown.")

    def _route(self, request: Request, asked: dict[str, str]) -> Response:
        path = request.path.removeprefix(ROOT) if request.method == "GET" else ""
        match path:
            case "work_orders":
                return self._orders(request, asked)
            case "engineers":
                return self._engineers(request, asked)
            case "work_orders/count" | "engineers/count":
                entity = WORK_ORDER if path.startswith("work_orders") else ENGINEER
                chosen = Selection(entity, *_where(asked)) if entity is WORK_ORDER else Selection(entity)
                total = web.count(self.store, chosen, request.quirks)
                return as_json({"count": request.quirks.counted(total), "time": int(self.store.now.timestamp())})
        raise RefusedError(404, "not_found", f"There is nothing at {request.path}.")

    def _orders(self, request: Request, asked: dict[str, str]) -> Response:
        size = request.quirks.page_size(min(_number(asked, "per_page", 50), _MOST_A_PAGE))
        page = _number(asked, "page", 1)
        seen = request.quirks.seen(WORK_ORDER)
        where, values = _where(asked)
        if asked.get("sort", "id") not in _SORTS:
            raise RefusedError(400, "bad_request", f"sort takes one of {', '.join(_SORTS)}")
        chosen = Selection(seen, where, values, _SORTS[asked.get("sort", "id")])
        with self.store.lock:
            total = web.count(self.store, chosen, request.quirks)
            if page < 1 or (page - 1) * size >= max(total, 1):
                raise RefusedError(404, "page_not_found", f"There is no page {page}.")
            found = web.rows(self.store, chosen, size, (page - 1) * size, request.quirks)
            parts = web.children(self.store, WORK_ORDER_PART, [str(row["id"]) for row in found])
        data = [_order(seen, row, parts.get(str(row["id"]), [])) for row in found]
        return as_json({"data": data, "meta": {"page": page, "per_page": size, "total": total}})

    def _engineers(self, request: Request, asked: dict[str, str]) -> Response:
        size = request.quirks.page_size(min(_number(asked, "limit", 50), _MOST_A_PAGE))
        offset = _number(asked, "offset", 0)
        chosen = Selection(request.quirks.seen(ENGINEER))
        with self.store.lock:
            total = web.count(self.store, chosen, request.quirks)
            if offset and offset >= total:
                raise RefusedError(416, "past_the_end", f"There are {total} rows.")
            found = web.rows(self.store, chosen, size, offset, request.quirks)
        return as_json({"data": found})


def _order(entity: Entity, row: Row, parts: list[Row]) -> dict[str, Any]:
    order: dict[str, Any] = dict(row)
    if entity.field("price"):
        order["price"] = _money(row["price"])
    if order.get("updated_at"):
        order["updated_at"] = int(parse_instant(str(row["updated_at"])).timestamp())
    return order | {"parts": [part | {"line": int(str(part["line"]))} for part in parts]}


def _money(value: Value) -> dict[str, str] | None:
    return None if value is None else {"__class__": "Decimal", "decimal": str(value)}


def _where(asked: dict[str, str]) -> tuple[str, tuple[Value, ...]]:
    conditions, values = [], []
    for name, operator in (("updated_from", ">="), ("updated_to", "<")):
        if name in asked:
            conditions.append(f"updated_at {operator} ?")
            values.append(clock_text(datetime.fromtimestamp(_number(asked, name, 0), UTC)))
    return " AND ".join(conditions), tuple(values)


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdecimal():
        raise RefusedError(400, "bad_request", f"{name} is no number")
    return int(text)
