"""Who changes a source by chance: picks rows, edits them, copies them. What that hand does is said in `churn` and `odd`."""

# ruff: noqa: S608  names come from the schema; values are bound

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.instants import clock_text
from local.simulators.schema import Entity
from local.simulators.store import Key, Row, Store, Value

_FREE_TEXT = {
    "crm.account": "Industry",
    "crm.contact": "FirstName",
    "crm.opportunity": "StageName",
    "erp.business_partner": "LastName",
    "erp.sales_order": "ExternalDocumentID",
    "erp.sales_order_item": "Material",
    "erp.business_partner_address": "PostalCode",
}
"""By entity: a field that means nothing to the rest of the world."""

_BORN = {"CreationDate", "CreationTime", "SalesOrderDate", "LastChangeDate", "LastChangeTime", "LastChangeDateTime"} | {
    "createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
    "updated_at",
}


@dataclass(frozen=True)
class Hand:
    """Who makes the changes: where, by which chance, and when they are stamped and seen (asked anew for each)."""

    store: Store
    rng: Random
    moment: Callable[[], Moment]

    def pick(self, entity: Entity, where: str = "1 = 1") -> Key | None:
        """One of the visible rows of a kind, None where there is none."""
        tail = f"FROM {entity.set_name} WHERE _visible_at <= ? AND {where}"
        now = clock_text(self.store.now)
        count = self.store.read(f"SELECT COUNT(*) {tail}", (now,))[0][0]
        if not count:
            return None
        key = ", ".join(entity.key)
        sql = f"SELECT {key} {tail} ORDER BY {key} LIMIT 1 OFFSET ?"
        return tuple(self.store.read(sql, (now, self.rng.randrange(count)))[0])

    def sample(self, entity: Entity, rows: int) -> list[Key]:
        """So many of the live rows of a kind, or all where there are fewer."""
        live = "AND IsDeleted = 0" if entity.field("IsDeleted") else ""
        key = ", ".join(entity.key)
        sql = f"SELECT {key} FROM {entity.set_name} WHERE _visible_at <= ? {live} ORDER BY {key}"
        found = [tuple(row) for row in self.store.read(sql, (clock_text(self.store.now),))]
        return self.rng.sample(found, min(rows, len(found)))

    def edit(
        self, entity: Entity, key: Key, columns: dict[str, Value] | None = None, moment: Moment | None = None
    ) -> None:
        """Change a row: some free text where it has any, unless columns are given."""
        if columns is None:
            columns = {
                name: f"{self.rng.choice(names.ODD_TEXTS)} {self.rng.randrange(10**6)}" for name in free_text(entity)
            }
        changes.change(self.store, entity, key, columns, moment or self.moment())


def free_text(entity: Entity) -> list[str]:
    """A field for any text; none where the entity has none."""
    texts = [f.name for f in entity.fields if f.kind == "string" and f.nullable and f.name not in entity.key]
    return [_FREE_TEXT.get(entity.name, texts[0])] if texts else []


def insert_like(hand: Hand, entity: Entity, key: Key, number: str) -> None:
    """Insert a copy of a row, its children included, under another key."""
    row: dict[str, object] = {
        name: value
        for name, value in (hand.store.get(entity, key) or {}).items()
        if name not in _BORN and entity.field(name)
    }
    for child in schema.children(entity):
        row[str(child.navigation)] = children(hand.store, child, key)
    row[entity.key[0]] = number
    changes.insert(hand.store, entity, row, hand.moment())


def children(store: Store, child: Entity, key: Key | None) -> list[Row]:
    """The children of a row without their parent's key."""
    own = [name for name in child.columns if name != child.key[0]]
    sql = f"SELECT {', '.join(own)} FROM {child.set_name} WHERE {child.key[0]} = ? ORDER BY {', '.join(child.key)}"
    return [dict(zip(own, row, strict=True)) for row in store.read(sql, key or (None,))]


def ever(store: Store, entity: Entity) -> int:
    """How many rows there are and were."""
    live = store.read(f"SELECT COUNT(*) FROM {entity.set_name}")[0][0]
    return int(live + store.read("SELECT COUNT(*) FROM _deleted WHERE entity = ?", (entity.name,))[0][0])
