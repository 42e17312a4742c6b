"""The rows of the two sources that are read by declarative REST: contacts and companies, work orders and engineers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.simulators import names
from local.simulators.instants import clock_text, millis_text
from local.simulators.store import Row
from local.simulators.world import World

_FIRST_ID = 51_000_000_000
_STAGES = ("subscriber", "lead", "customer", None)
_STATES = ("planned", "under way", "done", "cancelled")
_REGIONS = ("N", "S", "W", None)
_PARTS = ("SEAL-12", "Öl 5W", 'Filter 3"', "BOLT/M8")


@dataclass(frozen=True)
class WorkOrder:
    """A work order and the parts that it took."""

    row: Row
    parts: list[Row]


def contacts(world: World) -> Iterator[Row]:
    """People, five for two companies, most of them changed since they were created."""
    for number in range(world.size.customers * 5 // 2):
        rng = world.rng("contact", number)
        created = world.instant(rng)
        first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
        yield {
            "hs_object_id": str(_FIRST_ID + number * 7),
            "email": f"{number}@example.com" if rng.random() < 0.9 else None,
            "firstname": first,
            "lastname": last if rng.random() < 0.95 else rng.choice(names.ODD_TEXTS),
            "lifecyclestage": rng.choice(_STAGES),
            "createdate": millis_text(created),
            "lastmodifieddate": millis_text(_later(world, rng.random(), created)),
        }


def companies(world: World) -> Iterator[Row]:
    """The world's companies."""
    for number in range(world.size.customers):
        rng = world.rng("hubspot company", number)
        known = world.customer(number)
        created = world.instant(rng)
        yield {
            "hs_object_id": str(_FIRST_ID + number * 11),
            "name": known.name,
            "domain": f"{number}.example.com",
            "country": known.country,
            "annualrevenue": f"{rng.randrange(10**9)}.{rng.randrange(100):02d}" if rng.random() < 0.7 else None,
            "createdate": millis_text(created),
            "hs_lastmodifieddate": millis_text(_later(world, rng.random(), created)),
        }


def work_orders(world: World) -> Iterator[WorkOrder]:
    """A visit for each four order lines of the world, each with up to three parts."""
    for number in range(world.size.order_lines // 4):
        rng = world.rng("work order", number)
        at = world.instant(rng)
        key = f"{number + 1:010d}"
        row: Row = {
            "id": key,
            "status": rng.choice(_STATES),
            "customer": world.customer(rng.randrange(world.size.customers)).name[:60],
            "scheduled_on": f"{at:%Y-%m-%d}" if rng.random() < 0.9 else None,
            "price": f"{rng.randrange(10**5)}.{rng.randrange(100):02d}" if rng.random() < 0.8 else None,
            "updated_at": clock_text(at),
        }
        parts: list[Row] = [
            {"id": key, "line": str(line + 1), "material": rng.choice(_PARTS), "quantity": f"{rng.randrange(1, 9)}.500"}
            for line in range(rng.randrange(4))
        ]
        yield WorkOrder(row, parts)


def engineers(world: World) -> Iterator[Row]:
    """Who does the work."""
    for number in range(world.size.products * 2):
        rng = world.rng("engineer", number)
        name = f"{rng.choice(names.FIRST_NAMES)} {rng.choice(names.LAST_NAMES)}"
        yield {"id": f"{number + 1:010d}", "name": name, "region": rng.choice(_REGIONS)}


def _later(world: World, chance: float, created: datetime) -> datetime:
    """When a row was changed last: at its creation, in between, or by the one import that stamped every fifth row."""
    if chance < 0.3:
        return created
    if chance < 0.5:
        return max(created, (world.now - timedelta(days=20)).replace(minute=0, second=0))
    return created + (world.now - created) * chance
