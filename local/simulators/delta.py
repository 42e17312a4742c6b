"""Change tracking of the ERP's OData v4: what a delta link stands for, and what has changed since.

https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingChanges. A link stands for the
documents of its set as they were when the reading began that it closes: what changes during that reading comes with the next.
"""

# ruff: noqa: S608  names come from the schema; values are bound

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from local.simulators.filters import TABLES, bad_request
from local.simulators.instants import clock_text
from local.simulators.messages import RefusedError, Request
from local.simulators.odata import Options
from local.simulators.odata_rows import Rows
from local.simulators.schema import Entity, children
from local.simulators.store import Store

type Mode = Literal["on", "ignored", "refused"]
type Notation = Literal["4.0", "4.01"]

MODES: Final = ("on", "ignored", "refused")
NOTATIONS: Final = ("4.0", "4.01")
OPTION: Final = "$deltatoken"
_TABLES = """
CREATE TABLE IF NOT EXISTS _delta_link (id INTEGER PRIMARY KEY, entity TEXT NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS _delta_document (id INTEGER NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
                                            PRIMARY KEY (id, key));
CREATE TABLE IF NOT EXISTS _delta_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_ORDINARY = {"mode": "ignored", "once": "", "notation": "4.0", "both": ""}


@dataclass(frozen=True)
class Tracked:
    """A reading whose changes are tracked: since `old` (None: everything comes), up to `new`, by numbers of links."""

    old: int | None
    new: int


def switch(store: Store, *, mode: Mode, once: bool, notation: Notation, both: bool = False) -> None:
    """How tracking is answered: done, ignored without a word, or refused; whether a link is good for one use alone; how
    removed rows are written, and whether they come as rows too (`both`). ValueError for what there is not."""
    if mode not in MODES or notation not in NOTATIONS:
        raise ValueError(f"mode is one of {', '.join(MODES)}, notation one of {', '.join(NOTATIONS)}")
    _prepare(store)
    settings = {"mode": mode, "once": "yes" if once else "", "notation": notation, "both": "yes" if both else ""}
    for name, value in settings.items():
        store.write("INSERT OR REPLACE INTO _delta_setting VALUES (?, ?)", (name, value))


def expire(store: Store) -> int:
    """Forget every link; how many there were."""
    _prepare(store)
    (count,) = store.read("SELECT COUNT(*) FROM _delta_link")[0]
    store.write("DELETE FROM _delta_link")
    store.write("DELETE FROM _delta_document")
    return int(count)


def tracked(store: Store, request: Request, options: Options) -> Options:
    """The options with what is to be tracked, and only the rows that changed since a delta link; without it, as they are.

    Refused with 410 where the link is not known (any more), 500 where the entity cannot be tracked, 400 beside an order.
    """
    asked = "odata.track-changes" in request.header("prefer").replace(" ", "")
    given = dict(request.parameters(plus_is_blank=False))
    if options.token is not None:
        before = options.token.get("tracked")
        return options if before is None else _since(store, options, Tracked(*before))
    if OPTION in given:
        old = _opened(store, options.entity, given[OPTION])
        return _since(store, options, Tracked(old, _begun(store, options.entity)))
    mode = _setting(store, "mode")
    if not asked or mode == "ignored":
        return options
    if mode == "refused" or len(options.entity.key) > 1:
        raise RefusedError(500, "Internal_EntityNotSupported", "Entity does not support delta requests")
    if options.top is not None or options.skip or "$orderby" in given:
        raise bad_request("$orderby, $top and $skip cannot be combined with odata.track-changes")
    return replace(options, tracked=(None, _begun(store, options.entity)))


def removed(store: Store, options: Options) -> list[str]:
    """The entries of rows that are gone since the reading's delta link, as JSON texts."""
    return [_entry(options.entity, key, _setting(store, "notation")) for key in _gone(store, options)]


