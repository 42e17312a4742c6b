"""Three years of sales orders with their items, month by month."""

import math
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, pairwise
from random import Random

from local.simulators.deals import Deal, by_order, opportunity_id
from local.simulators.instants import berlin, ts7_text
from local.simulators.names import ODD_TEXTS
from local.simulators.store import Row
from local.simulators.world import FIRST_CUSTOMER, World, customer_number, has_account, material

MONTHS = 36
LINES_PER_ORDER = 1 + 0.65 / 0.35
_ORGANISATIONS = ("1010", "1010", "1010", "1010", "1710", "1710", "1210", "1310")
_RATES = {"EUR": 1.0, "USD": 1.09, "GBP": 0.86, "CHF": 0.95, "PLN": 4.3, "JPY": 163.0}
_CURRENCIES = ("EUR",) * 60 + ("USD",) * 14 + ("GBP",) * 8 + ("CHF",) * 7 + ("PLN",) * 6 + ("JPY",) * 5
_REJECTIONS = ("07", "10", "52")
_BIG_ORDER_LINES = 999


@dataclass(frozen=True)
class Order:
    """A header and its items."""

    row: Row
    items: list[Row]


@dataclass(frozen=True)
class Market:
    """Who buys what: a few customers and products make most of the lines, and 15% of the products never sell."""

    world: World

    @cached_property
    def _customer_weights(self) -> list[float]:
        return list(accumulate(1 / rank**0.9 for rank in range(1, self.world.size.customers + 1)))

    @cached_property
    def _product_weights(self) -> list[float]:
        sold = math.ceil(self.world.size.products * 0.85)
        return list(accumulate(1 / rank for rank in range(1, sold + 1)))

    @cached_property
    def _prices(self) -> list[float]:
        rng = self.world.rng("price")
        return [rng.lognormvariate(math.log(85), 1.4) for _ in range(self.world.size.products)]

    def customer(self, rng: Random) -> str:
        """The number of a customer, by Zipf's law."""
        rank = bisect(self._customer_weights, rng.random() * self._customer_weights[-1])
        # Ranks are spread over the numbers, so that an old number is not always a big customer.
        return customer_number((rank * 7919 + 31) % self.world.size.customers)

    def product(self, rng: Random) -> tuple[str, float]:
        """A material number and its list price in EUR."""
        rank = bisect(self._product_weights, rng.random() * self._product_weights[-1])
        return material(rank), self._prices[rank]

    def price(self, index: int) -> float:
        """The list price in EUR of material `index`."""
        return self._prices[index]


def amount(cents: int) -> str:
    """Cents as a decimal of scale 3, exactly."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}0"


def cents(text: str) -> int:
    """The reverse of `amount`."""
    whole, fraction = text.removeprefix("-").split(".")
    return (-1 if text.startswith("-") else 1) * (int(whole) * 100 + int(fraction[:2]))


def orders(world: World) -> Iterator[Order]:
    """Every order up to the world's now, numbered in the order of creation."""
    market = Market(world)
    edges, counts = _month_edges(world.now), _counts(world)
    linked = by_order(world, sum(counts))
    number = 0
    for month, ((start, end), count) in enumerate(zip(edges, counts, strict=True)):
        rng = world.rng("erp.sales_order", month)
        span = max(1, int((end - start).total_seconds()))
        for nth, second in enumerate(sorted(rng.randrange(span) for _ in range(count))):
            number += 1
            lines = _BIG_ORDER_LINES if (month, nth) == (20, 3) else None
            order = new_order(market, rng, number, start + timedelta(seconds=second), lines)
            if (deal := linked.get(number)) is not None:
                _quote(world, order, deal)
            yield _dirty(order, rng, month * 100 + nth if nth < 6 else None)


def order_total(world: World) -> int:
    """How many orders there are, numbered from 1."""
    return sum(_counts(world))


def _counts(world: World) -> list[int]:
    """The orders of each month."""
    weights = [_season(start) for start, _ in _month_edges(world.now)]
    target = world.size.order_lines / LINES_PER_ORDER
    return [round(target * weight / sum(weights)) for weight in weights]


def _quote(world: World, order: Order, deal: Deal) -> None:
    """An order that came of an opportunity may bear its id, in a field of capital letters."""
    customer = int(str(order.row["SoldToParty"])) - FIRST_CUSTOMER
    if deal.quoted and has_account(world, customer):
        order.row["ExternalDocumentID"] = opportunity_id(deal.serial).upper()


