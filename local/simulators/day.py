"""A day in which all that may happen to the three entities happens.

The clock moves to the day's end; stamps lie within the day. Some rows are stamped a minute before the end and become
visible 24 minutes after it: whoever read up to the end must look back to find them.
"""

# ruff: noqa: S608  names come from the schema; values are bound

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.churn import Hand, random_changes
from local.simulators.instants import clock_text, parse_instant, ts7_text
from local.simulators.orders import Market, amount, cents, new_order, total
from local.simulators.schema import Entity
from local.simulators.store import Key, Row, Store
from local.simulators.world import FIRST_PARTNER, SIZES, World, account_id, accounts, customer_number, vat_type

LATE = timedelta(minutes=25)
_LIVE = "IsDeleted = 0"
_PARTNER = schema.BUSINESS_PARTNER


@dataclass
class _Day:
    """One day of one source: its span, its random stream, and the keys that something has happened to already."""

    store: Store
    rng: Random
    start: datetime
    end: datetime
    taken: set[Key]

    def stamp(self) -> datetime:
        """Some instant of the day, more than an hour before its end."""
        seconds = max(2, int((self.end - self.start).total_seconds()) - 3_600)
        return self.start + timedelta(seconds=self.rng.randrange(1, seconds))

    def stamp7(self) -> str:
        """The same with seven digits."""
        at = self.stamp() + timedelta(microseconds=self.rng.randrange(10**6))
        return ts7_text(at, self.rng.randrange(10))

    @property
    def late(self) -> Moment:
        """Stamped a minute before the day's end, visible `LATE` after its stamp."""
        at = self.end - timedelta(minutes=1)
        return Moment(at, at + LATE)

    def pick(self, entity: Entity, count: int, where: str = "1 = 1") -> list[Key]:
        """Up to `count` rows that nothing has happened to today; fewer where there are not so many."""
        free = self.peek(entity, where)
        picked = self.rng.sample(free, min(count, len(free)))
        self.taken.update(key[:1] for key in picked)
        return picked

    def peek(self, entity: Entity, where: str) -> list[Key]:
        """Every row of a kind that nothing has happened to today."""
        columns = ", ".join(entity.key)
        sql = f"SELECT {columns} FROM {entity.set_name} WHERE _visible_at <= ? AND {where} ORDER BY {columns}"
        found = [tuple(row) for row in self.store.read(sql, (clock_text(self.start),))]
        return [key for key in found if key[:1] not in self.taken]


def day_of_changes(store: Store, end: datetime) -> dict[str, object]:
    """Let the time until `end` pass, changes and all; how many of each there were."""
    source, number = store.meta("source"), int(store.meta("days")) + 1
    world = World(int(store.meta("seed")), SIZES[store.meta("size")], store.now)
    day = _Day(store, world.rng(f"day:{source}", number), store.now, end, set())
    # What is done in the day is done before its end: nothing of it may look as if it still had to come.
    store.set_meta("now", clock_text(end))
    done = _DAYS[source](day, world)
    store.set_meta("days", str(number))
    changes.apply_pending(store)
    return {"now": clock_text(end), "from": clock_text(day.start), "day": number, "done": done}


