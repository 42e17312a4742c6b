"""A day in which all that may happen to a source happens.

The clock moves to the day's end; stamps lie within the day. Some rows are stamped a minute before the end and become
visible 24 minutes after it: whoever read up to the end must look back to find them.
"""

# ruff: noqa: S608  names come from the schema; values are bound

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.churn import random_changes
from local.simulators.crm_day import crm_day
from local.simulators.hand import Hand
from local.simulators.instants import clock_text, parse_instant
from local.simulators.orders import Market, amount, cents, new_order, total
from local.simulators.span import Day
from local.simulators.store import Row, Store
from local.simulators.trade_day import trade_day
from local.simulators.world import FIRST_PARTNER, SIZES, World, accounts, vat_type

_PARTNER = schema.BUSINESS_PARTNER


def day_of_changes(store: Store, end: datetime) -> dict[str, object]:
    """Let the time until `end` pass, changes and all; how many of each there were."""
    source, number = store.meta("source"), int(store.meta("days")) + 1
    world = World(int(store.meta("seed")), SIZES[store.meta("size")], store.now)
    day = Day(store, world.rng(f"day:{source}", number), store.now, end, set())
    # What is done in the day is done before its end: nothing of it may look as if it still had to come.
    store.set_meta("now", clock_text(end))
    done = _DAYS[source](day, world)
    store.set_meta("days", str(number))
    changes.apply_pending(store)
    return {"now": clock_text(end), "from": clock_text(day.start), "day": number, "done": done}


def _erp_day(day: Day, world: World) -> dict[str, int]:
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
        **trade_day(day, world),
    }


def _reorganise(day: Day, count: int) -> int:
    """Orders move to another sales organisation in one transaction, hence with one stamp."""
    picked, at = day.pick(schema.SALES_ORDER, count), day.stamp7()
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"SalesOrganization": "1010"}, Moment(at))
    return len(picked)


def _erase(day: Day, count: int) -> int:
    picked = day.pick(schema.SALES_ORDER, count)
    changes.delete(day.store, schema.SALES_ORDER, picked, Moment(), hard=True)
    return len(picked)


def _requantify(day: Day, count: int) -> int:
    """Double an item of so many recent orders, and correct their totals."""
    recent = f"CreationDate >= '{day.start - timedelta(days=270):%Y-%m-%d}'"
    picked = day.pick(schema.SALES_ORDER, count, recent)
    for (order,) in picked:
        item = _items(day.store, order)[0]
        columns = {"NetAmount": amount(2 * cents(str(item["NetAmount"])))}
        _change_item(day, item, columns, Moment(day.stamp7()))
    return len(picked)


def _reopen(day: Day, count: int) -> int:
    """Take back the rejection of an item in so many orders."""
    picked = day.pick(schema.SALES_ORDER_ITEM, count * 3, "SalesDocumentRjcnReason <> ''")
    firsts = {key[0]: key for key in reversed(picked)}
    for order, key in sorted(firsts.items())[:count]:
        item = next(row for row in _items(day.store, order) if row["SalesOrderItem"] == key[1])
        _change_item(day, item, {"SalesDocumentRjcnReason": ""}, Moment(day.stamp7()))
    return min(count, len(firsts))


def _unstamped(day: Day, count: int) -> int:
    """Changes that leave no stamp behind: it becomes null."""
    picked = day.pick(schema.SALES_ORDER, count)
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"ExternalDocumentID": "by migration"}, Moment(None))
    return len(picked)


def _grow(day: Day, count: int) -> int:
    """One more item in so many orders, a copy of the first."""
    picked = day.pick(schema.SALES_ORDER, count)
    for (order,) in picked:
        items = _items(day.store, order)
        new = items[0] | {"SalesOrderItem": f"{int(str(items[-1]['SalesOrderItem'])) + 10:06d}"}
        changes.insert(day.store, schema.SALES_ORDER_ITEM, new, Moment(day.stamp7()))
        _correct_total(day.store, order)
    return len(picked)


def _late_orders(day: Day, world: World, count: int) -> int:
    """So many changed and so many new orders that are seen later than they are stamped."""
    picked = day.pick(schema.SALES_ORDER, count)
    for key in picked:
        changes.change(day.store, schema.SALES_ORDER, key, {"ExternalDocumentID": "came late"}, day.late)
    return len(picked) + _new_orders(day, world, count, day.late)


def _new_orders(day: Day, world: World, count: int, moment: Moment | None = None) -> int:
    market = Market(world)
    last = int(day.store.read("SELECT MAX(SalesOrder) FROM A_SalesOrder")[0][0])
    for number in range(last + 1, last + count + 1):
        order = new_order(market, day.rng, number, day.stamp())
        row: dict[str, object] = {**order.row, "to_Item": order.items}
        # Insert stamps by its moment, not by the instant that the generator thought of.
        del row["LastChangeDateTime"]
        changes.insert(day.store, schema.SALES_ORDER, row, moment or Moment(day.stamp7()))
    return count


def _partner_day(day: Day, world: World) -> dict[str, int]:
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


def _matching_vat(day: Day, world: World) -> int:
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


def _change_item(day: Day, item: Row, columns: Mapping[str, object], moment: Moment) -> None:
    key = (str(item["SalesOrder"]), str(item["SalesOrderItem"]))
    changes.change(day.store, schema.SALES_ORDER_ITEM, key, columns, moment)
    _correct_total(day.store, key[0])


def _correct_total(store: Store, order: str) -> None:
    store.update(schema.SALES_ORDER, (order,), {"TotalNetAmount": total(_items(store, order))})


def _churned_day(day: Day, world: World) -> dict[str, int]:
    """Changes by chance, a few of them late."""
    store, rng = day.store, day.rng
    done = random_changes(Hand(store, rng, lambda: Moment(day.stamp())), max(60, world.size.customers // 10))
    late = random_changes(Hand(store, rng, lambda: day.late), 6)
    return done | {"late": sum(late.values())}


_DAYS: dict[str, Callable[[Day, World], dict[str, int]]] = {
    "crm": crm_day,
    "erp": _erp_day,
    "hubspot": _churned_day,
    "service": _churned_day,
}
