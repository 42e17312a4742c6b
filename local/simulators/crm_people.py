"""Who is in the CRM: its users, and the people at the customers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from local.simulators import names
from local.simulators.instants import salesforce_text
from local.simulators.store import Row
from local.simulators.world import USERS, World, account_id, account_total, record_id, user_id

_GONE = 9_000_000
"""Serial numbers from here on are nobody's."""


def stamped(world: World, rng: Random, created: datetime | None = None) -> Row:
    """When a record was created, and when it was last changed: never since, at some time, or with many others."""
    created = created or world.instant(rng)
    chance = rng.random()
    changed = created if chance < 0.3 else world.instant(rng, created)
    if chance > 0.85:
        changed = max(created, (world.now - timedelta(days=20)).replace(minute=0, second=0))
    stamp = salesforce_text(changed)
    return {"CreatedDate": salesforce_text(created), "LastModifiedDate": stamp, "SystemModstamp": stamp}


def users(world: World) -> Iterator[Row]:
    """Those who own records, and in a large company many more; some have left."""
    for serial in range(1, max(USERS, world.size.customers // 80) + 1):
        rng = world.rng("crm.user", serial)
        first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
        row: Row = {
            "Id": user_id(serial),
            "Name": f"{first} {last}",
            "Email": f"user{serial}@example.com",
            "IsActive": int(serial % 12 != 5),
        }
        yield row | stamped(world, rng)


def contacts(world: World) -> Iterator[Row]:
    """Five people for two customers of the ERP, spread over all accounts; a few of none, or of one that is gone."""
    for serial in range(world.size.customers * 5 // 2):
        rng = world.rng("crm.contact", serial)
        last = rng.choice(names.LAST_NAMES)
        if serial in (8, 18, 28, 38) or rng.random() < 0.005:
            last = f"{last} {names.ODD_TEXTS[serial % 8]}"
        row: Row = {
            "Id": record_id("003", serial),
            "IsDeleted": int(serial % 41 == 7),
            "AccountId": _account(world, rng, serial),
            "FirstName": rng.choice(names.FIRST_NAMES) if rng.random() < 0.95 else None,
            "LastName": last,
            "Email": _email(rng, serial),
        }
        yield row | stamped(world, rng)


def _account(world: World, rng: Random, serial: int) -> str | None:
    chance = rng.random()
    if chance < 0.02:
        return None
    if serial == 12 or chance < 0.022:
        return account_id(_GONE + serial)
    return account_id(rng.randrange(account_total(world)))


def _email(rng: Random, serial: int) -> str | None:
    if rng.random() < 0.08:
        return None
    return f"contact{serial} at example.com" if serial == 22 or rng.random() < 0.005 else f"contact{serial}@example.com"
