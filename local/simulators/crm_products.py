"""What the CRM offers: half of the ERP's materials under names of its own, and some services that are no material."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from local.simulators import names
from local.simulators.crm_people import stamped
from local.simulators.store import Row
from local.simulators.world import World, material, record_id

_NOUNS = ("Shaft", "Bearing", "Gearbox", "Pump", "Valve", "Motor", "Seal", "Coupling", "Dichtung", "Welle")


@dataclass(frozen=True)
class Product:
    """A product of the CRM and the material that it is in truth (None for services)."""

    row: Row
    material: str | None


def product_id(serial: int) -> str:
    """The CRM's id of product `serial`."""
    return record_id("01t", serial)


def product_total(world: World) -> int:
    """How many products the CRM has, numbered from 0."""
    return _materials(world) + max(1, world.size.products // 20)


def products(world: World) -> Iterator[Product]:
    """Each second material, then the services."""
    for serial in range(product_total(world)):
        rng = world.rng("crm.product", serial)
        number = material(2 * serial) if serial < _materials(world) else None
        yield Product(_row(world, rng, serial, number), number)


def _materials(world: World) -> int:
    return (world.size.products + 1) // 2


def _row(world: World, rng: Random, serial: int, number: str | None) -> Row:
    name = f"{rng.choice(_NOUNS)} {rng.choice(names.STEMS)} {serial}" if number else f"Service {serial}"
    if serial in (5, 14) or rng.random() < 0.005:
        name = f"{name} {names.ODD_TEXTS[serial % 8]}"
    row: Row = {
        "Id": product_id(serial),
        "IsDeleted": int(serial % 47 == 9),
        "Name": name,
        "ProductCode": f"C-{serial:05d}",
        "StockKeepingUnit": None,
        "IsActive": int(rng.random() < 0.92),
    }
    return row | _named(rng, number) | stamped(world, rng)


def _named(rng: Random, number: str | None) -> Row:
    """Where the ERP's number stands, if anywhere: in its own field, or where somebody typed it."""
    chance = rng.random()
    if number is None or chance >= 0.95:
        return {}
    if chance < 0.6:
        return {"ERP_Material__c": number}
    if chance < 0.85:
        return {"ProductCode": number.lower() if rng.random() < 0.5 else f" {number}"}
    return {"StockKeepingUnit": f"00{number}"}
