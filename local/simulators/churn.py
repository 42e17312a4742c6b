"""Changes by chance, repeatable by their seed: whatever users do in a source, and what only odd ones do."""

# ruff: noqa: S608  names come from the schema; values are bound

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from local.simulators import changes, names, schema
from local.simulators.changes import ChangeError, Moment
from local.simulators.instants import clock_text
from local.simulators.schema import Entity, Field
from local.simulators.store import Key, Row, Store, Value
from local.simulators.world import record_id

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
_FIRST_OPENED = 5_000_000
_HIGH = "9007199254740.993"
_LONG_DIGITS = "12345678901234567.891"
_ODD_KEY = "'/%+&? ü#"


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
                name: f"{self.rng.choice(names.ODD_TEXTS)} {self.rng.randrange(10**6)}" for name in _free_text(entity)
            }
        changes.change(self.store, entity, key, columns, moment or self.moment())


def bulk_change(hand: Hand, entity: Entity, rows: int) -> int:
    """Change so many rows in one transaction: with one stamp, seen at one instant. How many there were."""
    moment = hand.moment()
    picked = hand.sample(entity, rows)
    for key in picked:
        hand.edit(entity, key, moment=moment)
    return len(picked)


def random_changes(hand: Hand, count: int) -> dict[str, int]:
    """So many changes of the kinds that users make; how many of each (a kind with nothing to change makes none)."""
    kinds = _KINDS[hand.store.meta("source")]
    done: Counter[str] = Counter()
    for name in hand.rng.choices(list(kinds), [weight for weight, _ in kinds.values()], k=count):
        done[name] += kinds[name][1](hand)
    return dict(done)


def odd_values(hand: Hand, entity: Entity, rows: int, kinds: list[str]) -> dict[str, int]:
    """Put values into so many rows that break naive readers; how many of each. Raises ChangeError for an unknown kind."""
    unknown = sorted(set(kinds) - ODD.keys())
    if unknown:
        raise ChangeError(f"no odd value {', '.join(unknown)}: give some of {', '.join(ODD)}")
    done: Counter[str] = Counter()
    for key in hand.sample(entity, rows):
        name = hand.rng.choice(kinds or list(ODD))
        done[name] += ODD[name](hand, entity, key)
    return dict(done)


def around_clock_changes(hand: Hand, entity: Entity, rows: int, year: int) -> int:
    """Stamp rows within an hour and a half of a year's two daylight-saving switches, long ago; how many there were."""
    picked = hand.sample(entity, rows)
    for number, key in enumerate(picked):
        switch = _last_sunday(year, (3, 10)[number % 2])
        moment = Moment(switch + timedelta(seconds=hand.rng.randrange(-5_400, 5_400)))
        hand.edit(entity, key, moment=moment)
    return len(picked)


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC of a month's last Sunday, when Europe's clocks change (both months have 31 days)."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _free_text(entity: Entity) -> list[str]:
    """A field for any text; none where the entity has none."""
    texts = [f.name for f in entity.fields if f.kind == "string" and f.nullable and f.name not in entity.key]
    return [_FREE_TEXT.get(entity.name, texts[0])] if texts else []


def _edit(entity: Entity) -> Callable[[Hand], int]:
    def edit(hand: Hand) -> int:
        key = hand.pick(entity)
        if key is not None:
            hand.edit(entity, key)
        return int(key is not None)

    return edit


def _erase(entity: Entity) -> Callable[[Hand], int]:
    def erase(hand: Hand) -> int:
        key = hand.pick(entity)
        if key is not None:
            changes.delete(hand.store, entity, [key], Moment(), hard=True)
        return int(key is not None)

    return erase


def _bin(entity: Entity) -> Callable[[Hand], int]:
    def bin_(hand: Hand) -> int:
        key = hand.pick(entity, "IsDeleted = 0")
        if key is not None:
            changes.delete(hand.store, entity, [key], hand.moment(), hard=False)
        return int(key is not None)

    return bin_


def _unbin(entity: Entity) -> Callable[[Hand], int]:
    def unbin(hand: Hand) -> int:
        key = hand.pick(entity, "IsDeleted = 1")
        if key is not None:
            changes.undelete(hand.store, entity, [key], hand.moment())
        return int(key is not None)

    return unbin


