"""The ERP's documents fit together: what was ordered is delivered, billed, owed and paid, before and after a day of changes."""

import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local.simulators.day import day_of_changes
from local.simulators.store import Store
from tests.support.running_sources import NOW

SIGN = {"M": 1, "P": 1, "S": 1, "5": 1, "O": -1, "N": -1, "6": -1, "U": 0}
WRONG_TOTAL = 4


@pytest.fixture(params=["at first", "after a day"])
def erp(worlds: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    store = Store(Path(shutil.copy(worlds / "erp.sqlite", tmp_path)))
    if request.param == "after a day":
        with store.transaction():
            day_of_changes(store, NOW + timedelta(days=1))
    return store


def rows(erp: Store, table: str, where: str = "TRUE") -> list[dict[str, Any]]:
    return [dict(row) for row in erp.read(f"SELECT * FROM {table} WHERE {where}")]  # noqa: S608


def test_every_document_names_what_it_comes_from(erp: Store) -> None:
    ordered = {(row["SalesOrder"], row["SalesOrderItem"]) for row in rows(erp, "A_SalesOrderItem")}
    gone = {erp.key(row["key"])[0] for row in erp.read("SELECT key FROM _deleted WHERE entity = 'erp.sales_order'")}
    delivered = [
        (row["ReferenceSDDocument"], row["ReferenceSDDocumentItem"]) for row in rows(erp, "A_OutbDeliveryItem")
    ]
    lacking = [order for order, item in delivered if (order, item) not in ordered and order not in gone]
    assert set(lacking) == {"0009999999"}
    assert len(lacking) < len(delivered) / 100
    invoices = {row["BillingDocument"]: row for row in rows(erp, "A_BillingDocument")}
    for row in rows(erp, "A_BillingDocumentItem"):
        from_order = invoices[row["BillingDocument"]]["SDDocumentCategory"] != "O"
        known = (row["SalesDocument"], row["SalesDocumentItem"]) in ordered or row["SalesDocument"] in gone
        assert known == from_order
    cancelled = {row["CancelledBillingDocument"] for row in invoices.values() if row["SDDocumentCategory"] == "N"}
    assert cancelled
    assert {invoices[number]["SDDocumentCategory"] for number in cancelled} == {"M"}


def test_what_is_billed_is_what_is_owed_to_the_cent(erp: Store) -> None:
    billed: dict[str, Decimal] = defaultdict(Decimal)
    net: dict[str, Decimal] = defaultdict(Decimal)
    for item in rows(erp, "A_BillingDocumentItem"):
        billed[item["BillingDocument"]] += Decimal(item["NetAmount"]) + Decimal(item["TaxAmount"])
        net[item["BillingDocument"]] += Decimal(item["NetAmount"])
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for line in rows(erp, "A_OperationalAcctgDocItemCube", "FinancialAccountType = 'D' AND BillingDocument <> ''"):
        owed[line["BillingDocument"]] += Decimal(line["AmountInTransactionCurrency"])
    invoices = rows(erp, "A_BillingDocument")
    for invoice in invoices:
        number = invoice["BillingDocument"]
        assert owed[number] == SIGN[invoice["SDDocumentCategory"]] * billed[number], invoice
    wrong = [each for each in invoices if Decimal(each["TotalNetAmount"]) != net[each["BillingDocument"]]]
    assert 0 < len(wrong) <= WRONG_TOTAL
    assert {"M", "N", "O", "U", "5"} <= {invoice["SDDocumentCategory"] for invoice in invoices}


def test_what_is_cleared_adds_up_to_nothing_and_is_cleared_on_a_day(erp: Store) -> None:
    lines = rows(erp, "A_OperationalAcctgDocItemCube", "FinancialAccountType = 'D'")
    assert all(bool(line["IsCleared"]) == (line["ClearingDate"] is not None) for line in lines)
    assert all(
        (line["DebitCreditCode"] == "H") == line["AmountInTransactionCurrency"].startswith("-") for line in lines
    )
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["IsCleared"] and not line["IsReversed"]:
            paid[line["ClearingAccountingDocument"]] += Decimal(line["AmountInTransactionCurrency"])
    balanced = Counter(total == 0 for total in paid.values())
    assert balanced[True] > 20 * balanced[False]
    assert [line for line in lines if not line["IsCleared"]]
    assert [line for line in lines if line["InvoiceReference"]]


def test_rates_are_as_hard_to_read_as_promised(erp: Store) -> None:
    found = rows(erp, "I_ExchangeRateRawData")
    days: dict[str, set[date]] = defaultdict(set)
    for rate in found:
        days[rate["SourceCurrency"]].add(date.fromisoformat(rate["ValidityStartDate"]))
    assert days.keys() == {"USD", "GBP", "CHF", "PLN", "JPY"}
    for entered in days.values():
        assert {day.weekday() for day in entered} == set(range(5))
        known = sorted(entered)
        assert max(after - before for before, after in pairwise(known)) > timedelta(days=9)
    assert {rate["NumberOfSourceCurrencyUnits"] for rate in found if rate["SourceCurrency"] == "JPY"} == {"100"}
    assert all(rate["ExchangeRate"].startswith("-") == (rate["SourceCurrency"] == "GBP") for rate in found)
    assert len([rate for rate in found if Decimal(rate["ExchangeRate"]) == 0]) == 1


def test_products_convert_each_unit_that_was_ordered_and_masters_have_their_dirt(erp: Store) -> None:
    known = {(row["Product"], row["AlternativeUnit"]) for row in rows(erp, "A_ProductUnitsOfMeasure")}
    ordered = {(row["Material"], row["RequestedQuantityUnit"]) for row in rows(erp, "A_SalesOrderItem")}
    assert {unit for material, unit in ordered if (material, unit) not in known} == {"XX"}
    broken = {row[0] for row in erp.read("SELECT key FROM _truth WHERE rule LIKE 'erp.product:%'")}
    assert len(broken) == 2
    assert rows(erp, "A_Product", "LastChangeDateTime IS NULL")
    assert rows(erp, "A_OutbDeliveryHeader", "ActualGoodsMovementDate < CreationDate")
    assert rows(erp, "A_OutbDeliveryItem", "ActualDeliveredQtyInBaseUnit LIKE '-%'")
    customers = {row["Customer"] for row in rows(erp, "A_Customer")}
    assert customers == {row["Customer"] for row in rows(erp, "A_BusinessPartner", "Customer <> ''")}


def test_a_day_clears_receivables_without_a_stamp_and_takes_some_back(worlds: Path, tmp_path: Path) -> None:
    store = Store(Path(shutil.copy(worlds / "erp.sqlite", tmp_path)))
    key = "CompanyCode || FiscalYear || AccountingDocument || AccountingDocumentItem"
    sql = f"SELECT {key}, IsCleared, AccountingDocumentCreationDate FROM A_OperationalAcctgDocItemCube"  # noqa: S608
    before = {row[0]: tuple(row)[1:] for row in store.read(sql)}
    with store.transaction():
        day_of_changes(store, NOW + timedelta(days=1))
    after = {row[0]: tuple(row)[1:] for row in store.read(sql)}
    changed = [(before[each], after[each]) for each in before if before[each] != after[each]]
    assert Counter((old[0], new[0]) for old, new in changed).keys() == {(0, 1), (1, 0)}
    assert all(old[1] == new[1] for old, new in changed)