def new_order(market: Market, rng: Random, number: int, created: datetime, lines: int | None = None) -> Order:
    """One clean order created at `created`; its last change lies between then and now."""
    key = f"{number:010d}"
    currency = rng.choice(_CURRENCIES)
    if lines is None:
        lines = 1 + int(math.log(1 - rng.random()) / math.log(0.65))
    items = [_item(market, rng, key, position, currency) for position in range(1, lines + 1)]
    today = berlin(created)[0]
    dated = berlin(created - timedelta(days=rng.randrange(1, 4)))[0] if rng.random() < 0.1 else today
    changed = _changed(rng, created, market.world.now)
    row: Row = {
        "SalesOrder": key,
        "SalesOrganization": rng.choice(_ORGANISATIONS),
        "SoldToParty": market.customer(rng),
        "SalesOrderDate": dated,
        "TransactionCurrency": currency,
        "TotalNetAmount": total(items),
        "ExternalDocumentID": f"PO-{rng.randrange(10**6):06d}",
        "CreationDate": today,
        "LastChangeDateTime": ts7_text(changed, rng.randrange(10)),
    }
    return Order(row, items)


def total(items: list[Row]) -> str:
    """What a header says: the sum of the items that are not rejected."""
    return amount(sum(cents(str(item["NetAmount"])) for item in items if not item["SalesDocumentRjcnReason"]))


def _item(market: Market, rng: Random, order: str, position: int, currency: str) -> Row:
    material, price = market.product(rng)
    unit = rng.choice(("PC",) * 8 + ("KG", "M"))
    thousandths = rng.randrange(1, 41) * 1000 if unit == "PC" else rng.randrange(250, 90_000, 125)
    value = price * _RATES[currency] * thousandths / 1000 * (1 - rng.betavariate(2, 12))
    net = round(value) * 100 if currency == "JPY" else round(value * 100)
    return {
        "SalesOrder": order,
        "SalesOrderItem": f"{position * 10:06d}",
        "Material": material,
        "RequestedQuantity": f"{thousandths // 1000}.{thousandths % 1000:03d}",
        "RequestedQuantityUnit": "XX" if rng.random() < 0.001 else unit,
        "NetAmount": amount(max(net, 1 if currency != "JPY" else 100)),
        "SalesDocumentRjcnReason": rng.choice(_REJECTIONS) if rng.random() < 0.03 else "",
    }


def _changed(rng: Random, created: datetime, now: datetime) -> datetime:
    after = 0.0 if rng.random() < 0.4 else rng.lognormvariate(math.log(5 * 86_400), 1.2)
    latest = now - timedelta(seconds=rng.randrange(60, 3600))
    changed = min(created + timedelta(seconds=after), max(created, latest))
    return changed.replace(microsecond=rng.randrange(10**6))


def _dirty(order: Order, rng: Random, place: int | None) -> Order:
    """Spoil an order by chance, and at fixed places (month × 100 + nth), so that the smallest world has each kind."""
    row, items = order.row, order.items
    if place in (400, 800, 1000, 1701) or rng.random() < 0.005:
        row["ExternalDocumentID"] = ODD_TEXTS[rng.randrange(8) if place is None else place // 100 % 8]
    if place in (501, 1101, 3402) or rng.random() < 0.001:
        row["LastChangeDateTime"] = None
    if place == 902 or rng.random() < 0.001:
        row["TotalNetAmount"] = amount(cents(str(row["TotalNetAmount"])) + 1234)
    if place == 1302 or rng.random() < 0.002:
        row["SoldToParty"] = "0000999999"
    if place in (702, 2102) or rng.random() < 0.0005 * LINES_PER_ORDER:
        items[-1]["RequestedQuantity"] = f"-{items[-1]['RequestedQuantity']}"
    return order


def _season(start: datetime) -> float:
    return 0.8 if start.month == 8 else 1.1 if start.month % 3 == 0 else 1.0


def _month_edges(now: datetime) -> list[tuple[datetime, datetime]]:
    """The last 36 calendar months, the present one up to an hour before now."""
    months = now.year * 12 + now.month - 1
    starts = [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(months - MONTHS + 1, months + 2)]
    return [(start, min(end, now - timedelta(hours=1))) for start, end in pairwise(starts)]
