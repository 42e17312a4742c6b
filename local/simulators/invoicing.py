"""The ERP's billing documents: an invoice for what was delivered, and what is billed beside it or taken back.

Amounts are positive in the document's own direction, which its category says. A header's totals are the sums of its items, but
for one in a thousand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Final

from local.simulators.instants import ts7_text
from local.simulators.orders import Order, amount, cents
from local.simulators.rates import rounded
from local.simulators.shipping import Delivery, base_quantity, today
from local.simulators.store import Row, Store
from local.simulators.world import World, customer_number

SIGN: Final = {"M": 1, "P": 1, "S": 1, "5": 1, "O": -1, "N": -1, "6": -1}
"""By category of document: what it does to a customer's balance. Pro forma invoices (U) do nothing."""

_FIRST = 90_000_000
_FIRST_IN_BOOKS = 1_800_000_000
_SLOTS = 10
_CANCELLATION, _CREDIT, _PRO_FORMA, _AFFILIATE = 2, 4, 6, 8
_WRONG_TOTAL = (42, 0)
_TAX = {"1010": ("DE", 0.19), "1710": ("US", 0.0), "1210": ("GB", 0.2), "1310": ("CH", 0.081)}
_FIRST_RETURN = 60_000_000


@dataclass(frozen=True)
class Invoice:
    """A billing document with its items; `reverses` is the one that it cancels."""

    row: Row
    items: list[Row]
    reverses: "Invoice | None" = None

    @property
    def day(self) -> date:
        """Its date."""
        return date.fromisoformat(str(self.row["BillingDocumentDate"]))

    @property
    def gross(self) -> int:
        """Net and tax of the items, in cents."""
        return sum(cents(str(item["NetAmount"])) + cents(str(item["TaxAmount"])) for item in self.items)


@dataclass(frozen=True)
class Billing:
    """Who bills what, by orders and their deliveries."""

    world: World

    @cached_property
    def _countries(self) -> dict[str, str]:
        return {customer_number(each): self.world.customer(each).country for each in range(self.world.size.customers)}

    def invoices(self, order: Order, delivered: list[Delivery]) -> Iterator[Invoice]:
        """The billing documents of an order up to the world's now."""
        number = int(str(order.row["SalesOrder"]))
        rng = self.world.rng("erp.billing_document", number)
        for nth, delivery in enumerate(delivered):
            dice, spare, days = rng.random(), rng.random(), rng.randrange(3)
            if delivery.issued is None:
                continue
            slot = number * _SLOTS + nth
            invoice = self._invoice(rng, order, delivery, slot, delivery.issued + timedelta(days=days))
            dirty = spare < 0.001 or (number, nth) == _WRONG_TOTAL
            found = [_dirty(invoice) if dirty else invoice, *self._beside(rng, dice, invoice, slot)]
            yield from (each for each in found if each.day <= today(self.world))

    def _beside(self, rng: Random, dice: float, invoice: Invoice, slot: int) -> Iterator[Invoice]:
        """By chance: a cancellation (each third in the next month), a credit, a pro forma or an affiliate's invoice."""
        if dice < 0.008:
            days = 35 if dice < 0.0027 else rng.randrange(1, 3)
            yield cancellation(invoice, slot + _CANCELLATION, invoice.day + timedelta(days=days))
        elif dice < 0.033:
            yield _credit(rng, invoice, slot + _CREDIT, invoice.day + timedelta(days=rng.randrange(5, 40)))
        elif dice < 0.043:
            yield _turned(invoice, slot + _PRO_FORMA, "U", "F8", invoice.day, booked=False)
        elif dice < 0.073:
            yield _turned(invoice, slot + _AFFILIATE, "5", "IV", invoice.day)

    def _invoice(self, rng: Random, order: Order, delivery: Delivery, slot: int, day: date) -> Invoice:
        company, currency = str(order.row["SalesOrganization"]), str(order.row["TransactionCurrency"])
        country, rate = _TAX[company]
        rate = rate if self._countries.get(str(order.row["SoldToParty"])) == country else 0.0
        items: list[Row] = []
        for position, (place, share) in enumerate(delivery.shipped, start=1):
            item = order.items[place]
            net = rounded(cents(str(item["NetAmount"])) * share, currency)
            quantity = base_quantity(self.world, item, share)
            cost = rounded(net * rng.uniform(0.55, 0.8), currency)
            items.append(
                {
                    "BillingDocumentItem": f"{position * 10:06d}",
                    "Material": item["Material"],
                    "Plant": company,
                    "BillingQuantityInBaseUnit": f"{quantity // 1000}.{quantity % 1000:03d}",
                    "NetAmount": amount(net),
                    "TaxAmount": amount(rounded(net * rate, currency)),
                    "CostAmount": amount(0 if rng.random() < 0.05 else cost),
                    "SalesDocument": order.row["SalesOrder"],
                    "SalesDocumentItem": item["SalesOrderItem"],
                }
            )
        row: Row = {
            "SDDocumentCategory": "M",
            "BillingDocumentType": "F2",
            "SalesOrganization": company,
            "CompanyCode": company,
            "SoldToParty": order.row["SoldToParty"],
            "TransactionCurrency": currency,
            "CancelledBillingDocument": "",
        }
        return _numbered(row, items, slot, day)


