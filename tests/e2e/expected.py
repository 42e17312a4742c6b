"""What the marts must say, computed from the simulators' databases alone: plain SQL and a few lines of Python.

It knows the sources' names and the matching rules, and nothing of the lake: neither its SQL nor its tables.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# Documents that break an error rule of their contract are in quarantine, and in no mart.
GOOD_LINES = """
    WITH now AS (SELECT value FROM _meta WHERE name = 'now'),
    broken AS (SELECT SalesOrder FROM A_SalesOrderItem WHERE CAST(RequestedQuantity AS REAL) < 0),
    lines AS (
        SELECT i.SalesOrder, i.SalesOrderItem, o.SalesOrderDate, o.TransactionCurrency,
            CAST(ROUND(i.NetAmount * 1000) AS INTEGER) AS net,
            COALESCE(TRIM(i.SalesDocumentRjcnReason), '') <> '' AS rejected
        FROM A_SalesOrderItem AS i JOIN A_SalesOrder AS o USING (SalesOrder)
        WHERE o._visible_at <= (SELECT value FROM now) AND i._visible_at <= (SELECT value FROM now)
            AND o.SalesOrder NOT IN (SELECT SalesOrder FROM broken)
    )
"""
ORDERS_BY_MONTH = """
    SELECT SUBSTR(SalesOrderDate, 1, 7) || '-01', TransactionCurrency, COUNT(*), COUNT(DISTINCT SalesOrder),
        SUM(CASE WHEN rejected THEN 0 ELSE net END)
    FROM lines GROUP BY 1, 2
"""
ORDER_LINES = """
    SELECT COUNT(*), COUNT(DISTINCT SalesOrder || '/' || SalesOrderItem), SUM(rejected), SUM(net),
        SUM(CASE WHEN rejected THEN 0 ELSE net END)
    FROM lines
"""
BROKEN_ORDERS = "SELECT DISTINCT SalesOrder FROM A_SalesOrderItem WHERE CAST(RequestedQuantity AS REAL) < 0"
ACCOUNTS = """
    SELECT Id, BillingCountry, BillingPostalCode, ERP_Customer_Number__c, VAT_Number__c FROM Account
    WHERE NOT IsDeleted AND _visible_at <= (SELECT value FROM _meta WHERE name = 'now')
"""
PARTNERS = """
    SELECT BusinessPartner, Customer FROM A_BusinessPartner
    WHERE BusinessPartnerCategory IN ('1', '2', '3') AND _visible_at <= (SELECT value FROM _meta WHERE name = 'now')
"""
TAXES = "SELECT BusinessPartner, BPTaxType, BPTaxNumber FROM A_BusinessPartnerTaxNumber"
ADDRESSES = "SELECT BusinessPartner, PostalCode FROM A_BusinessPartnerAddress"
# VAT numbers of the countries that the sources' companies come from.
VALID = re.compile(
    r"(DE|GB|EL)\d{9}|ATU\d{8}|CHE\d{9}(MWST|TVA|IVA)?|FR[A-Z0-9]{2}\d{9}|IT\d{11}|NL\d{9}B\d{2}|PL\d{10}"
)


@dataclass(frozen=True)
class Match:
    """One row of customer_xref."""

    account: str
    partner: str
    rule: int
    confidence: Decimal


def read(sources: Path, source: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a simulator's database."""
    with closing(sqlite3.connect(f"file:{sources / source}.sqlite?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def read_lines(sources: Path, select: str) -> list[tuple[Any, ...]]:
    """Rows of a SELECT over `lines`: order items of documents that are not in quarantine."""
    return read(sources, "erp", GOOD_LINES + select)


def thousandths(value: int) -> Decimal:
    """An amount that SQLite counted in thousandths."""
    return Decimal(value).scaleb(-3)


def matches(sources: Path) -> set[Match]:
    """Rules 1 (the ERP's number on the account) and 2 (the VAT number); nobody has decided anything by hand."""
    partners = read(sources, "erp", PARTNERS)
    known = {partner for partner, _ in partners}
    by_number = {customer: partner for partner, customer in partners if customer}
    by_vat: dict[str, set[str]] = defaultdict(set)
    for partner, kind, number in read(sources, "erp", TAXES):
        if partner in known and re.fullmatch(r"..0", kind) and (vat := vat_number(number, kind[:2])):
            by_vat[vat].add(partner)
    postcodes = defaultdict(set)
    for partner, postcode in read(sources, "erp", ADDRESSES):
        postcodes[partner].add(plain(postcode))
    found: set[Match] = set()
    for account, country, postcode, number, vat in read(sources, "crm", ACCOUNTS):
        first = by_number.get(str(number).strip().zfill(10)) if number and str(number).strip() else None
        same_vat = by_vat.get(vat_number(vat, country) or "", set())
        near = {partner for partner in same_vat if postcode and plain(postcode) in postcodes[partner]}
        if first:
            found.add(Match(account, first, 1, Decimal("0.99")))
        elif len(same_vat) == 1:
            found |= {Match(account, partner, 2, Decimal("0.95")) for partner in same_vat}
        else:
            chosen = near if len(near) == 1 else same_vat
            found |= {Match(account, partner, 2, Decimal("0.90")) for partner in chosen}
    return found


def by_rule(found: set[Match]) -> Counter[int]:
    """How many rows each rule gave."""
    return Counter(match.rule for match in found)


def plain(text: str | None) -> str:
    """A postcode as it is compared."""
    return (text or "").replace(" ", "").upper()


def vat_number(text: str | None, country: str | None) -> str | None:
    """A VAT number as it is compared; None where it is none: too short, or a placeholder."""
    number = re.sub(r"[^A-Z0-9]", "", (text or "").upper())
    if not number:
        return None
    number = re.sub(r"^GR", "EL", (country or "").upper().strip() + number if number[0].isdigit() else number)
    body = number[2:]
    placeholder = len(set(body)) == 1 or "123456789" in body
    return number if VALID.fullmatch(number) and not placeholder else None
