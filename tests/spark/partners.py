"""Accounts and business partners as the sources send them, short to write."""

from datetime import date
from typing import Any

from tests.spark.raw_loads import NOON, Version, at, cursor


def account(key: str, name: str, observed: float = 0, **more: Any) -> Version:
    """One version of a CRM account."""
    values = {
        "Id": key,
        "Name": name,
        "BillingCountry": "DE",
        "BillingPostalCode": "70173",
        "IsDeleted": False,
        "CreatedDate": NOON,
        "SystemModstamp": at(observed),
        **more,
    }
    return Version(values, at(observed), cursor(observed))


def partner(number: str, name: str, observed: float = 0, vat: dict[str, str] | None = None, **more: Any) -> Version:
    """One version of a business partner with an address; `vat`: tax type → number."""
    values = {
        "BusinessPartner": number,
        "Customer": f"{int(number) + 100:010d}",
        "BusinessPartnerCategory": "2",
        "OrganizationBPName1": name,
        "FirstName": "",
        "LastName": "",
        "TradingPartner": "",
        "IsMarkedForArchiving": False,
        "CreationDate": date(2026, 1, 2),
        "CreationTime": "08:00:00",
        "to_BusinessPartnerTax": [
            {"BusinessPartner": number, "BPTaxType": kind, "BPTaxNumber": text} for kind, text in (vat or {}).items()
        ],
        "to_BuPaIdentification": [],
        "to_BusinessPartnerAddress": [
            {"BusinessPartner": number, "AddressID": number, "PostalCode": "70173", "Country": "DE"}
        ],
        **more,
    }
    return Version(values, at(observed), cursor(observed, 6))
