"""OData v4 query options as values, and the SQL they come to."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from local.simulators.filters import TABLES, bad_request, column, condition
from local.simulators.messages import RefusedError
from local.simulators.quirks import NO_QUIRKS, Quirks
from local.simulators.schema import Entity, children
from local.simulators.store import Row, Value

_KEY = re.compile(r"(?:(\w+)=)?(?:'((?:[^']|'')*)'|datetime'(\d{4}-\d\d-\d\d)T00:00:00'|(\d{4}-\d\d-\d\d))(?:,|$)")
_KNOWN = {
    "$filter",
    "$orderby",
    "$select",
    "$expand",
    "$top",
    "$skip",
    "$count",
    "$skiptoken",
    "$deltatoken",
    "$format",
}


@dataclass(frozen=True)
class Expand:
    """One navigation that comes along, which of its fields, and which of its rows."""

    child: Entity
    select: tuple[str, ...]
    where: Any = None


@dataclass(frozen=True)
class Options:
    """What a request asks of a set. `token`: where an earlier page ended. `tracked`: see `local.simulators.delta`."""

    entity: Entity
    where: Any
    order: tuple[tuple[str, bool], ...]
    select: tuple[str, ...]
    expand: tuple[Expand, ...]
    top: int | None
    skip: int
    count: bool
    token: dict[str, Any] | None
    tracked: tuple[int | None, int] | None = None

    @property
    def by_key(self) -> bool:
        """Whether rows come in key order: then a page goes on after a key, and no change can move it."""
        return self.order[0] == (self.entity.key[0], False)


def parse(entity: Entity, pairs: Iterable[tuple[str, str]], quirks: Quirks = NO_QUIRKS) -> Options:
    """Read the options of one request, as this source takes them. Refused with 400 or 501."""
    entity = quirks.seen(entity)
    given: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("$") and name not in _KNOWN:
            raise RefusedError(
                501, "/IWBEP/CM_V4_COS/014", f"System query option {name} is not implemented by this service"
            )
        if name in given:
            raise bad_request(f"Query option {name} is given twice")
        given[name] = value
    where = condition(entity, given["$filter"]) if "$filter" in given else None
    return Options(
        entity=entity,
        where=_shown(where, quirks),
        order=_taken(entity, _order(entity, given.get("$orderby", "")), quirks),
        select=_select(entity, given.get("$select", "")),
        expand=_expand(entity, given.get("$expand", ""), quirks),
        top=_natural(given, "$top"),
        skip=_natural(given, "$skip") or 0,
        count=_truth(given.get("$count", "false")),
        token=_read_token(given["$skiptoken"]) if "$skiptoken" in given else None,
    )


def page_sql(options: Options, now: str, rows: int) -> tuple[str, dict[str, Value]]:
    """The statement that reads a page of up to `rows` rows: the selected fields and those that the order needs."""
    table = TABLES[options.entity.set_name]
    names = dict.fromkeys((*options.select, *options.entity.key, *(name for name, _ in options.order)))
    columns = [column(options.entity, name).label(name) for name in names]
    statement = _visible(sa.select(*columns).select_from(table), options, now)
    skip = options.skip
    if options.token is not None:
        if "after" in options.token:
            statement = statement.where(_after(options, options.token["after"]))
            skip = 0
        else:
            skip = int(options.token["skip"])
    for name, descending in options.order:
        value = column(options.entity, name)
        statement = statement.order_by(value.desc() if descending else value.asc())
    return _compiled(statement.limit(rows).offset(skip))


def children_sql(parent: Entity, expand: Expand, keys: Sequence[Value], now: str) -> tuple[str, dict[str, Value]]:
    """The statement that reads a navigation's rows below parents of these keys (of one field), in key order."""
    child, (first,) = expand.child, parent.key
    table = TABLES[child.set_name]
    names = dict.fromkeys((*expand.select, *child.key))
    statement = sa.select(*[column(child, name).label(name) for name in names]).select_from(table)
    statement = statement.where(table.c[first].in_(keys), table.c["_visible_at"] <= now)
    if expand.where is not None:
        statement = statement.where(expand.where)
    return _compiled(statement.order_by(*[table.c[name] for name in child.key]))


def count_sql(options: Options, now: str) -> tuple[str, dict[str, Value]]:
    """The statement that counts what the filter leaves."""
    table = TABLES[options.entity.set_name]
    return _compiled(_visible(sa.select(sa.func.count()).select_from(table), options, now))


def next_option(options: Options, rows: Sequence[Any], left: int | None, quirks: Quirks) -> str:
    """The query option that leads to the next page: a count of rows that everybody sees, where the source makes such links
    (only of whole results, and not from a page without rows), else a token."""
    form = quirks.offset_tokens
    if form in ("skip", "skiptoken") and rows and left is None and options.tracked is None:
        before = options.token or {}
        return f"${form}={before.get('skip', options.skip) + len(rows)}"
    return f"$skiptoken={write_token(options, rows, left, offset=bool(form))}"


