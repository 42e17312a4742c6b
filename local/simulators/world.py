"""The companies that both sources know, each in its own way: partners of the ERP, accounts of the CRM.

Both sources are generated from the seed alone, so that they fit together without talking. Random streams are made from
(seed, entity, chunk): the same seed gives the same rows, whichever part of the world is asked for first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from local.simulators import names
from local.simulators.instants import berlin, salesforce_text
from local.simulators.names import Company
from local.simulators.store import Row

HISTORY = timedelta(days=3 * 365)
"""How far back before the simulated now the world goes."""

FIRST_PARTNER = 1_000_000
FIRST_CUSTOMER = 200_000
USERS = 25
"""Of the CRM's users, those who own records: in every world the same."""
KNOWN_SHARE = 0.9
"""Of the ERP's customers, those that the CRM has accounts of."""
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Size:
    """How much there is."""

    customers: int
    products: int
    order_lines: int


SIZES = {
    "XS": Size(20, 8, 120),
    "S": Size(150, 120, 2_000),
    "M": Size(5_000, 6_000, 200_000),
    "L": Size(40_000, 60_000, 5_000_000),
}


@dataclass(frozen=True)
class World:
    """What the rows are made from: a seed, a size, and the instant at which they end."""

    seed: int
    size: Size
    now: datetime

    def rng(self, entity: str, chunk: int | str = 0) -> Random:
        """The random stream of one chunk of one entity."""
        return Random(f"{self.seed}:{entity}:{chunk}")  # noqa: S311  repeatable on purpose

    def instant(self, rng: Random, after: datetime | None = None) -> datetime:
        """A whole second between `after` (or the beginning) and an hour before now."""
        start = after or self.now - HISTORY
        seconds = max(1, int((self.now - start).total_seconds()) - 3600)
        return (start + timedelta(seconds=rng.randrange(seconds))).replace(microsecond=0)

    def customer(self, index: int) -> Company:
        """The company behind customer `index`."""
        return names.company(self.rng("company", index), index)


@dataclass(frozen=True)
class Partner:
    """A business partner with its children, and the company behind it (None for people, groups and suppliers)."""

    row: Row
    taxes: list[Row]
    identifications: list[Row]
    addresses: list[Row]


@dataclass(frozen=True)
class Account:
    """A CRM account and the ERP's customer that is the same company in truth (None: a prospect)."""

    row: Row
    customer: int | None

    @property
    def partner(self) -> str | None:
        """The business partner behind it."""
        return None if self.customer is None else partner_number(self.customer)


def partner_number(index: int) -> str:
    """The business partner of customer `index`; not its customer number, as systems that were migrated have it."""
    return f"{FIRST_PARTNER + index:010d}"


def has_account(world: World, index: int) -> bool:
    """Whether the CRM knows customer `index`."""
    return world.rng("crm.account", index).random() < KNOWN_SHARE


def customer_number(index: int) -> str:
    """The ERP customer number of customer `index`."""
    return f"{FIRST_CUSTOMER + index:010d}"


def material(index: int) -> str:
    """The ERP's number of product `index`."""
    return f"WELLE/{index:04d}-Ü" if index % 29 == 3 else f"MAT-{100_000 + index}"


def vat_type(vat: str) -> str:
    """The ERP's kind of tax number for a VAT id: the country and 0."""
    return f"{'GR' if vat.startswith('EL') else vat[:2]}0"


def partners(world: World) -> Iterator[Partner]:
    """Every customer, and a fifth more: people, suppliers, groups, and some with a category that does not exist."""
    total = world.size.customers + world.size.customers // 5
    for index in range(total):
        rng = world.rng("erp.business_partner", index)
        if index < world.size.customers:
            yield _customer_partner(world, rng, index)
        else:
            yield _other_partner(world, rng, index)


