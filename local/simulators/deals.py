"""Which sales order came of which opportunity. Both sources are told from here, so that they agree without talking."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from local.simulators.world import KNOWN_SHARE, World, record_id

_STEP = 15_485_863
"""A prime beyond any number of orders: steps of it meet each order once."""
_WON, _LOST = 0.28, 0.42
_ORDERED, _NUMBERED, _QUOTED = 0.85, 0.7, 0.5


@dataclass(frozen=True)
class Deal:
    """How opportunity `serial` ended. `order`: the number of the order that it became, where the CRM knows who ordered.

    `numbered`: sales wrote the order's number down. `quoted`: the order bears the opportunity's id, in capital letters.
    """

    serial: int
    outcome: Literal["won", "lost", "open"]
    order: int | None
    numbered: bool
    quoted: bool


def opportunity_id(serial: int) -> str:
    """The CRM's id of opportunity `serial`."""
    return record_id("006", serial)


def opportunity_total(world: World) -> int:
    """How many opportunities the CRM has, numbered from 0."""
    return world.size.customers * 3 // 2


def deals(world: World, orders: int) -> Iterator[Deal]:
    """Every deal in a world of so many orders."""
    for serial in range(opportunity_total(world)):
        rng = world.rng("deal", serial)
        dice = rng.random()
        outcome: Literal["won", "lost", "open"] = "won" if dice < _WON else "lost" if dice < _WON + _LOST else "open"
        ordered, numbered, quoted = (rng.random() for _ in range(3))
        # Who ordered is often unknown to the CRM, and such an order is nobody's deal: the others make up for it.
        order = 1 + serial * _STEP % orders if outcome == "won" and ordered < _ORDERED / KNOWN_SHARE else None
        yield Deal(serial, outcome, order, numbered < _NUMBERED, quoted < _QUOTED)


def by_order(world: World, orders: int) -> dict[int, Deal]:
    """The deals that became orders, by the order's number."""
    return {deal.order: deal for deal in deals(world, orders) if deal.order is not None}
