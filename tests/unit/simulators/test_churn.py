"""Changes by chance, odd values, and sources that go back to an earlier state."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

if TYPE_CHECKING:
    from local.simulators.store import Store
    from tests.support.running_sources import RunningCrm, RunningErp

TABLES = {
    "crm": ("Account", "Contact", "User", "Product2", "Opportunity", "OpportunityLineItem"),
    "erp": ("A_SalesOrder", "A_SalesOrderItem", "A_BusinessPartner", "A_BusinessPartnerAddress"),
}


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(tuple(map(str, row)) for row in store.read(f"SELECT * FROM {table}"))  # noqa: S608
        for table in TABLES[store.meta("source")]
    }


def gone(store: Store, entity: str) -> set[str]:
    return {store.key(row["key"])[0] for row in store.read("SELECT key FROM _deleted WHERE entity = ?", (entity,))}


def test_a_bulk_change_stamps_more_rows_than_a_page_with_one_instant(crm: RunningCrm, erp: RunningErp) -> None:
    orders = erp.store.read("SELECT COUNT(*) FROM A_SalesOrder")[0][0]
    assert erp.control.bulk_change("erp.sales_order", 250, "2026-11-16T05:30:00.1234567Z", seed=1) == min(250, orders)
    assert crm.control.bulk_change("crm.account", 120) == 120

    stamped = erp.rows("A_SalesOrder?$filter=LastChangeDateTime eq 2026-11-16T05:30:00.1234567Z")
    assert len(stamped) == min(250, orders)
    assert len(crm.records("SELECT Id FROM Account WHERE SystemModstamp = 2026-11-16T06:00:00Z")) >= 120


def test_a_slow_bulk_change_is_seen_all_at_once(crm: RunningCrm) -> None:
    changed = "SELECT Id FROM Account WHERE SystemModstamp = 2026-11-16T06:00:00Z"
    before = len(crm.records(changed))
    crm.control.bulk_change("crm.account", 50, visible_after_minutes=9)

    crm.control.advance(hours=0.1)
    assert len(crm.records(changed)) == before
    crm.control.advance(hours=0.1)
    assert len(crm.records(changed)) == before + 50


@pytest.mark.parametrize("name", ["crm", "erp"])
def test_changes_by_chance_are_repeatable_and_of_all_kinds(name: str, request: pytest.FixtureRequest) -> None:
    source: RunningCrm | RunningErp = request.getfixturevalue(name)
    source.control.snapshot()
    done = source.control.random_changes(150, seed=3)
    first = contents(source.store)
    source.control.rewind()
    again = source.control.random_changes(150, seed=3)

    assert (again, contents(source.store)) == (done, first)
    assert all(done.values())
    source.control.rewind()
    source.control.random_changes(150, seed=4)
    assert contents(source.store) != first


def test_a_deleted_key_is_never_given_to_another_row(erp: RunningErp, crm: RunningCrm) -> None:
    for seed in range(4):
        last = erp.store.read("SELECT MAX(SalesOrder) FROM A_SalesOrder")[0][0]
        erp.control.delete("erp.sales_order", last)
        erp.control.random_changes(20, seed=seed)
        account = crm.store.read("SELECT MAX(Id) FROM Account")[0][0]
        crm.control.delete("crm.account", account, hard=True)
        crm.control.random_changes(20, seed=seed)

    orders = {order for (order,) in erp.store.read("SELECT SalesOrder FROM A_SalesOrder")}
    accounts = {account for (account,) in crm.store.read("SELECT Id FROM Account")}
    assert not gone(erp.store, "erp.sales_order") & orders
    assert not gone(crm.store, "crm.account") & accounts


def test_a_day_can_pass_after_changes_by_chance(crm: RunningCrm, erp: RunningErp) -> None:
    for source, entity in ((crm, "crm.account"), (erp, "erp.sales_order")):
        source.control.random_changes(100, seed=9)
        source.control.odd_values(entity, 20, seed=9)
        assert source.control.day_of_changes()["done"]


def test_a_change_at_once_waits_for_a_late_one_of_its_document(erp: RunningErp) -> None:
    key = erp.rows("A_SalesOrder?$top=1")[0]["SalesOrder"]
    erp.control.change("erp.sales_order", key, {"ExternalDocumentID": "first"}, visible_after_minutes=20)
    erp.control.advance(hours=0.1)
    erp.control.change("erp.sales_order", key, {"SalesOrganization": "2020"})
    erp.control.advance(hours=1)

    (row,) = erp.rows(f"A_SalesOrder?$filter=SalesOrder eq '{key}'")
    assert (row["ExternalDocumentID"], row["SalesOrganization"]) == ("first", "2020")
    assert row["LastChangeDateTime"] == "2026-11-16T06:06:00.0000000Z"


def test_a_late_change_is_not_seen_before_an_earlier_one_of_its_document(erp: RunningErp) -> None:
    key = erp.rows("A_SalesOrder?$top=1")[0]["SalesOrder"]
    erp.control.change("erp.sales_order", key, {"ExternalDocumentID": "first"}, visible_after_minutes=20)
    erp.control.advance(hours=0.1)
    item = [key, "000010"]
    erp.control.change("erp.sales_order_item", item, {"Material": "second"}, visible_after_minutes=1)
    row = f"A_SalesOrder?$filter=SalesOrder eq '{key}'&$expand=to_Item"

    erp.control.advance(hours=0.2)
    assert erp.rows(row)[0]["to_Item"][0]["Material"] != "second"
    erp.control.advance(hours=0.1)
    (found,) = erp.rows(row)
    assert (found["ExternalDocumentID"], found["to_Item"][0]["Material"]) == ("first", "second")
    assert found["LastChangeDateTime"] == "2026-11-16T06:06:00.0000000Z"


def test_odd_values_come_as_they_are(erp: RunningErp) -> None:
    assert erp.control.odd_values("erp.sales_order", 3, "beyond_floats") == {"beyond_floats": 3}
    assert erp.control.odd_values("erp.sales_order", 3, "many_digits", seed=1) == {"many_digits": 3}
    assert erp.control.odd_values("erp.sales_order", 2, "long_text", seed=2) == {"long_text": 2}
    page = erp.get("A_SalesOrder?$filter=LastChangeDateTime ge 2026-11-16T06:00:00Z")

    assert page.content.count(b":9007199254740.993,") + page.content.count(b":9007199254740.993}") >= 1
    assert b"12345678901234567.891" in page.content
    assert max(len(row["ExternalDocumentID"] or "") for row in page.json()["value"]) == 102_400
    assert Decimal(float("9007199254740.993")) != Decimal("9007199254740.993")


def test_an_odd_key_finds_its_row(erp: RunningErp) -> None:
    assert erp.control.odd_values("erp.sales_order", 1, "odd_key") == {"odd_key": 1}
    (key,) = (row["SalesOrder"] for row in erp.rows("A_SalesOrder?$top=1&$orderby=SalesOrder"))

    assert "/" in key
    assert "'" in key
    literal = quote("'" + key.replace("'", "''") + "'", safe="")
    assert erp.get(f"A_SalesOrder({literal})").json()["SalesOrder"] == key
    assert erp.rows(f"A_SalesOrder?$filter=SalesOrder eq {literal}&$expand=to_Item")[0]["to_Item"]


def test_a_null_stands_where_the_types_say_none_may(crm: RunningCrm) -> None:
    assert crm.control.odd_values("crm.account", 4, "null") == {"null": 4}

    rows = crm.records("SELECT Name, OwnerId FROM Account WHERE SystemModstamp = 2026-11-16T06:00:00Z")
    assert [row["Name"] is None or row["OwnerId"] is None for row in rows].count(True) == 4


def test_an_odd_text_where_there_is_no_text_does_nothing(crm: RunningCrm) -> None:
    assert crm.control.odd_values("crm.opportunity_line", 3, "odd_text") == {"odd_text": 0}
    assert crm.control.odd_values("crm.opportunity_line", 3, "beyond_floats") == {"beyond_floats": 3}


def test_an_odd_value_that_is_unknown_is_refused(crm: RunningCrm) -> None:
    with pytest.raises(requests.HTTPError, match="no odd value purple"):
        crm.control.odd_values("crm.account", 1, "purple")


def test_stamps_lie_around_both_clock_changes(erp: RunningErp) -> None:
    assert erp.control.clock_changes("erp.business_partner", 40, 2026) == 40

    filters = "LastChangeDate eq 2026-03-29 or LastChangeDate eq 2026-10-25"
    rows = erp.rows(f"A_BusinessPartner?$filter={filters}", "API_BUSINESS_PARTNER")
    spring = {row["LastChangeTime"][:2] for row in rows if row["LastChangeDate"] == "2026-03-29"}
    autumn = [row["LastChangeTime"][:2] for row in rows if row["LastChangeDate"] == "2026-10-25"]
    assert spring <= {"00", "01", "03", "04"}
    assert set(autumn) <= {"01", "02", "03"}
    assert autumn.count("02") > autumn.count("01")


def test_a_restored_backup_brings_old_versions_back_and_the_clock_goes_on(erp: RunningErp) -> None:
    before = contents(erp.store)
    kept, erased, changed = (row["SalesOrder"] for row in erp.rows("A_SalesOrder?$top=3"))
    erp.control.snapshot()
    erp.control.advance(hours=1)
    erp.control.delete("erp.sales_order", erased)
    erp.control.change("erp.sales_order", changed, {"ExternalDocumentID": "newer"})
    erp.control.change("erp.sales_order", kept, {"ExternalDocumentID": "under way"}, visible_after_minutes=5)
    (added,) = erp.control.insert("erp.sales_order", {"SalesOrder": "0999999999"})

    assert erp.control.restore() == {"vanished": 1, "returned": 1, "reverted": 1}
    assert contents(erp.store) == before
    state = erp.control.state()
    assert (state["now"], state["pending"]) == ("2026-11-16T07:00:00Z", 0)
    assert added[0] in gone(erp.store, "erp.sales_order")


def test_a_rewound_source_is_as_it_was_with_its_clock(crm: RunningCrm) -> None:
    crm.control.change(
        "crm.account", crm.records("SELECT Id FROM Account")[0]["Id"], {"Industry": "x"}, visible_after_minutes=5
    )
    before, state = contents(crm.store), crm.control.state()
    crm.control.snapshot("start")
    crm.control.day_of_changes()

    assert crm.control.rewind("start") == state["now"]
    assert (contents(crm.store), crm.control.state()) == (before, state)


@pytest.mark.parametrize(
    ("name", "reason"), [("monday", "no snapshot 'monday'"), ("x; DROP", "cannot name a snapshot")]
)
def test_a_backup_that_was_never_made_cannot_be_restored(crm: RunningCrm, name: str, reason: str) -> None:
    with pytest.raises(requests.HTTPError, match=reason):
        crm.control.restore(name)