def accounts(world: World) -> Iterator[Account]:
    """Accounts of nine customers in ten, duplicates of some, and prospects that the ERP does not know."""
    total = account_total(world)
    serial = 0
    for index in range(world.size.customers):
        rng = world.rng("crm.account", index)
        if rng.random() >= KNOWN_SHARE:
            continue
        original = _account(world, rng, serial, world.customer(index), index)
        yield original
        serial += 1
        if rng.random() < 0.04 * 1.6 / 0.9 and serial < total:
            yield _duplicate(world, rng, serial, index, original)
            serial += 1
    while serial < total:
        rng = world.rng("crm.prospect", serial)
        yield _account(world, rng, serial, names.company(rng, serial), None)
        serial += 1


def account_total(world: World) -> int:
    """How many accounts there are, numbered from 0."""
    return round(world.size.customers * 1.6)


def account_id(serial: int) -> str:
    """The CRM's id of account `serial`."""
    return record_id("001", serial)


def user_id(serial: int) -> str:
    """The CRM's id of user `serial`, counted from 1."""
    return case_safe(f"0055g0000{serial:06d}")


def record_id(prefix: str, serial: int) -> str:
    """An 18-character Salesforce id whose order says nothing about `serial`, in small and capital letters.

    `prefix`: the three characters that tell the object: 001 an account, 003 a contact, 006 an opportunity.
    """
    number = (serial * 7_368_787 + 12_345) % 62**6
    tail = ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        tail = _BASE62[rest] + tail
    return case_safe(f"{prefix}5g0000{tail}")


def case_safe(short: str) -> str:
    """The 15-character id with the three characters that make it unique without regard to case."""
    suffix = ""
    for part in (short[0:5], short[5:10], short[10:15]):
        bits = sum(1 << position for position, letter in enumerate(part) if letter.isascii() and letter.isupper())
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return short + suffix


def _customer_partner(world: World, rng: Random, index: int) -> Partner:
    known = world.customer(index)
    number = partner_number(index)
    row = _partner_row(world, rng, number)
    bad_category = index in (17, 71) or rng.random() < 0.001
    row |= {
        "Customer": customer_number(index),
        "BusinessPartnerCategory": rng.choice("49") if bad_category else "2",
        "OrganizationBPName1": known.name,
        "TradingPartner": f"{1000 + index % 7:06d}" if rng.random() < 0.03 else "",
    }
    taxes: list[Row] = []
    if known.vat and rng.random() >= 0.05:
        taxes.append({"BusinessPartner": number, "BPTaxType": vat_type(known.vat), "BPTaxNumber": known.vat})
        if rng.random() < 0.05:
            vat = names.vat_number(rng, "PL" if known.vat.startswith("AT") else "AT")
            taxes.append({"BusinessPartner": number, "BPTaxType": vat_type(vat), "BPTaxNumber": vat})
    return Partner(row, taxes, _identifications(rng, number, known), _addresses(rng, number, known))


def _identifications(rng: Random, number: str, known: Company) -> list[Row]:
    found: list[tuple[str, str]] = []
    if rng.random() < 0.6:
        found.append(("BUP001", known.duns))
    if rng.random() < 0.1:
        found.append(("BUP002", f"HRB {names.digits(rng, 5)}"))
    return [
        {"BusinessPartner": number, "BPIdentificationType": kind, "BPIdentificationNumber": value}
        for kind, value in found
    ]


def _addresses(rng: Random, number: str, known: Company) -> list[Row]:
    count = 0 if rng.random() < 0.01 else 2 if rng.random() < 0.08 else 1
    return [
        {
            "BusinessPartner": number,
            "AddressID": f"{int(number) * 10 + nth:010d}",
            "PostalCode": known.postcode if nth == 0 else names.digits(rng, 5),
            "Country": known.country,
        }
        for nth in range(count)
    ]


