"""What happens to the CRM in a day of changes."""

from local.simulators import changes, names, schema
from local.simulators.changes import Moment
from local.simulators.deal_day import deal_day
from local.simulators.span import Day
from local.simulators.world import World, account_id, customer_number

_LIVE = "IsDeleted = 0"


def crm_day(day: Day, world: World) -> dict[str, int]:
    accounts = day.store.read("SELECT COUNT(*) FROM Account WHERE IsDeleted = 0")[0][0]
    done = {
        "stamped_at_one_instant": _reassign(day, min(2_500, accounts // 4)),
        "deleted": _bin(day, 12),
        "restored": _restore(day, 2),
        "merged": _merge(day, 3),
        "split": _split(day, world, 1),
        "changed": _edit(day, max(3, accounts // 50)),
        "late": _late_accounts(day, min(20, accounts // 12)),
        "inserted": _new_accounts(day, max(5, accounts // 500)),
    }
    return done | deal_day(day, world)


def _reassign(day: Day, count: int) -> int:
    """A salesman leaves: his accounts get another owner in one transaction, hence one stamp."""
    picked, at = day.pick(schema.ACCOUNT, count, _LIVE), day.stamp()
    for key in picked:
        changes.change(day.store, schema.ACCOUNT, key, {"OwnerId": "0055g0000000009AAA"}, Moment(at))
    return len(picked)


def _bin(day: Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        changes.delete(day.store, schema.ACCOUNT, [key], Moment(day.stamp()), hard=False)
    return len(picked)


def _restore(day: Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, "IsDeleted = 1 AND MasterRecordId IS NULL")
    for key in picked:
        changes.undelete(day.store, schema.ACCOUNT, [key], Moment(day.stamp()))
    return len(picked)


def _merge(day: Day, count: int) -> int:
    """The loser goes to the recycle bin and names the winner, which takes a field over, and the contacts."""
    picked = day.pick(schema.ACCOUNT, 2 * count, _LIVE)
    pairs = list(zip(picked[::2], picked[1::2], strict=False))
    for loser, winner in pairs:
        at = Moment(day.stamp())
        changes.change(day.store, schema.ACCOUNT, loser, {"IsDeleted": 1, "MasterRecordId": winner[0]}, at)
        changes.change(day.store, schema.ACCOUNT, winner, {"Industry": "Machinery"}, at)
        for (contact,) in day.store.read("SELECT Id FROM Contact WHERE AccountId = ? ORDER BY Id", loser):
            changes.change(day.store, schema.CRM_CONTACT, (contact,), {"AccountId": winner[0]}, at)
            day.taken.add((contact,))
    return len(pairs)


def _split(day: Day, world: World, count: int) -> int:
    """An account turns out to be another customer of the ERP."""
    picked = day.pick(schema.ACCOUNT, count, f"{_LIVE} AND ERP_Customer_Number__c IS NOT NULL")
    for key in picked:
        other = customer_number(day.rng.randrange(world.size.customers))
        changes.change(day.store, schema.ACCOUNT, key, {"ERP_Customer_Number__c": other}, Moment(day.stamp()))
    return len(picked)


def _edit(day: Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        columns = {"Industry": day.rng.choice(names.INDUSTRIES), "BillingPostalCode": names.digits(day.rng, 5)}
        changes.change(day.store, schema.ACCOUNT, key, columns, Moment(day.stamp()))
    return len(picked)


def _late_accounts(day: Day, count: int) -> int:
    picked = day.pick(schema.ACCOUNT, count, _LIVE)
    for key in picked:
        changes.change(day.store, schema.ACCOUNT, key, {"Industry": "Late news"}, day.late)
    return len(picked)


def _new_accounts(day: Day, count: int) -> int:
    first = day.ever(schema.ACCOUNT)
    for serial in range(first, first + count):
        known = names.company(day.rng, serial)
        row = {
            "Id": account_id(serial),
            "Name": known.name,
            "BillingCountry": known.country,
            "BillingPostalCode": known.postcode,
            "VAT_Number__c": known.vat or None,
        }
        changes.insert(day.store, schema.ACCOUNT, row, Moment(day.stamp()))
    return count
