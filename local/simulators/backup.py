"""A source's state set aside, and a source that goes back to it: its backup restored, or all of it as it was.

Snapshots are tables of the store's own, so that they come and go with its transactions.
"""

# ruff: noqa: S608  names come from the schema; snapshots' names are checked

import re

from local.simulators.changes import ChangeError
from local.simulators.schema import SOURCES, Entity, children, root
from local.simulators.store import Store

_NAME = re.compile(r"[a-z][a-z0-9]*")


def snapshot(store: Store, name: str) -> int:
    """Set the source's state aside under a name (an earlier one of that name is replaced); how many rows it has."""
    for table in _tables(store):
        store.write(f"DROP TABLE IF EXISTS {_kept(name, table)}")
        store.write(f"CREATE TABLE {_kept(name, table)} AS SELECT * FROM {table}")
    return sum(int(store.read(f"SELECT COUNT(*) FROM {_kept(name, e.set_name)}")[0][0]) for e in _entities(store))


def restore(store: Store, name: str) -> dict[str, int]:
    """Restore the backup `name`: rows go back to what they were, stamps included, while the clock goes on.

    New rows vanish, erased ones return, and changes under way are lost. How many of each. Raises ChangeError.
    """
    _known(store, name)
    counts = {"vanished": 0, "returned": 0, "reverted": 0}
    for entity in _entities(store):
        if entity.parent is None:
            for what, number in _restore_documents(store, name, entity).items():
                counts[what] += number
    store.write("DELETE FROM _pending")
    return counts


def rewind(store: Store, name: str) -> None:
    """Make everything as it was at a snapshot: rows, clock, changes under way, memory of what was erased."""
    _known(store, name)
    for table in _tables(store):
        store.write(f"DELETE FROM {table}")
        if _is_there(store, _kept(name, table)):
            store.write(f"INSERT INTO {table} SELECT * FROM {_kept(name, table)}")


def _restore_documents(store: Store, name: str, entity: Entity) -> dict[str, int]:
    now, then = f"SELECT {', '.join(entity.key)} FROM {entity.set_name}", _kept(name, entity.set_name)
    before = f"SELECT {', '.join(entity.key)} FROM {then}"
    vanished = [tuple(row) for row in store.read(f"{now} EXCEPT {before}")]
    for key in vanished:
        store.remember(entity, key)
        store.remove(entity, key)
    returned = store.read(f"SELECT COUNT(*) FROM ({before} EXCEPT {now})")[0][0]
    changed = set()
    for each in (entity, *children(entity)):
        rows, kept = f"SELECT * FROM {each.set_name}", f"SELECT * FROM {_kept(name, each.set_name)}"
        width = len(root(each).key)
        changed |= {tuple(row)[:width] for row in store.read(f"{rows} EXCEPT {kept}")}
    for key in changed:
        store.remember(entity, key)
    for each in (entity, *children(entity)):
        store.write(f"DELETE FROM {each.set_name}")
        store.write(f"INSERT INTO {each.set_name} SELECT * FROM {_kept(name, each.set_name)}")
    return {"vanished": len(vanished), "returned": int(returned), "reverted": len(changed)}


def _entities(store: Store) -> tuple[Entity, ...]:
    return SOURCES[store.meta("source")]


def _tables(store: Store) -> list[str]:
    """All but the snapshots and SQLite's own."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_kept_*' AND name NOT GLOB 'sqlite_*'"
    return [str(name) for (name,) in store.read(sql)]


def _kept(name: str, table: str) -> str:
    if not _NAME.fullmatch(name):
        raise ChangeError(f"{name!r} cannot name a snapshot: give small letters and digits")
    return f"_kept_{name}_{table}"


def _known(store: Store, name: str) -> None:
    if not _is_there(store, _kept(name, "_meta")):
        raise ChangeError(f"there is no snapshot {name!r}: make it first")


def _is_there(store: Store, table: str) -> bool:
    return bool(store.read("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)))
