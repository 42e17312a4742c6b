"""The ERP answers as an OData v4 service does, page by page, digit by digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
import requests
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from local.simulators import filters
from local.simulators.erp import ROOT
from local.simulators.instants import ts7_from_text
from local.simulators.schema import SALES_ORDER
from local.simulators.server import RefusedError
from tests.support.running_sources import RunningErp

PARTNERS = "API_BUSINESS_PARTNER"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def walk(erp: RunningErp, path: str, size: int) -> list[list[dict[str, Any]]]:
    """All pages by next links, which are relative to the service."""
    pages = []
    link: str | None = path
    while link is not None:
        answer = erp.get(link, Prefer=f"odata.maxpagesize={size}")
        assert answer.headers["Preference-Applied"] == f"odata.maxpagesize={size}"
        pages.append(answer.json()["value"])
        link = answer.json().get("@odata.nextLink")
    return pages


def test_next_links_bring_every_order_once(erp: RunningErp) -> None:
    pages = walk(erp, "A_SalesOrder?$select=SalesOrder&$expand=to_Item($select=SalesOrderItem)", 100)

    keys = [row["SalesOrder"] for page in pages for row in page]
    items = sum(len(row["to_Item"]) for page in pages for row in page)
    assert keys == [row[0] for row in erp.store.read("SELECT SalesOrder FROM A_SalesOrder ORDER BY SalesOrder")]
    assert items == erp.store.read("SELECT COUNT(*) FROM A_SalesOrderItem")[0][0]
    assert [len(page) for page in pages[:-1]] == [100] * (len(pages) - 1)


def test_a_page_by_key_loses_nothing_while_rows_are_deleted(erp: RunningErp) -> None:
    first = erp.get("A_SalesOrder?$orderby=SalesOrder&$select=SalesOrder", Prefer="odata.maxpagesize=10").json()
    erp.control.delete("erp.sales_order", *[row["SalesOrder"] for row in first["value"]])

    second = erp.get(first["@odata.nextLink"], Prefer="odata.maxpagesize=10").json()

    assert second["value"][0]["SalesOrder"] == "0000000011"


def test_a_page_by_another_order_is_an_offset_and_may_lose_rows(erp: RunningErp) -> None:
    path = "A_SalesOrder?$orderby=LastChangeDateTime&$select=SalesOrder"
    whole = [row["SalesOrder"] for page in walk(erp, path, 300) for row in page]
    first = erp.get(path, Prefer="odata.maxpagesize=10").json()
    erp.control.delete("erp.sales_order", first["value"][0]["SalesOrder"])

    second = erp.get(first["@odata.nextLink"], Prefer="odata.maxpagesize=10").json()

    assert second["value"][0]["SalesOrder"] == whole[11]


def test_the_server_caps_a_page_whatever_is_asked(erp: RunningErp) -> None:
    answer = erp.get("A_SalesOrderItem?$select=SalesOrder", Prefer="odata.maxpagesize=5000")

    assert len(answer.json()["value"]) == 1000
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=1000"


def test_top_is_kept_through_next_links(erp: RunningErp) -> None:
    pages = walk(erp, "A_SalesOrder?$top=25&$skip=5&$select=SalesOrder", 10)

    assert [len(page) for page in pages] == [10, 10, 5]
    assert pages[0][0]["SalesOrder"] == "0000000006"
    assert pages[2][-1]["SalesOrder"] == "0000000030"


def test_keyset_filters_find_every_row_of_one_instant(erp: RunningErp) -> None:
    stamp = "2026-11-15T12:00:00.1234567Z"
    assert erp.control.touch("erp.sales_order", 120, stamp) == 120
    found: list[str] = []
    condition = f"LastChangeDateTime ge {stamp}"
    while page := erp.rows(f"A_SalesOrder?$filter={condition}&$orderby=LastChangeDateTime,SalesOrder&$top=50"):
        found.extend(row["SalesOrder"] for row in page)
        at, key = page[-1]["LastChangeDateTime"], page[-1]["SalesOrder"]
        condition = f"LastChangeDateTime gt {at} or (LastChangeDateTime eq {at} and SalesOrder gt '{key}')"

    expected = erp.store.read("SELECT COUNT(*) FROM A_SalesOrder WHERE LastChangeDateTime >= ?", (stamp,))[0][0]
    assert len(found) == len(set(found)) == expected >= 120


def test_the_seventh_digit_of_a_stamp_counts(erp: RunningErp) -> None:
    erp.control.change("erp.sales_order", "0000000001", {}, stamp="2026-11-15T12:00:00.1234567Z")

    later = "A_SalesOrder/$count?$filter=SalesOrder eq '0000000001' and LastChangeDateTime gt "
    assert erp.get(f"{later}2026-11-15T12:00:00.1234566Z").text == "1"
    assert erp.get(f"{later}2026-11-15T12:00:00.1234567Z").text == "0"
    assert erp.get(f"{later}2026-11-15T13:00:00.1234566%2B01:00").text == "1"


def test_null_stamps_are_found_and_come_first(erp: RunningErp) -> None:
    rows = erp.rows("A_SalesOrder?$filter=LastChangeDateTime eq null&$select=SalesOrder,LastChangeDateTime")
    first = erp.rows("A_SalesOrder?$orderby=LastChangeDateTime&$top=1")[0]

    assert len(rows) >= 3
    assert {row["LastChangeDateTime"] for row in rows} == {None}
    assert first["LastChangeDateTime"] is None


def test_decimals_keep_every_digit(erp: RunningErp) -> None:
    erp.control.change("erp.sales_order", "0000000001", {"TotalNetAmount": "1234567890123.450"})

    answer = erp.get("A_SalesOrder('0000000001')")

    assert json.loads(answer.text, parse_float=Decimal)["TotalNetAmount"] == Decimal("1234567890123.450")
    assert '"TotalNetAmount":1234567890123.450' in answer.text


def test_odd_text_arrives_as_it_is(erp: RunningErp) -> None:
    stored = {row[0] for row in erp.store.read("SELECT ExternalDocumentID FROM A_SalesOrder")}

    served = {row["ExternalDocumentID"] for page in walk(erp, "A_SalesOrder", 1000) for row in page}

    assert served == stored
    assert {text for text in stored if "\x00" in text}
    assert {text for text in stored if "🚜" in text}


def test_a_quote_within_a_literal_is_doubled(erp: RunningErp) -> None:
    found = erp.rows("A_SalesOrder?$filter=ExternalDocumentID eq 'O''Neill''s'&$select=SalesOrder")

    assert found
    assert erp.get("A_SalesOrder?$filter=ExternalDocumentID eq 'O'Neill'").status_code == 400


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("contains(ExternalDocumentID,'%25_')", "100 %_off"),
        ("startswith(ExternalDocumentID,'back')", "back\\slash"),
        ("endswith(ExternalDocumentID,'Zentrale')", "🚜 Zentrale"),
        ("ExternalDocumentID in ('x','came late')", "came late"),
    ],
)
def test_text_functions_take_nothing_for_a_wildcard(erp: RunningErp, condition: str, matches: str) -> None:
    erp.control.change("erp.sales_order", "0000000009", {"ExternalDocumentID": matches})

    found = erp.rows(f"A_SalesOrder?$filter={condition}&$select=ExternalDocumentID")

    assert {row["ExternalDocumentID"] for row in found} == {matches}


def test_amounts_are_compared_as_numbers(erp: RunningErp) -> None:
    found = erp.rows("A_SalesOrder?$filter=TotalNetAmount lt 9&$select=TotalNetAmount")
    amounts = [Decimal(row[0]) for row in erp.store.read("SELECT TotalNetAmount FROM A_SalesOrder")]

    assert len(found) == sum(amount < 9 for amount in amounts)


def test_partners_come_with_all_their_children(erp: RunningErp) -> None:
    expand = "to_BusinessPartnerTax,to_BuPaIdentification($select=BPIdentificationNumber),to_BusinessPartnerAddress"
    rows = erp.rows(f"A_BusinessPartner?$expand={expand}&$top=1000", PARTNERS)

    sets = {"to_BusinessPartnerTax": "A_BusinessPartnerTaxNumber", "to_BuPaIdentification": "A_BuPaIdentification"}
    for navigation, name in sets.items():
        count = erp.store.read(f"SELECT COUNT(*) FROM {name}")[0][0]  # noqa: S608  a name of this test
        assert sum(len(row[navigation]) for row in rows) == count
    assert {type(row["IsMarkedForArchiving"]) for row in rows} == {bool}
    unchanged = [row for row in rows if row["LastChangeDate"] is None]
    assert unchanged
    assert all(row["LastChangeTime"] is None and row["CreationTime"] for row in unchanged)


def test_count_respects_the_filter(erp: RunningErp) -> None:
    condition = "$filter=TransactionCurrency eq 'JPY'"
    inline = erp.get(f"A_SalesOrder?{condition}&$count=true&$top=1").json()

    assert erp.get(f"A_SalesOrder/$count?{condition}").text == str(inline["@odata.count"])
    assert inline["@odata.count"] > len(inline["value"]) == 1


def test_one_entity_is_read_by_its_key(erp: RunningErp) -> None:
    item = erp.get("A_SalesOrderItem(SalesOrder='0000000001',SalesOrderItem='000010')").json()

    assert (item["SalesOrder"], item["SalesOrderItem"]) == ("0000000001", "000010")
    assert erp.get("A_SalesOrder('9999999999')").status_code == 404
    assert erp.get("A_SalesOrderItem('0000000001')").status_code == 400


def test_metadata_names_types_sizes_and_navigations_to_a_foreign_parser(erp: RunningErp) -> None:
    document = ElementTree.fromstring(erp.get("$metadata").content)
    (order,) = document.findall(f".//{EDM}EntityType[@Name='A_SalesOrderType']")
    properties = {each.get("Name"): each.attrib for each in order.iter(f"{EDM}Property")}

    assert properties["SalesOrder"] == {
        "Name": "SalesOrder",
        "Type": "Edm.String",
        "Nullable": "false",
        "MaxLength": "10",
    }
    assert (properties["TotalNetAmount"]["Precision"], properties["TotalNetAmount"]["Scale"]) == ("16", "3")
    assert properties["LastChangeDateTime"]["Type"] == "Edm.DateTimeOffset"
    assert [each.get("Name") for each in order.iter(f"{EDM}NavigationProperty")] == ["to_Item"]
    served = erp.rows("A_SalesOrder?$top=1")[0]
    assert set(properties) == set(served)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("A_SalesOrders", 404),
        ("A_SalesOrder?$filter=Nmae eq 'x'", 400),
        ("A_SalesOrder?$filter=SalesOrder eq 1", 400),
        ("A_SalesOrder?$filter=SalesOrder+eq+'1'", 400),
        ("A_SalesOrder?$filter=LastChangeDateTime gt '2026-11-15T12:00:00Z'", 400),
        ("A_SalesOrder?$filter=LastChangeDateTime gt datetimeoffset'2026-11-15T12:00:00Z'", 400),
        ("A_SalesOrder?$filter=SalesOrder eq", 400),
        ("A_SalesOrder?$filter=year(SalesOrderDate) eq 2026", 501),
        ("A_SalesOrder?$orderby=Nmae", 400),
        ("A_SalesOrder?$select=Nmae", 400),
        ("A_SalesOrder?$expand=to_Partner", 400),
        ("A_SalesOrder?$expand=to_Item($top=1)", 501),
        ("A_SalesOrder?$expand=to_Item($filter=Unknown eq 1)", 400),
        ("A_SalesOrder?$top=many", 400),
        ("A_SalesOrder?$skiptoken=guess", 400),
        ("A_SalesOrder?$apply=aggregate(x)", 501),
        ("A_SalesOrder?$top=1&$top=2", 400),
    ],
)
def test_a_wrong_request_is_refused_in_odatas_words(erp: RunningErp, path: str, status: int) -> None:
    answer = erp.get(path)

    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}


def test_a_wrong_password_is_refused_in_html(erp: RunningErp) -> None:
    answer = requests.get(f"{erp.url}{ROOT}API_SALES_ORDER_SRV/A_SalesOrder", auth=("LAKE", "guess"), timeout=20)

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "text/html;charset=utf-8")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_asked_for(text: str) -> None:
    quoted = text.replace("'", "''")

    condition = filters.condition(SALES_ORDER, f"ExternalDocumentID eq '{quoted}'")

    assert list(condition.compile(dialect=sqlite.dialect()).params.values()) == [text]


@given(st.datetimes(), st.integers(0, 9_999_999))
def test_instants_keep_their_order_as_text(at: Any, digits: int) -> None:
    text = f"{at.replace(microsecond=0).isoformat()}.{digits:07d}Z"

    assert ts7_from_text(text) == text


def test_a_lambda_is_refused_as_not_implemented() -> None:
    with pytest.raises(RefusedError) as refusal:
        filters.condition(SALES_ORDER, "to_Item/any(i:i/Material eq 'x')")

    assert refusal.value.status == 501


def test_items_can_be_filtered_whatever_stands_in_the_text(erp: RunningErp) -> None:
    nested = "$select=BPTaxType;$filter=BPTaxType ne 'DE0' and BPTaxNumber ne 'a;b)c'"
    rows = erp.rows(f"A_BusinessPartner?$expand=to_BusinessPartnerTax({nested})&$top=1000", PARTNERS)
    there = [
        row[0] for row in erp.store.read("SELECT BPTaxType FROM A_BusinessPartnerTaxNumber WHERE BPTaxType <> 'DE0'")
    ]
    assert sorted(item["BPTaxType"] for row in rows for item in row["to_BusinessPartnerTax"]) == sorted(there) != []
