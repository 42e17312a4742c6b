"""What orders lead to, document by document: deliveries, billing documents, lines in the books."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from local.simulators.books import Books
from local.simulators.invoicing import Billing, Invoice
from local.simulators.orders import Order
from local.simulators.rates import Rates
from local.simulators.shipping import deliveries
from local.simulators.store import Row
from local.simulators.world import World


@dataclass(frozen=True)
class Trade:
    """The world's trade, from orders on."""

    world: World

    @cached_property
    def rates(self) -> Rates:
        """The world's exchange rates."""
        return Rates(self.world)

    @cached_property
    def books(self) -> Books:
        """Its customers' accounts."""
        return Books(self.rates)

    @cached_property
    def _billing(self) -> Billing:
        return Billing(self.world)

    def follow(self, order: Order) -> Iterator[tuple[str, Row]]:
        """What has come of an order by now, as rows of sets."""
        delivered = list(deliveries(self.world, order))
        for delivery in delivered:
            yield "A_OutbDeliveryHeader", delivery.row
            yield from (("A_OutbDeliveryItem", item) for item in delivery.items)
        invoices = list(self._billing.invoices(order, delivered))
        reversals = {each.reverses.row["BillingDocument"]: each for each in invoices if each.reverses is not None}
        for invoice in invoices:
            yield from billed(invoice)
            for line in self.books.lines(invoice, reversals.get(invoice.row["BillingDocument"])):
                yield "A_OperationalAcctgDocItemCube", line


def billed(invoice: Invoice) -> Iterator[tuple[str, Row]]:
    """A billing document as rows of sets."""
    yield "A_BillingDocument", invoice.row
    yield from (("A_BillingDocumentItem", item) for item in invoice.items)
