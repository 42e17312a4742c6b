"""Opportunities with their lines. Those that were won are often orders of the ERP: of the same customer, about the same
amount, some weeks later."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from local.simulators import names, orders
from local.simulators.crm_people import stamped
from local.simulators.crm_products import product_id, product_total
from local.simulators.deals import Deal, by_order, deals, opportunity_id
from local.simulators.instants import parse_instant, salesforce_text
from local.simulators.orders import Order
from local.simulators.store import Row
from local.simulators.world import (
    FIRST_CUSTOMER,
    USERS,
    World,
    account_id,
    account_total,
    accounts,
    record_id,
    user_id,
)

STAGES = {"Prospecting": 10, "Qualification": 25, "Proposal": 50, "Negotiation": 75}
"""The open ones, and how probable a sale is in each."""
_CURRENCIES = ("EUR",) * 60 + ("USD",) * 14 + ("GBP",) * 8 + ("CHF",) * 7 + ("PLN",) * 6 + ("JPY",) * 5
_GONE = 9_000_000
_MOST_LINES = 12
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Opportunity:
    """An opportunity, its lines, and the number of the order that it became (None: it became none)."""

    row: Row
    lines: list[Row]
    order: str | None


@dataclass(frozen=True)
class _Course:
    """When an opportunity was created and is closed, and what it is worth, in the currency's hundredths."""

    created: datetime
    closes: date
    currency: str
    cents: int


def line_id(opportunity: int, position: int) -> str:
    """The CRM's id of a line, positions counted from 0."""
    return record_id("00k", opportunity * _MOST_LINES + position)


def opportunities(world: World) -> Iterator[Opportunity]:
    """Every opportunity of a world."""
    total = orders.order_total(world)
    linked = by_order(world, total)
    known = _known_accounts(world)
    sold = {
        linked[number].serial: order
        for order in orders.orders(world)
        if (number := int(str(order.row["SalesOrder"]))) in linked and _customer(order) in known
    }
    for deal in deals(world, total):
        order = sold.get(deal.serial)
        rng = world.rng("crm.opportunity", deal.serial)
        account = known[_customer(order)] if order else account_id(rng.randrange(account_total(world)))
        course = _of_order(world, rng, order) if order else _by_itself(world, rng, deal)
        yield _opportunity(world, rng, deal, account, course, order)


def _known_accounts(world: World) -> dict[int, str]:
    """The first account of each customer that has one."""
    found: dict[int, str] = {}
    for account in accounts(world):
        if account.customer is not None:
            found.setdefault(account.customer, str(account.row["Id"]))
    return found


def _customer(order: Order) -> int:
    return int(str(order.row["SoldToParty"])) - FIRST_CUSTOMER


def _of_order(world: World, rng: Random, order: Order) -> _Course:
    """Closed up to two months before the order, or, where paperwork is slow, some days after it."""
    ordered = date.fromisoformat(str(order.row["CreationDate"]))
    days = -rng.randrange(1, 11) if rng.random() < 0.1 else rng.randrange(61)
    closes = min(ordered - timedelta(days=days), world.now.date())
    created = datetime.combine(closes, time(rng.randrange(7, 17)), UTC) - timedelta(days=_duration(rng))
    net = orders.cents(orders.total(order.items)) or sum(orders.cents(str(item["NetAmount"])) for item in order.items)
    cents = net if rng.random() < 0.4 else round(net * rng.uniform(0.9, 1.1))
    return _Course(created, closes, str(order.row["TransactionCurrency"]), max(cents, 100))


def _by_itself(world: World, rng: Random, deal: Deal) -> _Course:
    if deal.outcome == "open":
        created = world.instant(rng, world.now - timedelta(days=300))
        closes = max(created.date(), world.now.date() + timedelta(days=rng.randrange(-10, 180)))
    else:
        created = world.instant(rng)
        closes = min(created.date() + timedelta(days=_duration(rng)), world.now.date())
    return _Course(created, closes, rng.choice(_CURRENCIES), max(100, round(rng.lognormvariate(8.5, 1.3) * 100)))


def _duration(rng: Random) -> int:
    return 1 + round(rng.lognormvariate(4.0, 0.7))


def _opportunity(
    world: World, rng: Random, deal: Deal, account: str, course: _Course, order: Order | None
) -> Opportunity:
    lines = _lines(world, rng, deal, course)
    stage = rng.choice(list(STAGES)) if deal.outcome == "open" else f"Closed {deal.outcome.capitalize()}"
    number = str(order.row["SalesOrder"]) if order else None
    row: Row = {
        "Id": opportunity_id(deal.serial),
        "IsDeleted": int(deal.serial % 43 == 13),
        "AccountId": account,
        "OwnerId": user_id(rng.randrange(1, USERS + 1)),
        "Name": f"{rng.choice(names.TRADES)} {rng.choice(names.STEMS)} {deal.serial}",
        "StageName": stage,
        "Amount": f"{sum((Decimal(str(line['TotalPrice'])) for line in lines), Decimal('0.00')):f}",
        "CurrencyIsoCode": course.currency,
        "Probability": str(STAGES.get(stage, 100 if deal.outcome == "won" else 0)),
        "CloseDate": course.closes.isoformat(),
        "IsClosed": int(deal.outcome != "open"),
        "IsWon": int(deal.outcome == "won"),
        "ERP_Order_Number__c": number if deal.numbered else None,
    }
    row |= _changed(world, rng, course, closed=deal.outcome != "open")
    for line in lines:
        line.update({"IsDeleted": row["IsDeleted"]} | _stamps_of(row))
    return Opportunity(_spoiled(row, rng, deal.serial), _spoiled_lines(lines, rng, deal.serial), number)


