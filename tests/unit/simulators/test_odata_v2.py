"""The ERP's services as OData v2: read by a stranger, and strict with whoever writes version 4."""

# ruff: noqa: S608  names come from the schema

import warnings
from datetime import UTC, datetime
from typing import Any

import pyodata
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from odata_query.grammar import ODataLexer, ODataParser
from pyodata.v2.model import Config

from local.simulators.messages import RefusedError
from local.simulators.odata_v2 import ROOT
from local.simulators.odata_v2_filter import as_v4
from local.simulators.schema import SOURCES, Entity, children
from tests.support.running_sources import RunningErp

ORDERS = "API_SALES_ORDER_SRV"
PARTNERS = "API_BUSINESS_PARTNER"


def get(erp: RunningErp, path: str, service: str = ORDERS) -> requests.Response:
    url = f"{erp.url}{ROOT}{service}/{path}".replace(" ", "%20")
    return erp.session.get(url, headers={"Accept": "application/json"}, timeout=20)


def results(erp: RunningErp, path: str, service: str = ORDERS) -> list[dict[str, Any]]:
    answer = get(erp, path, service)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["d"]["results"])


def stranger(erp: RunningErp, service: str) -> Any:
    """The client of SAP's own pyodata, which reads the metadata first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyodata.Client(f"{erp.url}{ROOT}{service}", erp.session, config=Config(retain_null=True))


def test_a_stranger_reads_every_order_with_its_items(erp: RunningErp) -> None:
    erp.control.fault("page_cap", rows=100)
    page = stranger(erp, ORDERS).entity_sets.A_SalesOrder.get_entities().expand("to_Item")
    orders = []
    found = page.execute()
    orders += found
    while found.next_url is not None:
        found = page.next_url(found.next_url).execute()
        orders += found
    stored = {row["SalesOrder"]: row for row in erp.store.read("SELECT * FROM A_SalesOrder")}
    items = {tuple(row) for row in erp.store.read("SELECT SalesOrder, SalesOrderItem, Material FROM A_SalesOrderItem")}
    assert len(orders) == len(stored) > 100
    for order in orders:
        row = stored[order.SalesOrder]
        assert order.TotalNetAmount == row["TotalNetAmount"]
        assert f"{order.SalesOrderDate:%Y-%m-%d}" == row["SalesOrderDate"]
        stamp = row["LastChangeDateTime"]
        assert (order.LastChangeDateTime is None) == (stamp is None)
        if stamp is not None:
            assert f"{order.LastChangeDateTime:%Y-%m-%dT%H:%M:%S.%f}"[:23] == stamp[:23]
    assert {
        (item.SalesOrder, item.SalesOrderItem, item.Material) for order in orders for item in order.to_Item
    } == items


def test_a_stranger_filters_partners_by_local_date_and_time(erp: RunningErp) -> None:
    partners = stranger(erp, PARTNERS).entity_sets.A_BusinessPartner
    day, time = tuple(
        erp.store.read("SELECT LastChangeDate, LastChangeTime FROM A_BusinessPartner WHERE LastChangeDate > ''")[3]
    )
    spelled = f"time'PT{time[:2]}H{time[3:5]}M{time[6:]}S'"
    condition = f"LastChangeDate eq datetime'{day}T00:00:00' and LastChangeTime eq {spelled}"
    found = partners.get_entities().filter(condition).select("BusinessPartner,LastChangeTime").execute()
    sql = "SELECT BusinessPartner FROM A_BusinessPartner WHERE LastChangeDate = ? AND LastChangeTime = ?"
    assert {one.BusinessPartner for one in found} == {row[0] for row in erp.store.read(sql, (day, time))} != set()


@pytest.mark.parametrize("entity", [each for each in SOURCES["erp"] if each.parent is None], ids=lambda each: each.name)
def test_a_stranger_reads_each_set_with_what_lies_below(erp: RunningErp, entity: Entity) -> None:
    found = getattr(stranger(erp, entity.service).entity_sets, entity.set_name).get_entities().top(400)
    below = children(entity)
    if below:
        found = found.expand(",".join(str(child.navigation) for child in below))
    rows = list(found.execute())
    total = erp.store.read(f"SELECT COUNT(*) FROM {entity.set_name}")[0][0]
    assert len(rows) == min(total, 400)
    for row in rows:
        key = tuple(stored(getattr(row, name)) for name in entity.key)
        kept = erp.store.get(entity, key)
        assert kept is not None
        assert all(getattr(row, f.name) == kept[f.name] for f in entity.fields if f.kind in ("string", "decimal"))
        for child in below:
            count = erp.store.read(f"SELECT COUNT(*) FROM {child.set_name} WHERE {entity.key[0]} = ?", key)[0][0]
            assert len(getattr(row, str(child.navigation))) == count


def stored(part: Any) -> str:
    return f"{part:%Y-%m-%d}" if isinstance(part, datetime) else str(part)


def test_a_stranger_filters_deliveries_by_whole_days_and_finds_a_rate_by_its_day(erp: RunningErp) -> None:
    deliveries = stranger(erp, "API_OUTBOUND_DELIVERY_SRV;v=0002").entity_sets.A_OutbDeliveryHeader
    (day,) = erp.store.read("SELECT MAX(LastChangeDate) FROM A_OutbDeliveryHeader")[0]
    condition = f"LastChangeDate ge datetime'{day}T00:00:00' or LastChangeDate eq null"
    found = {one.DeliveryDocument for one in deliveries.get_entities().filter(condition).execute()}
    sql = "SELECT DeliveryDocument FROM A_OutbDeliveryHeader WHERE LastChangeDate >= ? OR LastChangeDate IS NULL"
    assert found == {row[0] for row in erp.store.read(sql, (day,))}
    (rate, *_) = results(erp, "I_ExchangeRateRawData?$filter=SourceCurrency eq 'JPY'&$top=1", "ZLAKE_EXCHANGE_RATE_SRV")
    again = erp.session.get(rate["__metadata"]["uri"], headers={"Accept": "application/json"}, timeout=20).json()["d"]
    assert again == rate
    day = datetime.fromtimestamp(int(rate["ValidityStartDate"][6:-2]) / 1000, UTC).date().isoformat()
    key = f"ExchangeRateType='M',SourceCurrency='JPY',TargetCurrency='EUR',ValidityStartDate={day}"
    newer = erp.get(f"I_ExchangeRateRawData({key})", "ZLAKE_EXCHANGE_RATE_SRV").json()
    assert str(newer["ExchangeRate"]) == rate["ExchangeRate"].rstrip("0")


def test_a_stranger_counts_and_reads_one_order(erp: RunningErp) -> None:
    orders = stranger(erp, ORDERS).entity_sets.A_SalesOrder
    total = erp.store.read("SELECT COUNT(*) FROM A_SalesOrder")[0][0]
    assert orders.get_entities().count().execute() == total
    assert orders.get_entities().top(1).count(inline=True).execute().total_count == total
    assert orders.get_entity("0000000007").execute().SalesOrder == "0000000007"


def test_a_stranger_finds_types_keys_and_labels_in_the_metadata(erp: RunningErp) -> None:
    kind = stranger(erp, ORDERS).schema.entity_type("A_SalesOrderType")
    assert [part.name for part in kind.key_proprties] == ["SalesOrder"]
    stamp, amount = kind.proprty("LastChangeDateTime"), kind.proprty("TotalNetAmount")
    assert (stamp.typ.name, stamp.label, stamp.nullable) == ("Edm.DateTimeOffset", "Last Change Date Time", True)
    assert (amount.typ.name, amount.precision, amount.scale) == ("Edm.Decimal", 16, 3)
    assert kind.nav_proprty("to_Item").to_role.multiplicity == "*"


def test_values_are_written_as_version_2_writes_them(erp: RunningErp) -> None:
    (order,) = results(erp, "A_SalesOrder?$filter=SalesOrder eq '0000000007'&$expand=to_Item")
    row = dict(erp.store.read("SELECT * FROM A_SalesOrder WHERE SalesOrder = '0000000007'")[0])
    assert order["TotalNetAmount"] == row["TotalNetAmount"]
    assert order["SalesOrderDate"].startswith("/Date(")
    assert order["SalesOrderDate"].endswith("000)/")
    assert order["LastChangeDateTime"].endswith("+0000)/")
    assert order["__metadata"]["uri"] == f"{erp.url}{ROOT}{ORDERS}/A_SalesOrder('0000000007')"
    assert all(item["__metadata"]["type"] == f"{ORDERS}.A_SalesOrderItemType" for item in order["to_Item"]["results"])
    (partner,) = results(erp, "A_BusinessPartner?$top=1", PARTNERS)
    assert partner["CreationTime"].startswith("PT")
    assert partner["to_BusinessPartnerTax"]["__deferred"]["uri"].endswith("/to_BusinessPartnerTax")


def test_fields_of_a_navigation_are_chosen_by_paths(erp: RunningErp) -> None:
    (order,) = results(erp, "A_SalesOrder?$select=SalesOrder,to_Item/SalesOrderItem&$expand=to_Item&$top=1")
    assert order.keys() == {"__metadata", "SalesOrder", "to_Item"}
    assert all(item.keys() == {"__metadata", "SalesOrderItem"} for item in order["to_Item"]["results"])
    (alone,) = results(erp, "A_SalesOrder?$select=SalesOrder&$expand=to_Item&$top=1")
    assert alone.keys() == {"__metadata", "SalesOrder"}


def test_next_links_are_absolute_and_keep_the_other_parameters(erp: RunningErp) -> None:
    total = erp.store.read("SELECT COUNT(*) FROM A_SalesOrder")[0][0]
    erp.control.fault("page_cap", rows=total - 3)
    first = get(erp, "A_SalesOrder?$select=SalesOrder&sap-client=100&$inlinecount=allpages").json()["d"]
    assert first["__next"].startswith(f"{erp.url}{ROOT}{ORDERS}/A_SalesOrder?$select=SalesOrder&sap-client=100&")
    second = erp.session.get(first["__next"], headers={"Accept": "application/json"}, timeout=20).json()["d"]
    assert (first["__count"], len(second["results"])) == (str(total), 3)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("A_SalesOrder?$filter=LastChangeDateTime gt 2026-11-16T05:45:00Z", 400),
        ("A_SalesOrder?$filter=LastChangeDateTime gt datetime'2026-11-16T00:00:00'", 400),
        ("A_SalesOrder?$filter=SalesOrderDate eq 2026-11-16", 400),
        ("A_SalesOrder?$filter=contains(SalesOrder,'1')", 400),
        ("A_SalesOrder?$filter=SalesOrder eq 1", 400),
        ("A_SalesOrder?$count=true", 400),
        ("A_SalesOrder?$inlinecount=all", 400),
        ("A_SalesOrder?$expand=to_Item($select=Material)", 400),
        ("A_SalesOrder?$select=Unknown", 400),
        ("A_SalesOrder?$format=xml", 406),
        ("A_Invoice", 404),
    ],
)
def test_what_is_not_version_2_is_refused(erp: RunningErp, path: str, status: int) -> None:
    answer = get(erp, path)
    assert (answer.status_code, answer.headers["dataserviceversion"]) == (status, "2.0")
    assert answer.json()["error"]["message"]["lang"] == "en"


@pytest.mark.parametrize(
    ("v2", "v4"),
    [
        ("A gt datetimeoffset'2026-11-16T05:45:00.12Z'", "A gt 2026-11-16T05:45:00.12Z"),
        ("A le datetime'2026-11-16T00:00:00' and T eq time'PT6H45M'", "A le 2026-11-16 and T eq 06:45:00"),
        ("N ge 10.5M or (N lt -5L)", "N ge 10.5 or (N lt -5)"),
        ("K eq guid'6d4b8f7e-0000-4000-8000-000000000001'", "K eq 6d4b8f7e-0000-4000-8000-000000000001"),
        ("substringof('it''s', Name)", "contains(Name, 'it''s')"),
    ],
)
def test_a_filter_is_rewritten_token_by_token(v2: str, v4: str) -> None:
    assert as_v4(v2) == v4


@given(st.text())
def test_texts_are_left_alone(text: str) -> None:
    condition = "Name eq '" + text.replace("'", "''") + "'"
    assert as_v4(condition) == condition
    assert ODataParser().parse(ODataLexer().tokenize(as_v4(condition))).right.val == text


@pytest.mark.parametrize(
    "text", ["A eq @x", "A eq date'2026-11-16'", "A eq datetime'2026-11-16T12:00:00'", "substringof('a')"]
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        as_v4(text)
