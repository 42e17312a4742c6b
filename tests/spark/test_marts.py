"""The marts: matching accounts with partners, effective amounts, rebuilding only what has changed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lake.analytics.build import OVERRIDES, build_marts
from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.layout import Table
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.partners import account, partner
from tests.spark.raw_loads import RawFolder

MODELS = {path.stem: path.read_text("utf-8") for path in Path("glue/analytics").glob("*.sql")}
NUMBERS = count(1)
XREF = Table("customer_xref", "", ())

ACCOUNTS = [
    account("by-number", "Adler Pumpen GmbH", ERP_Customer_Number__c="101"),
    account("by-number-but-strange", "Zebra Fashion", ERP_Customer_Number__c="0000000101", BillingCountry="FR"),
    account("by-vat", "Falke Ventile", VAT_Number__c="de 222.222.223"),
    account("by-vat-without-country", "Falke Ventile", VAT_Number__c="222222223"),
    account("by-greek-vat", "Elaia", VAT_Number__c="GR 094014201", BillingCountry="GR"),
    account("vat-and-postcode", "Habicht AG", VAT_Number__c="DE333333334", BillingPostalCode="80331"),
    account("vat-of-two", "Habicht AG", VAT_Number__c="DE333333334", BillingPostalCode="99999"),
    account("rules-disagree", "Adler Pumpen", ERP_Customer_Number__c="101", VAT_Number__c="DE222222223"),
    account("placeholder", "Nobody", VAT_Number__c="DE999999999"),
    account("malformed", "Nobody", VAT_Number__c="DE22222222"),
    account("unknown", "Nobody"),
    account("deleted", "Adler Pumpen GmbH", ERP_Customer_Number__c="101", IsDeleted=True),
]  # fmt: skip
PARTNERS = [
    partner("0000000001", "ADLER Pumpen AG"),
    partner("0000000002", "Falke Ventile GmbH & Co. KG", vat={"DE0": "DE222222223", "DE1": "DE999999999"}),
    partner("0000000003", "Habicht AG", vat={"DE0": "DE333333334"}),
    partner("0000000004", "Habicht AG Süd", vat={"DE0": "DE333333334"}, to_BusinessPartnerAddress=[
        {"BusinessPartner": "0000000004", "AddressID": "1", "PostalCode": "80331", "Country": "DE"}]),
    partner("0000000005", "Elaia A.E.", vat={"GR0": "EL094014201"}),
    partner("0000000006", "Placeholder", vat={"DE0": "DE999999999"}),
]  # fmt: skip


@pytest.fixture
def analytics(spark: Any) -> Tables:
    """An empty database of marts."""
    database = f"glue_catalog.analytics_{next(NUMBERS)}"
    spark.sql(f"CREATE NAMESPACE {database}")
    return Tables(spark, database)


@pytest.fixture
def build(
    spark: Any, tables: Tables, analytics: Tables, plans: dict[str, Plan], raw: RawFolder
) -> Callable[[], dict[str, int]]:
    """Curate what has landed and build the marts."""

    def run() -> dict[str, int]:
        for entity in raw.loads:
            curate(spark, tables, raw, Notebook(), plans[entity])
        return build_marts(spark, tables, analytics, MODELS, "Europe/Berlin")

    return run


def matches(analytics: Tables) -> set[tuple[str, str, int, str, str]]:
    rows = analytics.read(XREF).collect()
    return {(row.account_id, row.business_partner[-1], row.rule, str(row.confidence), row.status) for row in rows}


def test_accounts_match_partners_by_the_first_rule_that_knows_one(
    build: Callable[[], dict[str, int]], raw: RawFolder, plans: dict[str, Plan], spark: Any, analytics: Tables
) -> None:
    raw.rows(plans["crm.account"], ACCOUNTS)
    raw.rows(plans["erp.business_partner"], PARTNERS)

    assert build() == {"customer_xref": 9}  # orders were never curated: their marts wait

    expected = {
        ("by-number", "1", 1, "0.99", "auto"),
        ("by-number-but-strange", "1", 1, "0.99", "review"),
        ("by-vat", "2", 2, "0.95", "auto"),
        ("by-vat-without-country", "2", 2, "0.95", "auto"),
        ("by-greek-vat", "5", 2, "0.95", "auto"),
        ("vat-and-postcode", "4", 2, "0.90", "auto"),
        ("vat-of-two", "3", 2, "0.90", "review"),
        ("vat-of-two", "4", 2, "0.90", "review"),
        ("rules-disagree", "1", 1, "0.99", "conflict"),
    }
    assert matches(analytics) == expected
    similarity = {row.account_id: row.similarity for row in analytics.read(XREF).collect()}
    assert similarity["by-number"] == 1  # legal forms, case and order of words don't count
    assert similarity["by-number-but-strange"] < Decimal("0.4")

    spark.sql(
        f"INSERT INTO {analytics.name(OVERRIDES)} VALUES"  # noqa: S608
        " ('by-vat', '0000000002', 'forbid', 'me', current_timestamp(), 'a subsidiary'),"
        " ('unknown', '0000000006', 'link', 'me', current_timestamp(), 'they told me')"
    )
    build()

    expected -= {("by-vat", "2", 2, "0.95", "auto")}
    expected |= {("by-vat", "2", 0, "1.00", "rejected"), ("unknown", "6", 0, "1.00", "manual")}
    assert matches(analytics) == expected


def test_orders_count_by_month_and_currency_without_what_was_rejected(
    build: Callable[[], dict[str, int]], raw: RawFolder, plans: dict[str, Plan], analytics: Tables
) -> None:
    items = [
        item("7", 1, "0.105"),
        item("7", 2, "1000000000000.999", SalesDocumentRjcnReason="Z1"),
        item("7", 3, "-0.005"),
    ]
    raw.rows(plans["erp.sales_order"], [
        order("7", 1, to_Item=items, SalesOrderDate=date(2026, 10, 31)),
        order("8", 1, nets=("9999999999999.998", "0.001"), SalesOrderDate=date(2026, 10, 1)),
        order("9", 1, nets=("5.000",), SalesOrderDate=date(2026, 11, 1), TransactionCurrency="JPY"),
    ])  # fmt: skip

    assert build() == {"fct_order_lines": 6, "mart_orders_by_month": 2}

    rows = {tuple(row) for row in analytics.read(Table("mart_orders_by_month", "", ())).collect()}
    assert rows == {
        (date(2026, 10, 1), "EUR", 5, 2, Decimal("10000000000000.099")),
        (date(2026, 11, 1), "JPY", 1, 1, Decimal("5.000")),
    }


def test_a_mart_is_written_only_when_something_it_is_made_of_changed(
    build: Callable[[], dict[str, int]], raw: RawFolder, plans: dict[str, Plan], analytics: Tables
) -> None:
    marts = [Table(name, "", ()) for name in ("fct_order_lines", "mart_orders_by_month")]
    raw.rows(plans["erp.sales_order"], [order("7", 1)])
    build()
    first = [analytics.snapshot(mart) for mart in marts]

    build()
    assert [analytics.snapshot(mart) for mart in marts] == first

    raw.rows(plans["erp.sales_order"], [order("7", 2, nets=("11.000",))])
    build()
    assert not set(first) & {analytics.snapshot(mart) for mart in marts}


def test_the_catalog_says_what_a_mart_and_its_columns_mean(
    build: Callable[[], dict[str, int]], raw: RawFolder, plans: dict[str, Plan], analytics: Tables, spark: Any
) -> None:
    raw.rows(plans["erp.sales_order"], [order("7", 1)])
    build()
    mart = Table("mart_orders_by_month", "", ())
    shown = {row.col_name: row for row in spark.sql(f"DESCRIBE EXTENDED {analytics.name(mart)}").collect()}
    assert shown["currency"].comment == "Document currency"
    assert shown["Comment"].data_type.startswith("Effective order value")
    assert dict(analytics.read(Table("fct_order_lines", "", ())).dtypes)["changed_at"] == "timestamp_ntz"
