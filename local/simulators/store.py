"""One source's SQLite file: its rows, its clock, and the versions that time has not reached yet."""

# ruff: noqa: S608  names come from the schema; values are bound

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock

from local.simulators.instants import clock_text, parse_instant
from local.simulators.schema import SOURCES, Entity, children, root

type Value = str | int | None
type Row = dict[str, Value]
type Key = tuple[str, ...]

_OWN_TABLES = """
CREATE TABLE _meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE _pending (seq INTEGER PRIMARY KEY, visible_at TEXT NOT NULL, entity TEXT NOT NULL, key TEXT NOT NULL,
                       columns TEXT NOT NULL);
CREATE INDEX _pending_document ON _pending (entity, key);
CREATE TABLE _former (seq INTEGER PRIMARY KEY, entity TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE _deleted (entity TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, initial INTEGER NOT NULL,
                       PRIMARY KEY (entity, key));
CREATE TABLE _truth (subject TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL);
"""

_INDEXES = {
    **{entity.set_name: (("SystemModstamp", "Id"),) for entity in SOURCES["crm"]},
    "A_SalesOrder": (("LastChangeDateTime", "SalesOrder"),),
    "contacts": (("lastmodifieddate",), ("CAST(hs_object_id AS INTEGER)",)),
    "companies": (("hs_lastmodifieddate",), ("CAST(hs_object_id AS INTEGER)",)),
    "work_orders": (("updated_at", "id"),),
    "A_Product": (("LastChangeDateTime", "Product"),),
    "A_BillingDocument": (("LastChangeDateTime", "BillingDocument"),),
    "A_OutbDeliveryHeader": (("LastChangeDate", "DeliveryDocument"), ("CreationDate", "DeliveryDocument")),
    "A_OperationalAcctgDocItemCube": (("AccountingDocumentCreationDate",),),
    "A_BusinessPartner": (("LastChangeDate", "LastChangeTime", "BusinessPartner"), ("CreationDate", "CreationTime")),
}


class Store:
    """The rows of one source and its simulated clock; every access holds `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # A killed simulator is started anew from its seed: waiting for the disk would only slow changes down.
        self._db.execute("PRAGMA synchronous = OFF")

    @classmethod
    def create(cls, path: Path, source: str, now: datetime, seed: int, size: str) -> "Store":
        """An empty store of `source` with its clock at `now`."""
        store = cls(path)
        store._db.executescript(_OWN_TABLES)
        for entity in SOURCES[source]:
            store._db.execute(_ddl(entity))
            for number, columns in enumerate(_INDEXES.get(entity.set_name, ())):
                names = ", ".join(columns)
                store._db.execute(f"CREATE INDEX {entity.set_name}_{number} ON {entity.set_name} ({names})")
        meta = {"source": source, "now": clock_text(now), "start": clock_text(now), "seed": str(seed), "size": size}
        store._db.executemany("INSERT INTO _meta VALUES (?, ?)", [*meta.items(), ("days", "0")])
        return store

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes or none."""
        with self.lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def meta(self, name: str) -> str:
        """A fact about the store: source, now, start, seed, size, days."""
        return str(self.read("SELECT value FROM _meta WHERE name = ?", (name,))[0][0])

    def set_meta(self, name: str, value: str) -> None:
        """Replace one such fact."""
        self.write("UPDATE _meta SET value = ? WHERE name = ?", (value, name))

    @property
    def now(self) -> datetime:
        """The simulated clock, whole seconds."""
        return parse_instant(self.meta("now"))

    def read(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self.lock:
            return self._db.execute(sql, parameters).fetchall()

    def write(self, sql: str, parameters: Sequence[Value] = ()) -> None:
        """Run one statement."""
        with self.lock:
            self._db.execute(sql, parameters)

    def insert(self, entity: Entity, rows: Iterable[Mapping[str, Value]], visible_at: str) -> None:
        """Add rows that are served from `visible_at` on; a column that is not given is null."""
        names = (*entity.columns, "_visible_at")
        places = ", ".join("?" * len(names))
        sql = f"INSERT INTO {entity.set_name} ({', '.join(names)}) VALUES ({places})"
        with self.lock:
            self._db.executemany(sql, ([*(row.get(name) for name in entity.columns), visible_at] for row in rows))

    def get(self, entity: Entity, key: Key) -> Row | None:
        """One row by key, visible or not."""
        found = self.read(f"SELECT * FROM {entity.set_name} WHERE {_where(entity.key)}", key)
        return {name: found[0][name] for name in (*entity.columns, "_visible_at")} if found else None

    def update(self, entity: Entity, key: Key, columns: Mapping[str, Value]) -> None:
        """Set columns of one row, if it is there."""
        if columns:
            names = ", ".join(f"{name} = ?" for name in columns)
            sql = f"UPDATE {entity.set_name} SET {names} WHERE {_where(entity.key)}"
            self.write(sql, (*columns.values(), *key))

    def remove(self, entity: Entity, key: Key, at: datetime | None = None) -> None:
        """Take a row out for good, its children with it, and remember that it was there, and when it went (None: now)."""
        row = self.get(entity, key)
        if row is None:
            return
        for child in children(entity):
            self.write(f"DELETE FROM {child.set_name} WHERE {_where(entity.key)}", key)
        self.write(f"DELETE FROM {entity.set_name} WHERE {_where(entity.key)}", key)
        initial = int(str(row["_visible_at"]) <= self.meta("start"))
        values = (entity.name, json.dumps(key), self.meta("now") if at is None else clock_text(at), initial)
        self.write("INSERT OR REPLACE INTO _deleted VALUES (?, ?, ?, ?)", values)

    def remember(self, entity: Entity, key: Key) -> None:
        """Keep the document as it is before a change: the lake may go on holding it where the new one is bad."""
        top = root(entity)
        top_key = key[: len(top.key)]
        document: dict[str, object] = {top.name: self.get(top, top_key)}
        for child in children(top):
            rows = self.read(f"SELECT * FROM {child.set_name} WHERE {_where(top.key)}", top_key)
            document[child.name] = [dict(row) for row in rows]
        values = (top.name, json.dumps(top_key), json.dumps(document))
        self.write("INSERT INTO _former (entity, key, document) VALUES (?, ?, ?)", values)

    @staticmethod
    def key(text: str) -> Key:
        """A key as it is kept in JSON."""
        return tuple(json.loads(text))

    @staticmethod
    def columns(text: str) -> Row:
        """Columns as they are kept in JSON."""
        return dict(json.loads(text))

    def postpone(self, entity: Entity, key: Key, columns: Mapping[str, Value], visible_at: datetime) -> None:
        """Serve the row as it is until the clock reaches `visible_at`, then with these columns."""
        values = (clock_text(visible_at), entity.name, json.dumps(key), json.dumps(dict(columns)))
        self.write("INSERT INTO _pending (visible_at, entity, key, columns) VALUES (?, ?, ?, ?)", values)


def _where(names: Sequence[str]) -> str:
    return " AND ".join(f"{name} = ?" for name in names)


def _ddl(entity: Entity) -> str:
    # Null where none may be is for the sources to refuse, and for odd values to bring about.
    columns = [
        f"{field.name} {'INTEGER' if field.kind == 'boolean' else 'TEXT'}{' NOT NULL' if field.name in entity.key else ''}"
        for field in entity.fields
    ]
    columns.append("_visible_at TEXT NOT NULL")
    return f"CREATE TABLE {entity.set_name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(entity.key)}))"