def _crm_day(day: _Day, world: World) -> dict[str, int]:
    accounts = day.store.read("SELECT COUNT(*) FROM Account WHERE IsDeleted = 0")[0][0]
    return {
        "stamped_at_one_instant": _reassign(day, min(2_500, accounts // 4)),
        "deleted": _bin(day, 12),
        "restored": _restore(day, 2),
        "merged": _merge(day, 3),
        "split": _split(day, world, 1),
        "changed": _edit(day, max(3, accounts // 50)),
        "late": _late_accounts(day, min(20, accounts // 12)),
        "inserted": _new_accounts(day, max(5, accounts // 500)),
    }


def _reassign(day: _Day, count: int) -> int:
    """A salesman leaves: his accounts get another owner in one transaction, hence one stamp."""
    picked, at = day.pick(schema.ACCOUNT, count, _LIVE), day.stamp()
    for key in picked:
        changes.change(day.store, schema.ACCOUNT, key, {"OwnerId": "0055g0000000009AAA"}, Moment(at))
    return len(picked)


def _bin(day: _Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        changes.delete(day.store, schema.ACCOUNT, [key], Moment(day.stamp()), hard=False)
    return len(picked)


def _restore(day: _Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, "IsDeleted = 1 AND MasterRecordId IS NULL")
    for key in picked:
        changes.undelete(day.store, schema.ACCOUNT, [key], Moment(day.stamp()))
    return len(picked)


def _merge(day: _Day, count: int) -> int:
    """The loser goes to the recycle bin and names the winner, which takes a field over."""
    picked = day.pick(schema.ACCOUNT, 2 * count, _LIVE)
    pairs = list(zip(picked[::2], picked[1::2], strict=False))
    for loser, winner in pairs:
        at = Moment(day.stamp())
        changes.change(day.store, schema.ACCOUNT, loser, {"IsDeleted": 1, "MasterRecordId": winner[0]}, at)
        changes.change(day.store, schema.ACCOUNT, winner, {"Industry": "Machinery"}, at)
    return len(pairs)


def _split(day: _Day, world: World, count: int) -> int:
    """An account turns out to be another customer of the ERP."""
    picked = day.pick(schema.ACCOUNT, count, f"{_LIVE} AND ERP_Customer_Number__c IS NOT NULL")
    for key in picked:
        other = customer_number(day.rng.randrange(world.size.customers))
        changes.change(day.store, schema.ACCOUNT, key, {"ERP_Customer_Number__c": other}, Moment(day.stamp()))
    return len(picked)


def _edit(day: _Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        columns = {"Industry": day.rng.choice(names.INDUSTRIES), "BillingPostalCode": names.digits(day.rng, 5)}
        changes.change(day.store, schema.ACCOUNT, key, columns, Moment(day.stamp()))
    return len(picked)


def _late_accounts(day: _Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        changes.change(day.store, schema.ACCOUNT, key, {"Industry": "Late news"}, day.late)
    return len(picked)


def _new_accounts(day: _Day, count: int) -> int:
    ever = "SELECT (SELECT COUNT(*) FROM Account) + (SELECT COUNT(*) FROM _deleted WHERE entity = 'crm.account')"
    first = day.store.read(ever)[0][0]
    for serial in range(first, first + count):
        known = names.company(day.rng, serial)
        row = {
            "Id": account_id(serial),
            "Name": known.name,
            "BillingCountry": known.country,
            "BillingPostalCode": known.postcode,
            "VAT_Number__c": known.vat or None,
        }
        changes.insert(day.store, schema.ACCOUNT, row, Moment(day.stamp()))
    return count


def _erp_day(day: _Day, world: World) -> dict[str, int]:
    orders = day.store.read("SELECT COUNT(*) FROM A_SalesOrder")[0][0]
    return _partner_day(day, world) | {
        "stamped_at_one_instant": _reorganise(day, min(2_500, orders // 4)),
        "deleted": _erase(day, 5),
        "orders_changed": _requantify(day, max(5, orders // 50)),
        "orders_reopened": _reopen(day, 4),
        "orders_without_stamp": _unstamped(day, 3),
        "items_added": _grow(day, 2),
        "late": _late_orders(day, world, 10),
        "orders_inserted": _new_orders(day, world, max(5, orders // 700)),
    }


def _reorganise(day: _Day, count: int) -> int:
    """Orders move to another sales organisation in one transaction, hence with one stamp."""
    picked, at = day.pick(schema.SALES_ORDER, count), day.stamp7()
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"SalesOrganization": "1010"}, Moment(at))
    return len(picked)


def _erase(day: _Day, count: int) -> int:
    picked = day.pick(schema.SALES_ORDER, count)
    changes.delete(day.store, schema.SALES_ORDER, picked, Moment(), hard=True)
    return len(picked)


def _requantify(day: _Day, count: int) -> int:
    """Double an item of so many recent orders, and correct their totals."""
    recent = f"CreationDate >= '{day.start - timedelta(days=270):%Y-%m-%d}'"
    picked = day.pick(schema.SALES_ORDER, count, recent)
    for (order,) in picked:
        item = _items(day.store, order)[0]
        columns = {"NetAmount": amount(2 * cents(str(item["NetAmount"])))}
        _change_item(day, item, columns, Moment(day.stamp7()))
    return len(picked)


def _reopen(day: _Day, count: int) -> int:
    """Take back the rejection of an item in so many orders."""
    picked = day.pick(schema.SALES_ORDER_ITEM, count * 3, "SalesDocumentRjcnReason <> ''")
    firsts = {key[0]: key for key in reversed(picked)}
    for order, key in sorted(firsts.items())[:count]:
        item = next(row for row in _items(day.store, order) if row["SalesOrderItem"] == key[1])
        _change_item(day, item, {"SalesDocumentRjcnReason": ""}, Moment(day.stamp7()))
    return min(count, len(firsts))


def _unstamped(day: _Day, count: int) -> int:
    """Changes that leave no stamp behind: it becomes null."""
    picked = day.pick(schema.SALES_ORDER, count)
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"ExternalDocumentID": "by migration"}, Moment(None))
    return len(picked)


def _grow(day: _Day, count: int) -> int:
    """One more item in so many orders, a copy of the first."""
    picked = day.pick(schema.SALES_ORDER, count)
    for (order,) in picked:
        items = _items(day.store, order)
        new = items[0] | {"SalesOrderItem": f"{int(str(items[-1]['SalesOrderItem'])) + 10:06d}"}
        changes.insert(day.store, schema.SALES_ORDER_ITEM, new, Moment(day.stamp7()))
        _correct_total(day.store, order)
    return len(picked)


def _late_orders(day: _Day, world: World, count: int) -> int:
    """So many changed and so many new orders that are seen later than they are stamped."""
    picked = day.pick(schema.SALES_ORDER, count)
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"ExternalDocumentID": "came late"}, day.late)
    return len(picked) + _new_orders(day, world, count, day.late)


def _new_orders(day: _Day, world: World, count: int, moment: Moment | None = None) -> int:
    market = Market(world)
    last = int(day.store.read("SELECT MAX(SalesOrder) FROM A_SalesOrder")[0][0])
    for number in range(last + 1, last + count + 1):
        order = new_order(market, day.rng, number, day.stamp())
        row: dict[str, object] = {**order.row, "to_Item": order.items}
        # Insert stamps by its moment, not by the instant that the generator thought of.
        del row["LastChangeDateTime"]
        changes.insert(day.store, schema.SALES_ORDER, row, moment or Moment(day.stamp7()))
    return count


def _partner_day(day: _Day, world: World) -> dict[str, int]:
    store, entity = day.store, _PARTNER
    renamed = day.pick(entity, max(3, world.size.customers // 50), "BusinessPartnerCategory = '2'")
    for key in renamed:
        name = names.company(day.rng, day.rng.randrange(10**6)).name
        changes.change(store, entity, key, {"OrganizationBPName1": name}, Moment(day.stamp()))
    late = day.pick(entity, 3)
    for key in late:
        changes.change(store, entity, key, {"IsMarkedForArchiving": 1}, day.late)
    return {
        "partners_renamed": len(renamed),
        "partners_late": len(late),
        "vat_numbers_that_match": _matching_vat(day, world),
    }


def _matching_vat(day: _Day, world: World) -> int:
    """A customer without a VAT number in the ERP gets its own: at best one that its account has had all along."""
    without = "Customer <> '' AND BusinessPartner NOT IN (SELECT BusinessPartner FROM A_BusinessPartnerTaxNumber)"
    known = {number: world.customer(int(number) - FIRST_PARTNER) for (number,) in day.peek(_PARTNER, without)}
    waiting = {
        account.partner
        for account in accounts(replace(world, now=parse_instant(day.store.meta("start"))))
        if account.row["VAT_Number__c"] and not account.row["ERP_Customer_Number__c"]
    }
    for number, company in sorted(known.items(), key=lambda each: (each[0] not in waiting, each[0])):
        if company.vat:
            row = {"BusinessPartner": number, "BPTaxType": vat_type(company.vat), "BPTaxNumber": company.vat}
            changes.insert(day.store, schema.BUSINESS_PARTNER_TAX, row, Moment(day.stamp()))
            return 1
    return 0


def _items(store: Store, order: str) -> list[Row]:
    columns = schema.SALES_ORDER_ITEM.columns
    sql = f"SELECT {', '.join(columns)} FROM A_SalesOrderItem WHERE SalesOrder = ? ORDER BY SalesOrderItem"
    return [dict(zip(columns, row, strict=True)) for row in store.read(sql, (order,))]


def _change_item(day: _Day, item: Row, columns: Mapping[str, object], moment: Moment) -> None:
    key = (str(item["SalesOrder"]), str(item["SalesOrderItem"]))
    changes.change(day.store, schema.SALES_ORDER_ITEM, key, columns, moment)
    _correct_total(day.store, key[0])


def _correct_total(store: Store, order: str) -> None:
    store.update(schema.SALES_ORDER, (order,), {"TotalNetAmount": total(_items(store, order))})


def _churned_day(day: _Day, world: World) -> dict[str, int]:
    """Changes by chance, a few of them late."""
    store, rng = day.store, day.rng
    done = random_changes(Hand(store, rng, lambda: Moment(day.stamp())), max(60, world.size.customers // 10))
    late = random_changes(Hand(store, rng, lambda: day.late), 6)
    return done | {"late": sum(late.values())}


_DAYS: dict[str, Callable[[_Day, World], dict[str, int]]] = {
    "crm": _crm_day,
    "erp": _erp_day,
    "hubspot": _churned_day,
    "service": _churned_day,
}
