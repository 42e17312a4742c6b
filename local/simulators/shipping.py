"""What became of orders on their way out: one delivery or two, in time or late, some not yet issued."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from local.simulators.instants import ERP_ZONE
from local.simulators.masters import units
from local.simulators.orders import Order
from local.simulators.store import Row
from local.simulators.world import World

ORPHAN = "0009999999"
"""An order that the lake lacks."""

_FIRST = 80_000_000
_TOLERANCES = ("0.0", "0.0", "5.0", "10.0")


@dataclass(frozen=True)
class Delivery:
    """A delivery with its items, and what it ships of which order item: its position among the order's items, and the share."""

    row: Row
    items: list[Row]
    shipped: list[tuple[int, float]]

    @property
    def issued(self) -> date | None:
        """When the goods left, None where they have not."""
        text = self.row["ActualGoodsMovementDate"]
        return date.fromisoformat(str(text)) if text else None


def today(world: World) -> date:
    """The ERP's date."""
    return world.now.astimezone(ERP_ZONE).date()


def deliveries(world: World, order: Order) -> Iterator[Delivery]:
    """An order's deliveries up to the world's now; rejected items and those of a negative quantity are not among them."""
    number = int(str(order.row["SalesOrder"]))
    rng = world.rng("erp.outbound_delivery", number)
    wanted = [
        place
        for place, item in enumerate(order.items)
        if not item["SalesDocumentRjcnReason"] and not str(item["RequestedQuantity"]).startswith("-")
    ]
    planned = date.fromisoformat(str(order.row["CreationDate"])) + timedelta(days=rng.randrange(4, 14))
    shares = (0.6, 0.4) if rng.random() < 0.12 else (1.0,)
    for nth, share in enumerate(shares):
        due = planned + timedelta(days=7 * nth)
        created = due - timedelta(days=2)
        if wanted and created <= today(world):
            row = _header(world, rng, f"{_FIRST + 2 * number + nth:010d}", created, due)
            # By chance, and in one delivery of each world however small.
            if rng.random() < 0.003 or (number, nth) == (40, 0):
                row["ActualGoodsMovementDate"] = (created - timedelta(days=5)).isoformat()
            lines = [(place, _item(world, rng, order, place, share)) for place in wanted]
            if rng.random() < 0.0005 or (number, nth) == (41, 0):
                lines[0][1]["ActualDeliveredQtyInBaseUnit"] = f"-{lines[0][1]['ActualDeliveredQtyInBaseUnit']}"
            if rng.random() < 0.002:
                lines[0][1]["ReferenceSDDocument"] = ORPHAN
            items = [
                {"DeliveryDocument": row["DeliveryDocument"], "DeliveryDocumentItem": f"{position * 10:06d}"} | item
                for position, (_, item) in enumerate(lines, start=1)
            ]
            yield Delivery(row, items, [(place, share) for place, _ in lines])


def issue(row: Row, day: date, *, proven: bool) -> Row:
    """The columns that say that the goods of a delivery left on `day`."""
    ridden = timedelta(days=2)
    return {
        "ActualGoodsMovementDate": day.isoformat(),
        "ProofOfDeliveryDate": (day + ridden).isoformat() if proven else None,
        "DeliveryDate": row["DeliveryDate"],
    }


def _header(world: World, rng: Random, number: str, created: date, due: date) -> Row:
    late = 0 if rng.random() < 0.78 else 1 + round(rng.lognormvariate(1.5, 0.8))
    issued = due + timedelta(days=late)
    row: Row = {
        "DeliveryDocument": number,
        "PlannedGoodsIssueDate": due.isoformat(),
        "ActualGoodsMovementDate": None,
        "DeliveryDate": (due + timedelta(days=2)).isoformat(),
        "ProofOfDeliveryDate": None,
        "CreationDate": created.isoformat(),
        "LastChangeDate": None,
    }
    if issued <= today(world):
        proven = rng.random() < 0.4 and issued + timedelta(days=2) <= today(world)
        row |= issue(row, issued, proven=proven) | {
            "LastChangeDate": (issued + timedelta(days=2 if proven else 0)).isoformat()
        }
    return row


def _item(world: World, rng: Random, order: Order, place: int, share: float) -> Row:
    item = order.items[place]
    quantity = base_quantity(world, item, share)
    return {
        "Plant": order.row["SalesOrganization"],
        "ActualDeliveredQtyInBaseUnit": f"{quantity // 1000}.{quantity % 1000:03d}",
        "ReferenceSDDocument": order.row["SalesOrder"],
        "ReferenceSDDocumentItem": item["SalesOrderItem"],
        "UnderdelivTolrtdLmtRatioInPct": rng.choice(_TOLERANCES),
    }


def base_quantity(world: World, item: Row, share: float) -> int:
    """A share of an order item's quantity in thousandths of the product's base unit; an unknown unit is taken for that."""
    up, down = units(world, str(item["Material"])).get(str(item["RequestedQuantityUnit"]), (1, 1))
    thousandths = int(str(item["RequestedQuantity"]).replace(".", "").removeprefix("-"))
    return max(1, math.floor(thousandths * share * up / down + 0.5))