def _open(entity: Entity, prefix: str, name: str) -> Callable[[Hand], int]:
    """Adds a record of a CRM's object (`prefix` of its ids) that has just a name."""

    def open_(hand: Hand) -> int:
        row: Row = {
            "Id": record_id(prefix, _FIRST_OPENED + _ever(hand.store, entity)),
            name: hand.rng.choice(names.ODD_TEXTS),
        }
        changes.insert(hand.store, entity, row, hand.moment())
        return 1

    return open_


def _copy(entity: Entity) -> Callable[[Hand], int]:
    """Adds a document like another one, with its children."""

    def copy(hand: Hand) -> int:
        key = hand.pick(entity)
        if key is None:
            return 0
        _insert_like(hand, entity, key, _next_number(hand.store, entity))
        return 1

    return copy


def _add_item(hand: Hand) -> int:
    key = hand.pick(schema.SALES_ORDER)
    items = _children(hand.store, schema.SALES_ORDER_ITEM, key) if key else []
    if not items:
        return 0
    last = max(int(str(item["SalesOrderItem"])) for item in items)
    row = items[0] | {"SalesOrder": key[0] if key else None, "SalesOrderItem": f"{last + 10:06d}"}
    changes.insert(hand.store, schema.SALES_ORDER_ITEM, row, hand.moment())
    return 1


def _drop_item(hand: Hand) -> int:
    key = hand.pick(schema.SALES_ORDER_ITEM)
    if key is None or len(_children(hand.store, schema.SALES_ORDER_ITEM, key[:1])) < 2:
        return 0
    changes.delete(hand.store, schema.SALES_ORDER_ITEM, [key], hand.moment(), hard=True)
    return 1


def _unstamp(hand: Hand) -> int:
    key = hand.pick(schema.SALES_ORDER)
    if key is not None:
        hand.edit(schema.SALES_ORDER, key, moment=Moment(None, hand.moment().visible_at))
    return int(key is not None)


_KINDS: dict[str, dict[str, tuple[int, Callable[[Hand], int]]]] = {
    "crm": {
        "changed": (6, _edit(schema.ACCOUNT)),
        "inserted": (3, _open(schema.ACCOUNT, "001", "Name")),
        "deleted": (2, _bin(schema.ACCOUNT)),
        "undeleted": (1, _unbin(schema.ACCOUNT)),
        "contacts_changed": (1, _edit(schema.CRM_CONTACT)),
        "contacts_inserted": (1, _open(schema.CRM_CONTACT, "003", "LastName")),
        "opportunities_changed": (1, _edit(schema.OPPORTUNITY)),
        "opportunities_inserted": (1, _open(schema.OPPORTUNITY, "006", "Name")),
        "opportunities_deleted": (1, _bin(schema.OPPORTUNITY)),
        "opportunities_undeleted": (1, _unbin(schema.OPPORTUNITY)),
        "lines_touched": (1, _edit(schema.OPPORTUNITY_LINE)),
        "lines_deleted": (1, _erase(schema.OPPORTUNITY_LINE)),
    },
    "erp": {
        "orders_changed": (4, _edit(schema.SALES_ORDER)),
        "orders_inserted": (2, _copy(schema.SALES_ORDER)),
        "orders_deleted": (1, _erase(schema.SALES_ORDER)),
        "orders_without_stamp": (1, _unstamp),
        "items_changed": (2, _edit(schema.SALES_ORDER_ITEM)),
        "items_added": (1, _add_item),
        "items_deleted": (1, _drop_item),
        "partners_changed": (3, _edit(schema.BUSINESS_PARTNER)),
        "partners_inserted": (1, _copy(schema.BUSINESS_PARTNER)),
        "partners_deleted": (1, _erase(schema.BUSINESS_PARTNER)),
    },
    "hubspot": {
        f"{table.set_name}_{done}": (weight, how(table))
        for table in (schema.CONTACT, schema.COMPANY)
        for done, weight, how in (("changed", 4, _edit), ("inserted", 2, _copy), ("deleted", 1, _erase))
    },
    "service": {
        f"{table.set_name}_{done}": (weight, how(table))
        for table in (schema.WORK_ORDER, schema.ENGINEER)
        for done, weight, how in (("changed", 4, _edit), ("inserted", 2, _copy), ("deleted", 1, _erase))
    },
}
"""By source: each kind of change, how often it happens, and who makes it."""


