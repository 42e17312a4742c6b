"""What the control API does to rows and time, as a reader of the source sees it."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.support.running_sources import NOW, RunningCrm, RunningErp

ORDER = "0000000003"
PARTNERS = "API_BUSINESS_PARTNER"


def one(erp: RunningErp, order: str = ORDER) -> dict[str, object]:
    rows = erp.rows(f"A_SalesOrder?$filter=SalesOrder eq '{order}'&$expand=to_Item")
    return rows[0] if rows else {}


def test_time_stands_still_until_it_is_moved(erp: RunningErp) -> None:
    assert erp.get("A_SalesOrder?$top=1").headers["Date"] == "Mon, 16 Nov 2026 06:00:00 GMT"

    assert erp.control.advance(hours=1.5) == "2026-11-16T07:30:00Z"
    assert erp.get("A_SalesOrder?$top=1").headers["Date"] == "Mon, 16 Nov 2026 07:30:00 GMT"


@pytest.mark.parametrize("to", [datetime.now(UTC) + timedelta(hours=1), NOW - timedelta(seconds=1)])
def test_time_never_passes_real_time_nor_goes_back(erp: RunningErp, to: datetime) -> None:
    with pytest.raises(requests.HTTPError) as refusal:
        erp.control.advance(to=to)

    assert refusal.value.response.status_code == 409
    assert erp.store.now == NOW


def test_a_change_stamps_the_row_with_the_clock(erp: RunningErp) -> None:
    erp.control.change("erp.sales_order", ORDER, {"ExternalDocumentID": "new"})

    changed = one(erp)
    assert (changed["ExternalDocumentID"], changed["LastChangeDateTime"]) == ("new", "2026-11-16T06:00:00.0000000Z")


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [("none", "2023-12-0"), (None, None), ("2026-11-10T01:02:03.7654321+01:00", "2026-11-10T00:02:03.7654321Z")],
)
def test_a_change_may_be_silent_unstamped_or_backdated(
    erp: RunningErp, stamp: str | None, expected: str | None
) -> None:
    erp.control.change("erp.sales_order", ORDER, {"ExternalDocumentID": "new"}, stamp=stamp)

    changed = one(erp)
    assert changed["ExternalDocumentID"] == "new"
    shown = changed["LastChangeDateTime"]
    assert shown is None if expected is None else str(shown).startswith(expected)


def test_a_change_of_an_item_stamps_its_order(erp: RunningErp) -> None:
    erp.control.change("erp.sales_order_item", [ORDER, "000010"], {"Material": "OTHER"})

    changed = one(erp)
    assert changed["LastChangeDateTime"] == "2026-11-16T06:00:00.0000000Z"
    assert changed["to_Item"][0]["Material"] == "OTHER"  # type: ignore[index]


def test_a_late_change_serves_the_old_version_until_its_time(erp: RunningErp) -> None:
    before = one(erp)
    erp.control.change("erp.sales_order", ORDER, {"ExternalDocumentID": "late"}, visible_after_minutes=25)

    assert one(erp) == before
    erp.control.advance(hours=24 / 60)
    assert one(erp) == before
    erp.control.advance(hours=1 / 60)
    after = one(erp)
    assert (after["ExternalDocumentID"], after["LastChangeDateTime"]) == ("late", "2026-11-16T06:00:00.0000000Z")


def test_a_late_row_is_not_counted_read_or_expanded_before_its_time(erp: RunningErp) -> None:
    item = {"SalesOrderItem": "000010", "Material": "X", "RequestedQuantity": "1.000", "NetAmount": "5.000"}
    row = {"SalesOrder": "0000900000", "TotalNetAmount": "5.000", "to_Item": [item]}
    (key,) = erp.control.insert("erp.sales_order", row, visible_after_minutes=25)
    count = int(erp.get("A_SalesOrder/$count").text)

    assert one(erp, key[0]) == {}
    assert erp.get("A_SalesOrder('0000900000')").status_code == 404
    erp.control.advance(hours=25 / 60)
    late = one(erp, key[0])
    assert late["LastChangeDateTime"] == "2026-11-16T06:00:00.0000000Z"
    assert len(late["to_Item"]) == 1  # type: ignore[arg-type]
    assert int(erp.get("A_SalesOrder/$count").text) == count + 1


def test_a_hard_deletion_takes_the_items_along(erp: RunningErp) -> None:
    erp.control.delete("erp.sales_order", ORDER)

    assert one(erp) == {}
    assert erp.rows(f"A_SalesOrderItem?$filter=SalesOrder eq '{ORDER}'") == []


def test_partners_are_stamped_in_the_servers_own_zone(erp: RunningErp) -> None:
    erp.control.change("erp.business_partner", "0001000003", {"OrganizationBPName1": "Neu GmbH"})

    (partner,) = erp.rows("A_BusinessPartner?$filter=BusinessPartner eq '0001000003'", PARTNERS)
    assert (partner["LastChangeDate"], partner["LastChangeTime"]) == ("2026-11-16", "07:00:00")


def test_a_new_partner_has_no_change_stamp(erp: RunningErp) -> None:
    row = {"BusinessPartner": "0009000000", "BusinessPartnerCategory": "2", "OrganizationBPName1": "Neu GmbH"}
    tax = {"BPTaxType": "DE0", "BPTaxNumber": "DE123456789"}
    erp.control.insert("erp.business_partner", row | {"to_BusinessPartnerTax": [tax]})

    path = "A_BusinessPartner?$filter=BusinessPartner eq '0009000000'&$expand=to_BusinessPartnerTax"
    (partner,) = erp.rows(path, PARTNERS)
    assert (partner["CreationDate"], partner["CreationTime"]) == ("2026-11-16", "07:00:00")
    assert (partner["LastChangeDate"], partner["LastChangeTime"]) == (None, None)
    assert partner["to_BusinessPartnerTax"] == [{"BusinessPartner": "0009000000", **tax}]


def test_accounts_go_to_the_recycle_bin_come_back_and_are_purged(crm: RunningCrm) -> None:
    soql = "SELECT Id, IsDeleted, SystemModstamp FROM Account WHERE Id = '{}'"
    key = crm.records("SELECT Id FROM Account LIMIT 1")[0]["Id"]

    crm.control.delete("crm.account", key)
    assert crm.records(soql.format(key)) == []
    (deleted,) = crm.records(soql.format(key), everything=True)
    assert (deleted["IsDeleted"], deleted["SystemModstamp"]) == (True, "2026-11-16T06:00:00.000+0000")

    crm.control.undelete("crm.account", key)
    assert crm.records(soql.format(key))[0]["IsDeleted"] is False

    crm.control.delete("crm.account", key, hard=True)
    assert crm.records(soql.format(key), everything=True) == []


def test_many_rows_get_one_stamp(crm: RunningCrm) -> None:
    assert crm.control.touch("crm.account", 100, "2026-11-15T12:00:00Z") == 100

    rows = crm.records("SELECT Id FROM Account WHERE SystemModstamp = 2026-11-15T12:00:00Z")
    assert len(rows) >= 100


@pytest.mark.parametrize(
    ("action", "body", "reason"),
    [
        ("change", {"entity": "crm.lead", "key": "1", "set": {}}, "no entity 'crm.lead'"),
        ("change", {"entity": "crm.account", "key": "1", "set": {}}, "no row"),
        ("change", {"entity": "crm.account", "key": "1", "set": {"Nmae": "x"}}, "no field Nmae"),
        ("change", {"entity": "crm.account", "key": "1"}, "'set' is missing"),
        ("insert", {"entity": "crm.account", "row": {"Name": "x"}}, "cannot be inserted without Id"),
        ("touch", {"entity": "crm.account", "rows": 5, "at": "yesterday"}, "'yesterday' is not an instant"),
        ("fault", {"kind": "earthquake"}, "'earthquake' is unknown"),
    ],
)
def test_a_wrong_order_is_refused_with_its_reason(
    crm: RunningCrm, action: str, body: dict[str, object], reason: str
) -> None:
    answer = requests.post(f"{crm.url}/_control/{action}", json=body, timeout=20)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_salesforce_refuses_an_empty_stamp(crm: RunningCrm) -> None:
    key = crm.records("SELECT Id FROM Account LIMIT 1")[0]["Id"]

    with pytest.raises(requests.HTTPError, match="never leaves SystemModstamp empty"):
        crm.control.change("crm.account", key, {"Name": "x"}, stamp=None)


def test_a_gateway_fault_meets_so_many_requests(erp: RunningErp) -> None:
    erp.control.fault("http", status=429, times=2, retry_after=7)

    first = erp.get("A_SalesOrder?$top=1")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert erp.get("A_SalesOrder?$top=1").status_code == 429
    assert erp.get("A_SalesOrder?$top=1").status_code == 200


def test_a_source_that_is_down_closes_the_connection_until_it_is_up_again(erp: RunningErp) -> None:
    erp.control.fault("down")
    with pytest.raises(requests.ConnectionError):
        erp.get("A_SalesOrder?$top=1")

    erp.control.fault("none")
    assert erp.get("A_SalesOrder?$top=1").status_code == 200
