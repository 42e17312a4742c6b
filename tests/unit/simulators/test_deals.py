"""Opportunities, their lines, and what they have to do with the ERP's orders and materials."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.simulators.day import day_of_changes
from local.simulators.generate import open_store
from local.simulators.store import Store

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    directory = tmp_path_factory.mktemp("deals")
    stores = open_store("crm", directory, 7, "S", NOW), open_store("erp", directory, 7, "S", NOW)
    yield stores
    for store in stores:
        store.close()


def truth(store: Store, subject: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in store.read("SELECT * FROM _truth WHERE subject = ?", (subject,))}


def by_key(store: Store, table: str) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(row) for row in store.read(f"SELECT * FROM {table}")}  # noqa: S608  a name of the schema


def test_an_opportunity_became_an_order_of_its_own_customer_for_about_its_amount(stores: tuple[Store, Store]) -> None:
    crm, erp = stores
    deals, orders = by_key(crm, "Opportunity"), by_key(erp, "A_SalesOrder")
    partners, became = truth(crm, "match"), truth(crm, "order")
    customers = dict(map(tuple, erp.read("SELECT BusinessPartner, Customer FROM A_BusinessPartner")))
    close = 0
    for key, number in became.items():
        deal, order = deals[key], orders[number]
        days = (date.fromisoformat(order["CreationDate"]) - date.fromisoformat(deal["CloseDate"])).days
        amount, net = Decimal(deal["Amount"]), Decimal(order["TotalNetAmount"])
        close += -14 <= days <= 120 and abs(amount - net) < net * Decimal("0.15")
        assert deal["ERP_Order_Number__c"] in (None, number)
        assert deal["AccountId"] not in partners or customers[partners[deal["AccountId"]]] == order["SoldToParty"]

    numbered = [key for key, deal in deals.items() if deal["ERP_Order_Number__c"]]
    won = [key for key, deal in deals.items() if deal["StageName"] == "Closed Won"]
    quoted = [order for order in orders.values() if order["ExternalDocumentID"].startswith("006")]
    assert set(numbered) < set(became) < set(won)
    assert 0.7 < len(became) / len(won) < 0.98
    assert close / len(became) > 0.9
    upper = {key.upper(): number for key, number in became.items()}
    assert len(quoted) > 10
    assert {order["ExternalDocumentID"]: order["SalesOrder"] for order in quoted}.items() <= upper.items()


def test_a_product_names_the_material_that_it_is_or_names_none(stores: tuple[Store, Store]) -> None:
    crm, _ = stores
    known, right = truth(crm, "product"), 0
    for key, row in by_key(crm, "Product2").items():
        names = [
            str(row[name] or "").strip().upper().lstrip("0")
            for name in ("ERP_Material__c", "ProductCode", "StockKeepingUnit")
        ]
        right += key in known and known[key].upper() in names
        assert key in known or not any("MAT" in name for name in names)
    assert 0.85 < right / len(known) < 1


@pytest.mark.parametrize(
    ("table", "broken", "most"),
    [
        ("Opportunity", "CAST(Probability AS INTEGER) NOT BETWEEN 0 AND 100", 0.03),
        ("Opportunity", "IsWon = 1 AND IsClosed = 0", 0.02),
        ("Opportunity", "CAST(Amount AS REAL) < 0", 0.02),
        ("Opportunity", "CloseDate < SUBSTR(CreatedDate, 1, 10)", 0.03),
        ("Opportunity", "AccountId NOT IN (SELECT Id FROM Account)", 0.03),
        ("Opportunity", "INSTR(CAST(Name AS BLOB), X'00') > 0", 0.02),
        ("OpportunityLineItem", "CAST(Quantity AS REAL) = 0", 0.02),
        ("OpportunityLineItem", "Product2Id NOT IN (SELECT Id FROM Product2)", 0.02),
        (
            "OpportunityLineItem",
            "ABS(TotalPrice - Quantity * UnitPrice * (1 - COALESCE(Discount, 0) / 100.0)) > 0.01 * MAX(1, Quantity) + 1e-6",
            0.01,
        ),
        ("Contact", "AccountId NOT IN (SELECT Id FROM Account)", 0.02),
        ("Contact", "Email NOT LIKE '%@%'", 0.03),
    ],
)
def test_each_kind_of_dirt_is_there_and_rare(stores: tuple[Store, Store], table: str, broken: str, most: float) -> None:
    total, bad = stores[0].read(f"SELECT COUNT(*), COUNT(*) FILTER (WHERE {broken}) FROM {table}")[0]  # noqa: S608

    assert 0 < bad < most * total


def test_the_truth_names_the_opportunities_that_no_table_takes(stores: tuple[Store, Store]) -> None:
    odd = stores[0].read("SELECT Id FROM Opportunity WHERE Probability IN ('120', '-5', '101')")

    assert set(truth(stores[0], "quarantine")) == {row[0] for row in odd}
    assert len(odd) >= 2


def unequal(store: Store) -> set[str]:
    """The live opportunities whose amount is not that of their live lines."""
    sums: dict[str, Decimal] = {}
    for deal, total in store.read("SELECT OpportunityId, TotalPrice FROM OpportunityLineItem WHERE IsDeleted = 0"):
        sums[deal] = sums.get(deal, Decimal(0)) + Decimal(total)
    deals = store.read("SELECT Id, Amount FROM Opportunity WHERE IsDeleted = 0")
    return {key for key, amount in deals if Decimal(amount) != sums.get(key, Decimal(0))}


def test_a_day_erases_lines_and_sends_opportunities_to_the_bin_with_theirs(tmp_path: Path) -> None:
    store, end = open_store("crm", tmp_path, 7, "S", NOW), NOW + timedelta(days=1)
    odd, lines = unequal(store), by_key(store, "OpportunityLineItem")
    with store.transaction():
        done = day_of_changes(store, end)["done"]
    assert isinstance(done, dict)
    assert (done["lines_deleted"], done["opportunities_deleted"], done["opportunities_restored"]) == (3, 12, 2)

    erased = store.read("SELECT key, at FROM _deleted WHERE entity = 'crm.opportunity_line'")
    assert {store.key(row["key"])[0] for row in erased} == lines.keys() - by_key(store, "OpportunityLineItem").keys()
    assert all("2026-11-16T06" < row["at"] < "2026-11-17T05" for row in erased)
    apart = "SELECT l.Id FROM OpportunityLineItem l JOIN Opportunity o ON o.Id = l.OpportunityId WHERE l.IsDeleted <> o.IsDeleted"
    assert store.read(apart) == []
    assert unequal(store) <= odd
    store.close()