def _odd_text(make: Callable[[Random], str]) -> Callable[[Hand, Entity, Key], int]:
    def put(hand: Hand, entity: Entity, key: Key) -> int:
        fields = _free_text(entity)
        if fields:
            hand.edit(entity, key, {name: make(hand.rng) for name in fields})
        return len(fields)

    return put


def _odd_number(text: str) -> Callable[[Hand, Entity, Key], int]:
    def put(hand: Hand, entity: Entity, key: Key) -> int:
        decimals = [field.name for field in entity.fields if field.kind == "decimal"]
        if decimals:
            hand.edit(entity, key, {hand.rng.choice(decimals): text})
        return int(bool(decimals))

    return put


def _null(hand: Hand, entity: Entity, key: Key) -> int:
    fields = [field for field in entity.fields if not field.nullable and not _is_needed(entity, field)]
    if fields:
        hand.edit(entity, key, {hand.rng.choice(fields).name: None})
    return int(bool(fields))


def _is_needed(entity: Entity, field: Field) -> bool:
    """Whether the simulator itself lives by a field."""
    return (
        field.name in entity.key
        or field.kind in ("instant", "instant0", "instant3", "date", "time")
        or field.name == "IsDeleted"
    )


def _odd_key(hand: Hand, entity: Entity, key: Key) -> int:
    (field,) = (each for each in entity.fields if each.name == entity.key[0])
    if field.kind != "string" or entity.parent is not None:
        return 0
    _insert_like(hand, entity, key, f"{_ODD_KEY}{_ever(hand.store, entity) % 10_000}")
    return 1


ODD: dict[str, Callable[[Hand, Entity, Key], int]] = {
    "odd_text": _odd_text(lambda rng: rng.choice(names.ODD_TEXTS)),
    "long_text": _odd_text(lambda rng: "".join(rng.choices("aä🚜 \"\\'", k=20)) * 5_120),
    "beyond_floats": _odd_number(_HIGH),
    "many_digits": _odd_number(_LONG_DIGITS),
    "null": _null,
    "odd_key": _odd_key,
}
"""Texts of many letters and of 102,400; 2^53 + 1 thousandths, which no float holds; a decimal of 20 digits; null where
none may be; a new row whose key has slashes, quotes and blanks. Those that an entity has no field for do nothing."""


def _insert_like(hand: Hand, entity: Entity, key: Key, number: str) -> None:
    row: dict[str, object] = {
        name: value
        for name, value in (hand.store.get(entity, key) or {}).items()
        if name not in _BORN and entity.field(name)
    }
    for child in schema.children(entity):
        row[str(child.navigation)] = _children(hand.store, child, key)
    row[entity.key[0]] = number
    changes.insert(hand.store, entity, row, hand.moment())


def _children(store: Store, child: Entity, key: Key | None) -> list[Row]:
    """The children of a row without their parent's key."""
    own = [name for name in child.columns if name != child.key[0]]
    sql = f"SELECT {', '.join(own)} FROM {child.set_name} WHERE {child.key[0]} = ? ORDER BY {', '.join(child.key)}"
    return [dict(zip(own, row, strict=True)) for row in store.read(sql, key or (None,))]


def _next_number(store: Store, entity: Entity) -> str:
    """A key that never was: the highest number so far and one more."""
    (name,) = entity.key
    live = store.read(f"SELECT MAX({name}) FROM {entity.set_name} WHERE {name} GLOB '[0-9]*'")[0][0]
    gone = store.read("SELECT key FROM _deleted WHERE entity = ?", (entity.name,))
    numbers = [str(live or "0"), *(store.key(row["key"])[0] for row in gone)]
    return f"{max(int(number) for number in numbers if number.isdigit()) + 1:010d}"


def _ever(store: Store, entity: Entity) -> int:
    """How many rows there are and were."""
    live = store.read(f"SELECT COUNT(*) FROM {entity.set_name}")[0][0]
    return int(live + store.read("SELECT COUNT(*) FROM _deleted WHERE entity = ?", (entity.name,))[0][0])