def former(store: Store, options: Options) -> Rows:
    """The rows that are gone since the reading's delta link as they were last, where they come both as rows and as removed."""
    rows: list[Any] = []
    items = tuple(dict[tuple[Any, ...], list[Any]]() for _ in options.expand)
    for key in _gone(store, options) if _setting(store, "both") else ():
        sql = "SELECT document FROM _former WHERE entity = ? AND key = ? ORDER BY rowid DESC LIMIT 1"
        for found in store.read(sql, (options.entity.name, json.dumps([key]))):
            document = json.loads(found["document"])
            rows.append(document[options.entity.name])
            for below, expand in zip(items, options.expand, strict=True):
                below[(key,)] = document[expand.child.name]
    return Rows(rows, items)


def _gone(store: Store, options: Options) -> list[str]:
    if options.tracked is None or options.tracked[0] is None:
        return []
    sql = """
        SELECT key FROM _delta_document AS old WHERE id = ? AND NOT EXISTS (
            SELECT 1 FROM _delta_document AS new WHERE new.id = ? AND new.key = old.key)
        ORDER BY key
    """
    return [str(row["key"]) for row in store.read(sql, options.tracked)]


def _entry(entity: Entity, key: str, notation: str) -> str:
    (name,) = entity.key
    if notation == "4.01":
        return json.dumps({"@removed": {"reason": "deleted"}, name: key}, ensure_ascii=False)
    quoted = quote(key.replace("'", "''"), safe="'")
    context = f"$metadata#{entity.set_name}/$deletedEntity"
    entry = {"@odata.context": context, "id": f"{entity.set_name}('{quoted}')", "reason": "deleted"}
    return json.dumps(entry, ensure_ascii=False)


def _since(store: Store, options: Options, reading: Tracked) -> Options:
    found = replace(options, tracked=(reading.old, reading.new))
    if reading.old is None:
        return found
    sql = """
        SELECT key FROM _delta_document AS new WHERE id = ? AND NOT EXISTS (
            SELECT 1 FROM _delta_document AS old WHERE old.id = ? AND old.key = new.key AND old.digest = new.digest)
    """
    keys = [row["key"] for row in store.read(sql, (reading.new, reading.old))]
    (name,) = options.entity.key
    changed = TABLES[options.entity.set_name].c[name].in_(keys)
    return replace(found, where=changed if options.where is None else changed & options.where)


def _opened(store: Store, entity: Entity, text: str) -> int:
    _prepare(store)
    found = store.read("SELECT used FROM _delta_link WHERE id = ? AND entity = ?", (text, entity.name))
    if not found or (found[0]["used"] and _setting(store, "once")):
        raise RefusedError(410, "SyncStateNotFound", "The delta link is not known any more: read everything again")
    store.write("UPDATE _delta_link SET used = 1 WHERE id = ?", (text,))
    return int(text)


def _begun(store: Store, entity: Entity) -> int:
    """The number of a link that stands for the visible documents as they are now."""
    _prepare(store)
    with store.transaction():
        store.write("INSERT INTO _delta_link (entity, used) VALUES (?, 0)", (entity.name,))
        (number,) = store.read("SELECT MAX(id) FROM _delta_link")[0]
        for key, digest in _documents(store, entity).items():
            store.write("INSERT INTO _delta_document VALUES (?, ?, ?)", (number, key, digest))
    return int(number)


def _documents(store: Store, entity: Entity) -> dict[str, str]:
    """Key → digest of the row and all below it."""
    (name,) = entity.key
    found: dict[str, Any] = {}
    for each in (entity, *children(entity)):
        sql = f"SELECT * FROM {each.set_name} WHERE _visible_at <= ? ORDER BY {', '.join(each.key)}"
        for row in store.read(sql, (clock_text(store.now),)):
            if each is entity or row[name] in found:
                found.setdefault(row[name], hashlib.sha256()).update(repr(tuple(row)).encode())
    return {key: digest.hexdigest() for key, digest in found.items()}


def _setting(store: Store, name: str) -> str:
    _prepare(store)
    found = store.read("SELECT value FROM _delta_setting WHERE name = ?", (name,))
    return str(found[0]["value"]) if found else _ORDINARY[name]


def _prepare(store: Store) -> None:
    for statement in filter(str.strip, _TABLES.split(";")):
        store.write(statement)
