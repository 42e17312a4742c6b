"""The ERP tells what changed since a delta link, or doesn't, as it is switched."""

from typing import Any

from tests.support.running_sources import RunningErp

ALL = "A_SalesOrder?$select=SalesOrder,ExternalDocumentID&$expand=to_Item($select=SalesOrderItem)"
TRACK = {"Prefer": "odata.track-changes, odata.maxpagesize=200"}


def follow(erp: RunningErp, path: str) -> tuple[list[dict[str, Any]], str | None]:
    """All entries from a path on, and the delta link behind them."""
    entries: list[dict[str, Any]] = []
    while True:
        answer = erp.get(path, **TRACK)
        assert answer.status_code == 200, answer.text
        entries += answer.json()["value"]
        if "@odata.nextLink" not in answer.json():
            return entries, answer.json().get("@odata.deltaLink")
        path = answer.json()["@odata.nextLink"]


def test_a_delta_link_brings_what_changed_and_what_is_gone(erp: RunningErp) -> None:
    erp.control.track_changes()
    whole, link = follow(erp, ALL)
    assert len(whole) == erp.store.read("SELECT COUNT(*) FROM A_SalesOrder")[0][0]
    assert link is not None
    erp.control.change("erp.sales_order", "0000000007", {"ExternalDocumentID": "NEW"}, stamp="none")
    erp.control.change("erp.sales_order_item", ["0000000009", "000010"], {"Material": "OTHER"}, stamp="none")
    erp.control.delete("erp.sales_order", "0000000011")
    entries, later = follow(erp, link)
    assert [entry.get("SalesOrder", entry.get("id")) for entry in entries] == [
        "0000000007",
        "0000000009",
        "A_SalesOrder('0000000011')",
    ]
    assert entries[-1]["@odata.context"] == "$metadata#A_SalesOrder/$deletedEntity"
    assert later is not None
    assert follow(erp, later)[0] == []


def test_what_changes_while_a_reading_is_tracked_comes_with_its_delta_link(erp: RunningErp) -> None:
    erp.control.track_changes()
    first = erp.get(ALL, **TRACK).json()
    erp.control.change("erp.sales_order", "0000000001", {"ExternalDocumentID": "LATER"})
    _, link = follow(erp, first["@odata.nextLink"])
    assert link is not None
    (entry,) = follow(erp, link)[0]
    assert entry["ExternalDocumentID"] == "LATER"


def test_what_is_gone_may_come_as_a_row_too_as_it_was_last(erp: RunningErp) -> None:
    erp.control.track_changes(both=True)
    _, link = follow(erp, ALL)
    assert link is not None
    before = erp.get(ALL, **TRACK).json()["value"][10]
    erp.control.delete("erp.sales_order", before["SalesOrder"])
    entries, _ = follow(erp, link)
    assert entries[0] == before
    assert entries[1]["id"] == f"A_SalesOrder('{before['SalesOrder']}')"


def test_many_changes_come_page_by_page(erp: RunningErp) -> None:
    erp.control.track_changes()
    _, link = follow(erp, ALL)
    assert link is not None
    erp.control.touch("erp.sales_order", rows=450)
    erp.control.delete("erp.sales_order", "0000000001")
    page = erp.get(link, **TRACK)
    assert (len(page.json()["value"]), page.headers["Preference-Applied"]) == (
        200,
        "odata.maxpagesize=200, odata.track-changes",
    )
    entries, _ = follow(erp, link)
    newest = "SELECT SalesOrder FROM A_SalesOrder WHERE LastChangeDateTime = (SELECT MAX(LastChangeDateTime) FROM A_SalesOrder)"
    assert [entry["SalesOrder"] for entry in entries[:-1]] == [row[0] for row in erp.store.read(f"{newest} ORDER BY 1")]
    assert entries[-1]["id"] == "A_SalesOrder('0000000001')"


def test_removed_rows_are_written_in_the_newer_notation_too(erp: RunningErp) -> None:
    erp.control.track_changes(notation="4.01")
    _, link = follow(erp, ALL)
    erp.control.delete("erp.sales_order", "0000000011")
    assert link is not None
    assert follow(erp, link)[0] == [{"@removed": {"reason": "deleted"}, "SalesOrder": "0000000011"}]


def test_a_removed_rows_address_is_encoded(erp: RunningErp) -> None:
    erp.control.insert("erp.sales_order", {"SalesOrder": "a/b'%41 ü"})
    erp.control.track_changes()
    _, link = follow(erp, ALL)
    erp.control.delete("erp.sales_order", "a/b'%41 ü")
    assert link is not None
    assert [entry["id"] for entry in follow(erp, link)[0]] == ["A_SalesOrder('a%2Fb''%2541%20%C3%BC')"]


def test_a_link_that_expired_or_was_used_up_is_gone(erp: RunningErp) -> None:
    erp.control.track_changes(once=True)
    _, link = follow(erp, ALL)
    assert link is not None
    _, later = follow(erp, link)
    assert (erp.get(link).status_code, erp.get(link).json()["error"]["code"]) == (410, "SyncStateNotFound")
    assert erp.control.expire_delta_links() == 2
    assert later is not None
    assert erp.get(later).status_code == 410


def test_tracking_is_ignored_unless_it_is_switched_on_and_refused_where_it_is_said(erp: RunningErp) -> None:
    answer = erp.get(ALL, Prefer="odata.track-changes")
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (200, None)
    assert "@odata.deltaLink" not in answer.json()
    erp.control.track_changes("refused")
    refused = erp.get(ALL, Prefer="odata.track-changes")
    assert (refused.status_code, refused.json()["error"]["message"]) == (500, "Entity does not support delta requests")
    erp.control.track_changes("on")
    assert erp.get(f"{ALL}&$orderby=SalesOrder", Prefer="odata.track-changes").status_code == 400
