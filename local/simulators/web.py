"""What the two REST sources have in common: conditions on a table's fields as SQL, and rows as their types say."""

# ruff: noqa: S608  names come from the schema; values are bound

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.simulators.instants import clock_text
from local.simulators.quirks import Quirks
from local.simulators.schema import Entity
from local.simulators.store import Row, Store, Value


@dataclass(frozen=True)
class Selection:
    """Rows of a table: which, and in what order (SQL, without the words WHERE and ORDER BY)."""

    entity: Entity
    where: str = ""
    values: tuple[Value, ...] = ()
    order: str = ""


def count(store: Store, selection: Selection, quirks: Quirks) -> int:
    """How many rows there are."""
    where, values = _where(store, selection, quirks)
    return int(store.read(f"SELECT COUNT(*) FROM {selection.entity.set_name}{where}", values)[0][0])


def rows(store: Store, selection: Selection, limit: int, offset: int, quirks: Quirks) -> list[Row]:
    """A page of them."""
    where, values = _where(store, selection, quirks)
    names = ", ".join(field.selected for field in selection.entity.fields)
    order = _order(selection, quirks)
    sql = f"SELECT {names} FROM {selection.entity.set_name}{where} ORDER BY {order} LIMIT ? OFFSET ?"
    return [dict(row) for row in store.read(sql, (*values, limit, offset))]


def children(store: Store, child: Entity, parents: Sequence[str]) -> Mapping[str, list[Row]]:
    """The children of some rows, by their parent's key."""
    found: dict[str, list[Row]] = {}
    places = ", ".join("?" * len(parents))
    names = ", ".join(child.columns)
    sql = f"SELECT {names} FROM {child.set_name} WHERE {child.key[0]} IN ({places}) ORDER BY {', '.join(child.key)}"
    for row in store.read(sql, tuple(parents)):
        found.setdefault(row[child.key[0]], []).append(dict(row))
    return found


def members(document: Any, *path: str) -> Any:
    """What stands at a path of a JSON document, None where nothing does."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _where(store: Store, selection: Selection, quirks: Quirks) -> tuple[str, tuple[Value, ...]]:
    now = clock_text(store.now)
    if quirks.shows_nothing:
        return " WHERE 0", ()
    if quirks.ignores_filter or not selection.where:
        return " WHERE _visible_at <= ?", (now,)
    return f" WHERE _visible_at <= ? AND ({selection.where})", (now, *selection.values)


def _order(selection: Selection, quirks: Quirks) -> str:
    key = selection.entity.key[0]
    if quirks.order == "key":
        return key
    if quirks.order == "reverse":
        return f"{key} DESC"
    return selection.order or key