def write_token(options: Options, rows: Sequence[Any], left: int | None, *, offset: bool = False) -> str:
    """Where the next page begins: behind the last row's key in key order, else (or with `offset`) so many rows on.

    A page without rows leads to where it began itself, by another token.
    """
    before = options.token or {}
    if rows and options.by_key and not offset:
        token: dict[str, Any] = {"after": [rows[-1][name] for name in options.entity.key]}
    elif not rows and "after" in before:
        token = {"after": before["after"]}
    else:
        token = {"skip": before.get("skip", options.skip) + len(rows)}
    token["page"] = before.get("page", 0) + 1
    if options.tracked is not None:
        token["tracked"] = options.tracked
    text = json.dumps(token | {"left": left}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(entity: Entity, text: str) -> Row:
    """The key in a predicate without its opening parenthesis: `'4711')` or `A='1',B=2026-11-15)`. Refused with 400."""
    inside = text.removesuffix(")")
    parts = list(_KEY.finditer(inside))
    whole = "".join(part[0] for part in parts) == inside and not inside.endswith(",")
    if not text.endswith(")") or not whole or len(parts) != len(entity.key):
        raise bad_request(f"Key predicate ({text} does not fit {entity.set_name}({', '.join(entity.key)})")
    names = [part[1] or entity.key[0] for part in parts]
    if sorted(names) != sorted(entity.key):
        raise bad_request(f"Key predicate ({text} names other properties than {', '.join(entity.key)}")
    values = ((part[2] or "").replace("''", "'") or part[3] or part[4] or "" for part in parts)
    return dict(zip(names, values, strict=True))


def of_key(entity: Entity, key: Row) -> Any:
    """The condition that finds the row of a key."""
    table = TABLES[entity.set_name]
    return sa.and_(*[table.c[name] == value for name, value in key.items()])


def _read_token(text: str) -> dict[str, Any]:
    if text.isdecimal():
        return {"skip": int(text), "left": None}
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as problem:
        raise bad_request("$skiptoken is invalid") from problem
    if not isinstance(token, dict) or not token.keys() & {"after", "skip"}:
        raise bad_request("$skiptoken is invalid")
    return token


def _visible(statement: Any, options: Options, now: str) -> Any:
    statement = statement.where(TABLES[options.entity.set_name].c["_visible_at"] <= now)
    return statement if options.where is None else statement.where(options.where)


def _after(options: Options, key: list[Value]) -> Any:
    """Rows behind `key`, part by part: a > k1 or (a = k1 and b > k2) ..."""
    table = TABLES[options.entity.set_name]
    ways: list[Any] = []
    equal: list[Any] = []
    for name, value in zip(options.entity.key, key, strict=True):
        ways.append(sa.and_(*equal, table.c[name] > value))
        equal.append(table.c[name] == value)
    return sa.or_(*ways)


def _compiled(statement: Any) -> tuple[str, dict[str, Value]]:
    compiled = statement.compile(
        dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"render_postcompile": True}
    )
    return str(compiled), dict(compiled.params)


def _order(entity: Entity, text: str) -> tuple[tuple[str, bool], ...]:
    """Fields and whether each descends; the key behind them, so that the order is total."""
    order: list[tuple[str, bool]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match part.split():
            case [name]:
                order.append((_known(entity, name, "$orderby"), False))
            case [name, "asc" | "desc" as direction]:
                order.append((_known(entity, name, "$orderby"), direction == "desc"))
            case _:
                raise bad_request(f"$orderby: {part!r} is not a property with asc or desc")
    named = {name for name, _ in order}
    return (*order, *((name, False) for name in entity.key if name not in named))


def _taken(entity: Entity, asked: tuple[tuple[str, bool], ...], quirks: Quirks) -> tuple[tuple[str, bool], ...]:
    """The order that rows come in."""
    if quirks.order == "key":
        return tuple((name, False) for name in entity.key)
    if quirks.order == "reverse":
        return tuple((name, not descending) for name, descending in asked)
    return asked


def _shown(where: Any, quirks: Quirks) -> Any:
    """Which rows come."""
    if quirks.shows_nothing:
        return sa.false()
    return None if quirks.ignores_filter else where


def _select(entity: Entity, text: str) -> tuple[str, ...]:
    names = [part.strip() for part in text.split(",")] if text.strip() else []
    if not names or names == ["*"]:
        return entity.columns
    return tuple(dict.fromkeys(_known(entity, name, "$select") for name in names))


def _expand(entity: Entity, text: str, quirks: Quirks) -> tuple[Expand, ...]:
    found: list[Expand] = []
    for part in _outside_parentheses(text, ","):
        name, bracket, inner = part.partition("(")
        child = next((quirks.seen(c) for c in children(entity) if c.navigation == name.strip()), None)
        if child is None:
            raise bad_request(f"$expand: navigation property {name.strip()!r} not found in {entity.type_name}")
        if bracket and not inner.endswith(")"):
            raise bad_request(f"$expand: parenthesis missing in {part!r}")
        found.append(_nested(child, inner[:-1]))
    return tuple(found)


def _nested(child: Entity, text: str) -> Expand:
    given = {"$select": "", "$filter": ""}
    for option in _outside_parentheses(text, ";"):
        name, _, value = option.partition("=")
        if name.strip() not in given:
            raise RefusedError(
                501, "/IWBEP/CM_V4_COS/014", f"$expand: {name.strip()} within it is not implemented here"
            )
        given[name.strip()] = value
    where = condition(child, given["$filter"]) if given["$filter"] else None
    return Expand(child, _select(child, given["$select"]), where)


def _outside_parentheses(text: str, separator: str) -> list[str]:
    """The parts between separators that stand neither in parentheses nor in a text."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == "'"
        depth += 0 if quoted else {"(": 1, ")": -1}.get(letter, 0)
        if letter == separator and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _known(entity: Entity, name: str, option: str) -> str:
    if entity.field(name) is None:
        raise bad_request(f"{option}: property {name!r} not found in type {entity.type_name}")
    return name


def _natural(given: dict[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not given[name].isdigit():
        raise bad_request(f"{name} takes a number that is not negative, not {given[name]!r}")
    return int(given[name])


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_request(f"$count takes true or false, not {text!r}")
    return text == "true"