def cancellation(invoice: Invoice, slot: int, day: date) -> Invoice:
    """The document that takes an invoice back, of the same amounts."""
    found = _turned(invoice, slot, "N", "S1", day)
    found.row["CancelledBillingDocument"] = invoice.row["BillingDocument"]
    return replace(found, reverses=invoice)


def debit(invoice: Invoice, slot: int, day: date) -> Invoice:
    """The document that bills what an invoice lacked."""
    return _turned(invoice, slot, "P", "L2", day)


def next_slot(store: Store) -> int:
    """The first slot that no billing document was ever numbered by."""
    return int(store.read("SELECT MAX(BillingDocument) FROM A_BillingDocument")[0][0]) - _FIRST + 1


def _credit(rng: Random, invoice: Invoice, slot: int, day: date) -> Invoice:
    """A credit for returned goods; it names a return, which is another service's document."""
    items = [
        item
        | {
            "NetAmount": amount(cents(str(item["NetAmount"])) // 200 * 100),
            "TaxAmount": amount(cents(str(item["TaxAmount"])) // 200 * 100),
            "SalesDocument": f"{_FIRST_RETURN + slot:010d}",
        }
        for item in rng.sample(invoice.items, 1)
    ]
    return _turned(replace(invoice, items=items), slot, "O", "G2", day)


def _turned(invoice: Invoice, slot: int, category: str, kind: str, day: date, *, booked: bool = True) -> Invoice:
    row = invoice.row | {"SDDocumentCategory": category, "BillingDocumentType": kind}
    found = _numbered(row, invoice.items, slot, day)
    if not booked:
        found.row["AccountingDocument"] = ""
    return found


def _numbered(row: Row, items: list[Row], slot: int, day: date) -> Invoice:
    document = f"{_FIRST + slot:010d}"
    entered = datetime.combine(day, time(5, slot % 60, slot // 60 % 60), UTC)
    return Invoice(
        row
        | {
            "BillingDocument": document,
            "BillingDocumentDate": day.isoformat(),
            "TotalNetAmount": amount(sum(cents(str(item["NetAmount"])) for item in items)),
            "TaxAmount": amount(sum(cents(str(item["TaxAmount"])) for item in items)),
            "AccountingDocument": f"{_FIRST_IN_BOOKS + slot:010d}",
            "LastChangeDateTime": ts7_text(entered, slot % 10),
        },
        [item | {"BillingDocument": document} for item in items],
    )


def _dirty(invoice: Invoice) -> Invoice:
    total = amount(cents(str(invoice.row["TotalNetAmount"])) + 1234)
    return replace(invoice, row=invoice.row | {"TotalNetAmount": total})
