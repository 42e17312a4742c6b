"""Changes by chance, repeatable by their seed: whatever users do in a source."""

# ruff: noqa: S608  names come from the schema; values are bound

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.hand import Hand, children, ever, insert_like
from local.simulators.schema import Entity
from local.simulators.store import Row, Store
from local.simulators.world import record_id

_FIRST_OPENED = 5_000_000


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
            "Id": record_id(prefix, _FIRST_OPENED + ever(hand.store, entity)),
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
        insert_like(hand, entity, key, _next_number(hand.store, entity))
        return 1

    return copy


def _add_item(hand: Hand) -> int:
    key = hand.pick(schema.SALES_ORDER)
    items = children(hand.store, schema.SALES_ORDER_ITEM, key) if key else []
    if not items:
        return 0
    last = max(int(str(item["SalesOrderItem"])) for item in items)
    row = items[0] | {"SalesOrder": key[0] if key else None, "SalesOrderItem": f"{last + 10:06d}"}
    changes.insert(hand.store, schema.SALES_ORDER_ITEM, row, hand.moment())
    return 1


def _drop_item(hand: Hand) -> int:
    key = hand.pick(schema.SALES_ORDER_ITEM)
    if key is None or len(children(hand.store, schema.SALES_ORDER_ITEM, key[:1])) < 2:
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


def _next_number(store: Store, entity: Entity) -> str:
    """A key that never was: the highest number so far and one more."""
    (name,) = entity.key
    live = store.read(f"SELECT MAX({name}) FROM {entity.set_name} WHERE {name} GLOB '[0-9]*'")[0][0]
    gone = store.read("SELECT key FROM _deleted WHERE entity = ?", (entity.name,))
    numbers = [str(live or "0"), *(store.key(row["key"])[0] for row in gone)]
    return f"{max(int(number) for number in numbers if number.isdigit()) + 1:010d}"