def _other_partner(world: World, rng: Random, index: int) -> Partner:
    number = partner_number(index)
    row = _partner_row(world, rng, number)
    kind = rng.choice("11123")
    row["BusinessPartnerCategory"] = kind
    if kind == "1":
        row |= {"FirstName": rng.choice(names.FIRST_NAMES), "LastName": rng.choice(names.LAST_NAMES)}
    elif kind == "2":
        row["OrganizationBPName1"] = names.company(rng, index).name
    else:
        row["OrganizationBPName1"] = f"Einkaufsgruppe {rng.choice(names.STEMS)}"
    return Partner(row, [], [], _addresses(rng, number, names.company(rng, index)))


def _partner_row(world: World, rng: Random, number: str) -> Row:
    created = world.instant(rng)
    created_on, created_at = berlin(created)
    # Nearly half of the partners were never changed: the ERP leaves their change stamp empty.
    changed_on, changed_at = berlin(world.instant(rng, created)) if rng.random() < 0.55 else (None, None)
    return {
        "BusinessPartner": number,
        "Customer": "",
        "OrganizationBPName1": "",
        "FirstName": "",
        "LastName": "",
        "TradingPartner": "",
        "IsMarkedForArchiving": int(rng.random() < 0.01),
        "CreationDate": created_on,
        "CreationTime": created_at,
        "LastChangeDate": changed_on,
        "LastChangeTime": changed_at,
    }


def _account(world: World, rng: Random, serial: int, known: Company, customer: int | None) -> Account:
    created = world.instant(rng)
    changed = world.instant(rng, created) if rng.random() < 0.7 else created
    if serial % 5 == 4:
        # A bulk import once stamped every fifth account with one instant.
        changed = max(created, (world.now - timedelta(days=20)).replace(minute=0, second=0))
    name = names.misspelt(rng, known.name) if rng.random() < 0.06 else known.name
    if serial in (6, 16, 26, 36) or rng.random() < 0.005:
        name = f"{name} {names.ODD_TEXTS[serial % 8]}"
    stamp = salesforce_text(changed)
    row: Row = {
        "Id": account_id(serial),
        "IsDeleted": int(serial % 37 == 11),
        "Name": name,
        "ParentId": account_id(rng.randrange(serial + 1)) if rng.random() < 0.05 else None,
        "Industry": rng.choice(names.INDUSTRIES) if rng.random() < 0.8 else None,
        "BillingPostalCode": known.postcode,
        "BillingCountry": known.country,
        "OwnerId": user_id(rng.randrange(1, USERS + 1)),
        "CreatedDate": salesforce_text(created),
        "LastModifiedDate": stamp,
        "SystemModstamp": stamp,
        "DunsNumber": known.duns if rng.random() < 0.3 else None,
        "ERP_Customer_Number__c": _erp_number(world, rng, customer),
        "VAT_Number__c": _account_vat(rng, known),
    }
    return Account(row, customer)


def _duplicate(world: World, rng: Random, serial: int, customer: int, original: Account) -> Account:
    twin = _account(world, rng, serial, world.customer(customer), customer)
    if rng.random() < 0.4:
        # Somebody has merged it already: the loser lies in the recycle bin and names the winner.
        twin.row.update({"IsDeleted": 1, "MasterRecordId": original.row["Id"]})
    return twin


def _erp_number(world: World, rng: Random, customer: int | None) -> str | None:
    dice = rng.random()
    if customer is None:
        return None
    # Two customers' accounts are wrong in every world, however small.
    if dice < 0.015 or customer in (23, 88):
        return customer_number((customer + 1 + rng.randrange(world.size.customers - 1)) % world.size.customers)
    if dice < 0.565:
        number = customer_number(customer)
        return number if rng.random() < 0.7 else number.lstrip("0")
    return None


def _account_vat(rng: Random, known: Company) -> str | None:
    dice = rng.random()
    if not known.vat or dice < 0.18:
        return None
    if dice < 0.21:
        return names.malformed_vat(rng, known.vat)
    return names.spelled_vat(rng, known.vat)