def _changed(world: World, rng: Random, course: _Course, *, closed: bool) -> Row:
    """A closed one was last changed when it was closed, at the earliest."""
    stamps = stamped(world, rng, course.created)
    if closed:
        ended = min(datetime.combine(course.closes, time(17), UTC), world.now - timedelta(hours=1))
        if parse_instant(str(stamps["SystemModstamp"])) < ended:
            stamp = salesforce_text(ended)
            stamps |= {"LastModifiedDate": stamp, "SystemModstamp": stamp}
    return stamps


def _stamps_of(row: Row) -> Row:
    return {name: row[name] for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")}


def _lines(world: World, rng: Random, deal: Deal, course: _Course) -> list[Row]:
    """Lines of about the course's amount; the yen has no hundredths."""
    weights = [rng.uniform(0.2, 1.0)]
    while rng.random() < 0.7 and len(weights) < _MOST_LINES:
        weights.append(rng.uniform(0.2, 1.0))
    whole = course.currency == "JPY"
    return [
        _line(world, rng, line_id(deal.serial, position), deal, course.cents * weight / sum(weights), whole)
        for position, weight in enumerate(weights)
    ]


def _line(world: World, rng: Random, key: str, deal: Deal, cents: float, whole: bool) -> Row:
    quantity = Decimal(rng.randrange(1, 41)) + (Decimal("0.50") if not whole and rng.random() < 0.1 else 0)
    discount = None if whole or rng.random() < 0.5 else Decimal(rng.randrange(10, 61)) / 2
    share = 1 - (discount or Decimal(0)) / 100
    unit = Decimal(max(1, round(cents / float(quantity * share) / (100 if whole else 1)))) * (1 if whole else _CENT)
    # Few products make most of the lines.
    product = min(int(product_total(world) ** rng.random()), product_total(world)) - 1
    return {
        "Id": key,
        "OpportunityId": opportunity_id(deal.serial),
        "Product2Id": product_id(product),
        "Quantity": f"{quantity:.2f}",
        "UnitPrice": f"{unit:.2f}",
        "TotalPrice": f"{(quantity * unit * share).quantize(_CENT, ROUND_HALF_UP):f}",
        "Discount": None if discount is None else f"{discount:.2f}",
    }


def _spoiled(row: Row, rng: Random, serial: int) -> Row:
    """Spoil by chance, and at fixed places, so that the smallest world has each kind."""
    odd, orphan, reversed_, money, code, open_, negative, probable = (rng.random() for _ in range(8))
    if serial in (4, 13, 24) or odd < 0.005:
        row["Name"] = f"{row['Name']} {names.ODD_TEXTS[serial % 8]}"
    if serial == 6 or orphan < 0.002:
        row["AccountId"] = account_id(_GONE + serial)
    if serial == 9 or reversed_ < 0.003:
        row["CloseDate"] = f"{parse_instant(str(row['CreatedDate'])) - timedelta(days=30):%Y-%m-%d}"
    if serial == 11 or money < 0.001:
        row["Amount"] = f"{Decimal(str(row['Amount'])) + Decimal('12.34'):f}"
    if serial == 14 or code < 0.005:
        row["CurrencyIsoCode"] = "EUR" if row["CurrencyIsoCode"] != "EUR" else "USD"
    if serial == 17 or open_ < 0.001:
        row |= {"IsClosed": 0, "IsWon": 1}
    if serial == 19 or negative < 0.0005:
        row["Amount"] = f"-{row['Amount']}"
    if serial in (22, 28) or probable < 0.001:
        row["Probability"] = rng.choice(("120", "-5", "101"))
    return row


def _spoiled_lines(lines: list[Row], rng: Random, serial: int) -> list[Row]:
    none, wrong, orphan = (rng.random() for _ in range(3))
    if serial == 16 or none < 0.0005:
        lines[-1] |= {"Quantity": "0.00", "TotalPrice": "0.00"}
    if serial == 18 or wrong < 0.001:
        lines[-1]["TotalPrice"] = f"{Decimal(str(lines[-1]['TotalPrice'])) + 1000:f}"
    if serial == 20 or orphan < 0.002:
        lines[-1]["Product2Id"] = product_id(_GONE)
    return lines
