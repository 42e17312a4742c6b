"""Sales orders as the ERP sends them, short to write."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.spark.raw_loads import Version, at, cursor


def item(order: str, number: int, net: str = "10.000", **more: Any) -> dict[str, Any]:
    """One item of an order."""
    return {
        "SalesOrder": order,
        "SalesOrderItem": f"{number:06d}",
        "Material": "M-1",
        "RequestedQuantity": Decimal("1.000"),
        "RequestedQuantityUnit": "PC",
        "NetAmount": Decimal(net),
        "SalesDocumentRjcnReason": "",
        **more,
    }


def order(
    key: str | None, observed: float, changed: float | None = None, nets: tuple[str, ...] = ("10.000",), **more: Any
) -> Version:
    """One version of an order with an item for each net amount; instants in minutes after noon."""
    moved = observed if changed is None else changed
    values = {
        "SalesOrder": key,
        "SalesOrganization": "1000",
        "SoldToParty": "0000000001",
        "SalesOrderDate": date(2026, 11, 16),
        "TransactionCurrency": "EUR",
        "TotalNetAmount": sum((Decimal(net) for net in nets), Decimal(0)),
        "CreationDate": date(2026, 11, 16),
        "LastChangeDateTime": cursor(moved),
        "to_Item": [item(key or "", number + 1, net) for number, net in enumerate(nets)],
        **more,
    }
    return Version(values, at(observed), cursor(moved))
