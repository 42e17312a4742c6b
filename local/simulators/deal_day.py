"""What happens in a day to opportunities, and to what stands around them: lines, contacts, products, users."""

# ruff: noqa: S608  names come from the schema; values are bound

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.crm_products import product_id, product_total
from local.simulators.deals import opportunity_id
from local.simulators.opportunities import STAGES, line_id
from local.simulators.schema import Entity
from local.simulators.span import Day
from local.simulators.store import Key, Row
from local.simulators.world import World, record_id

_LIVE = "IsDeleted = 0"
_FIT = "CAST(Probability AS INTEGER) BETWEEN 0 AND 100"
_OPEN = f"{_LIVE} AND {_FIT} AND IsClosed = 0 AND IsWon = 0"


def deal_day(day: Day, world: World) -> dict[str, int]:
    """A day of sales; how many of each kind of change there were."""
    deals = day.ever(schema.OPPORTUNITY)
    return {
        "lines_deleted": _sync_quote(day, 3),
        "opportunities_deleted": _bin(day, 12),
        "opportunities_restored": _unbin(day, 2),
        "opportunities_won": _close(day, max(3, deals // 500), won=True),
        "opportunities_lost": _close(day, max(2, deals // 400), won=False),
        "opportunities_moved": _move(day, max(5, deals // 100)),
        "opportunities_late": _late(day, schema.OPPORTUNITY, 4, {"StageName": "Negotiation", "Probability": "75"}),
        "opportunities_inserted": _new(day, world, max(3, deals // 500)),
        "contacts_changed": _edit(day, schema.CRM_CONTACT, max(4, deals // 100), {"FirstName": "Renée"}),
        "contacts_deleted": _bin_rows(day, schema.CRM_CONTACT, 2),
        "contacts_late": _late(day, schema.CRM_CONTACT, 3, {"LastName": "Late-Married"}),
        "contacts_inserted": _new_contacts(day, 3),
        "products_renamed": _edit(day, schema.CRM_PRODUCT, 2, {"Name": "Renamed today"}),
        "products_withdrawn": _edit(day, schema.CRM_PRODUCT, 1, {"IsActive": 0}),
        "users_left": _edit(day, schema.USER, 1, {"IsActive": 0}, "IsActive = 1"),
    }


def _sync_quote(day: Day, count: int) -> int:
    """A quote is synchronised: a line is erased, another one is written in its place, and the total follows."""
    keys = day.pick(
        schema.OPPORTUNITY_LINE, count, f"{_LIVE} AND OpportunityId IN (SELECT Id FROM Opportunity WHERE {_OPEN})"
    )
    for key in keys:
        line = day.store.get(schema.OPPORTUNITY_LINE, key) or {}
        deal, at = (str(line["OpportunityId"]),), Moment(day.stamp())
        changes.delete(day.store, schema.OPPORTUNITY_LINE, [key], at, hard=True)
        written = {name: line[name] for name in ("OpportunityId", "Product2Id", "UnitPrice", "Discount")}
        serial = day.ever(schema.OPPORTUNITY_LINE) + 500_000_000
        row = written | _priced(line, 2 * Decimal(str(line["Quantity"]))) | {"Id": record_id("00k", serial)}
        changes.insert(day.store, schema.OPPORTUNITY_LINE, row, at)
        day.taken.add(deal)
        changes.change(day.store, schema.OPPORTUNITY, deal, {"Amount": _amount(day, deal)}, at)
    return len(keys)


def _priced(line: Row, quantity: Decimal) -> Row:
    share = 1 - Decimal(str(line["Discount"] or 0)) / 100
    total = (quantity * Decimal(str(line["UnitPrice"])) * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return {"Quantity": f"{quantity:.2f}", "TotalPrice": f"{total:f}"}


def _amount(day: Day, deal: Key) -> str:
    sql = f"SELECT TotalPrice FROM OpportunityLineItem WHERE {_LIVE} AND OpportunityId = ?"
    return f"{sum((Decimal(row[0]) for row in day.store.read(sql, deal)), Decimal('0.00')):f}"


def _bin(day: Day, count: int) -> int:
    """Opportunities go to the recycle bin, their lines with them."""
    picked = day.pick(schema.OPPORTUNITY, count, f"{_LIVE} AND {_FIT}")
    for key in picked:
        at = Moment(day.stamp())
        for entity, keys in ((schema.OPPORTUNITY, [key]), (schema.OPPORTUNITY_LINE, _lines(day, key, deleted=0))):
            changes.delete(day.store, entity, keys, at, hard=False)
    return len(picked)


def _unbin(day: Day, count: int) -> int:
    picked = day.pick(schema.OPPORTUNITY, count, f"IsDeleted = 1 AND {_FIT}")
    for key in picked:
        at = Moment(day.stamp())
        for entity, keys in ((schema.OPPORTUNITY, [key]), (schema.OPPORTUNITY_LINE, _lines(day, key, deleted=1))):
            changes.undelete(day.store, entity, keys, at)
    return len(picked)


def _lines(day: Day, deal: Key, *, deleted: int) -> list[Key]:
    sql = "SELECT Id FROM OpportunityLineItem WHERE OpportunityId = ? AND IsDeleted = ? ORDER BY Id"
    return [tuple(row) for row in day.store.read(sql, (*deal, deleted))]


def _close(day: Day, count: int, *, won: bool) -> int:
    columns = {
        "StageName": "Closed Won" if won else "Closed Lost",
        "Probability": "100" if won else "0",
        "IsClosed": 1,
        "IsWon": int(won),
    }
    picked = day.pick(schema.OPPORTUNITY, count, _OPEN)
    for key in picked:
        at = day.stamp()
        changes.change(day.store, schema.OPPORTUNITY, key, columns | {"CloseDate": f"{at:%Y-%m-%d}"}, Moment(at))
    return len(picked)


def _move(day: Day, count: int) -> int:
    picked = day.pick(schema.OPPORTUNITY, count, _OPEN)
    for key in picked:
        stage = day.rng.choice(list(STAGES))
        columns = {"StageName": stage, "Probability": str(STAGES[stage])}
        changes.change(day.store, schema.OPPORTUNITY, key, columns, Moment(day.stamp()))
    return len(picked)


def _new(day: Day, world: World, count: int) -> int:
    """New opportunities of known accounts, with two lines each."""
    first = day.ever(schema.OPPORTUNITY)
    accounts = day.peek(schema.ACCOUNT, _LIVE)
    for serial in range(first, first + count):
        at = Moment(day.stamp())
        lines = [_new_line(day, world, serial, position) for position in range(2)]
        row = {
            "Id": opportunity_id(serial),
            "AccountId": day.rng.choice(accounts)[0],
            "Name": f"{day.rng.choice(names.TRADES)} {serial}",
            "Amount": f"{sum(Decimal(str(line['TotalPrice'])) for line in lines):f}",
            "CurrencyIsoCode": "EUR",
            "CloseDate": f"{day.end + timedelta(days=day.rng.randrange(30, 120)):%Y-%m-%d}",
        }
        changes.insert(day.store, schema.OPPORTUNITY, row, at)
        for line in lines:
            changes.insert(day.store, schema.OPPORTUNITY_LINE, line, at)
    return count


def _new_line(day: Day, world: World, serial: int, position: int) -> Row:
    line: Row = {
        "Id": line_id(serial, position),
        "OpportunityId": opportunity_id(serial),
        "Product2Id": product_id(day.rng.randrange(product_total(world))),
        "UnitPrice": f"{day.rng.randrange(100, 100_000) / 100:.2f}",
        "Discount": None,
    }
    return line | _priced(line, Decimal(day.rng.randrange(1, 21)))


def _edit(day: Day, entity: Entity, count: int, columns: Row, where: str = _LIVE) -> int:
    picked = day.pick(entity, count, where)
    for key in picked:
        changes.change(day.store, entity, key, columns, Moment(day.stamp()))
    return len(picked)


def _bin_rows(day: Day, entity: Entity, count: int) -> int:
    picked = day.pick(entity, count, _LIVE)
    for key in picked:
        changes.delete(day.store, entity, [key], Moment(day.stamp()), hard=False)
    return len(picked)


def _late(day: Day, entity: Entity, count: int, columns: Row) -> int:
    picked = day.pick(entity, count, _OPEN if entity is schema.OPPORTUNITY else _LIVE)
    for key in picked:
        changes.change(day.store, entity, key, columns, day.late)
    return len(picked)


def _new_contacts(day: Day, count: int) -> int:
    first = day.ever(schema.CRM_CONTACT)
    accounts = day.peek(schema.ACCOUNT, _LIVE)
    for serial in range(first, first + count):
        row = {
            "Id": record_id("003", serial),
            "AccountId": day.rng.choice(accounts)[0],
            "FirstName": day.rng.choice(names.FIRST_NAMES),
            "LastName": day.rng.choice(names.LAST_NAMES),
            "Email": f"contact{serial}@example.com",
        }
        changes.insert(day.store, schema.CRM_CONTACT, row, Moment(day.stamp()))
    return count
