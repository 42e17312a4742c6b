"""The CRM answers as Salesforce does, to a client that is not ours and to queries that are wrong."""

# ruff: noqa: S608  SOQL, put together as a client does

from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceMalformedRequest

from local.simulators.schema import SOURCES, Entity
from tests.support.running_sources import RunningCrm

FIELDS = "Id, Name, IsDeleted, SystemModstamp"


class PlainHttp(HTTPAdapter):
    """simple-salesforce knows https only; the simulator serves http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = str(request.url).replace("https://", "http://")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def salesforce(crm: RunningCrm) -> Salesforce:
    session = requests.Session()
    session.mount("https://", PlainHttp())
    token = str(crm.session.headers["Authorization"]).removeprefix("Bearer ")
    return Salesforce(instance=crm.url.removeprefix("http://"), session_id=token, version="62.0", session=session)


def test_a_stranger_reads_every_account_through_pages(crm: RunningCrm, salesforce: Salesforce) -> None:
    expected = {row["Id"]: row["Name"] for row in crm.store.read("SELECT Id, Name FROM Account WHERE IsDeleted = 0")}
    salesforce.headers["Sforce-Query-Options"] = "batchSize=200"

    answer = salesforce.query_all("SELECT Id, Name FROM Account")

    assert {row["Id"]: row["Name"] for row in answer["records"]} == expected
    assert answer["totalSize"] == len(expected) > 200


@pytest.mark.parametrize("entity", SOURCES["crm"], ids=lambda entity: entity.set_name)
def test_a_stranger_reads_each_object_whole(crm: RunningCrm, salesforce: Salesforce, entity: Entity) -> None:
    described = {field["name"]: field for field in getattr(salesforce, entity.set_name).describe()["fields"]}
    soql = f"SELECT {', '.join(entity.columns)} FROM {entity.set_name} ORDER BY SystemModstamp, Id"

    records = salesforce.query_all(soql, include_deleted=True)["records"]

    assert tuple(described) == entity.columns
    live = salesforce.query(f"SELECT COUNT() FROM {entity.set_name}")["totalSize"]
    assert live == len([record for record in records if not record.get("IsDeleted")])
    truth = {row["Id"]: row for row in crm.store.read(f"SELECT * FROM {entity.set_name}")}
    assert len(records) == len(truth) > 20
    for record in records:
        for name, field in described.items():
            assert record[name] == _as_json(field["type"], truth[record["Id"]][name])


def _as_json(kind: str, value: Any) -> Any:
    if value is None:
        return None
    return bool(value) if kind == "boolean" else float(value) if kind in ("double", "currency", "percent") else value


def test_numbers_come_as_they_are_and_are_compared_by_their_size(crm: RunningCrm) -> None:
    row = {"Id": "0069x00000AbCdEAAV", "Name": "exact", "Amount": "9007199254740993.10", "CloseDate": "2026-11-20"}
    crm.control.insert("crm.opportunity", row)
    small, large = "Amount > -1000000 AND Amount <= 900.5", "Amount IN (9007199254740993.10) AND CloseDate = 2026-11-20"

    found = crm.query(f"SELECT Amount FROM Opportunity WHERE {large} ORDER BY Amount")

    assert b'"Amount":9007199254740993.10}' in found.content
    amounts = [record["Amount"] for record in crm.records(f"SELECT Amount FROM Opportunity WHERE {small}")]
    assert amounts
    assert max(amounts) <= 900.5


def test_deleted_accounts_come_with_query_all_only(crm: RunningCrm, salesforce: Salesforce) -> None:
    deleted = {row[0] for row in crm.store.read("SELECT Id FROM Account WHERE IsDeleted = 1")}

    visible = salesforce.query_all("SELECT Id FROM Account")["records"]
    everything = salesforce.query_all(f"SELECT {FIELDS} FROM Account", include_deleted=True)["records"]

    assert deleted
    assert deleted.isdisjoint(row["Id"] for row in visible)
    assert {row["Id"] for row in everything if row["IsDeleted"]} == deleted


def test_a_stranger_reads_the_fields_and_their_types(salesforce: Salesforce) -> None:
    fields = {field["name"]: field for field in salesforce.Account.describe()["fields"]}

    assert fields["SystemModstamp"]["type"] == "datetime"
    assert not fields["SystemModstamp"]["nillable"]
    assert (fields["VAT_Number__c"]["type"], fields["VAT_Number__c"]["length"]) == ("string", 20)
    assert fields["IsDeleted"]["type"] == "boolean"


def test_a_stranger_sees_a_mistake_refused(salesforce: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        salesforce.query("SELECT Nmae FROM Account")


def test_a_result_is_paged_as_it_was_when_it_was_asked_for(crm: RunningCrm) -> None:
    first = crm.query("SELECT Id, Name FROM Account ORDER BY Id", batch=200).json()
    last_key = crm.records("SELECT Id FROM Account ORDER BY Id DESC LIMIT 1")[0]["Id"]
    crm.control.change("crm.account", last_key, {"Name": "Changed between two pages"})

    second = crm.session.get(f"{crm.url}{first['nextRecordsUrl']}", timeout=20).json()

    assert (first["done"], second["done"]) == (False, True)
    assert len(first["records"]) == 200
    assert len(first["records"]) + len(second["records"]) == first["totalSize"]
    assert second["records"][-1]["Id"] == last_key
    assert second["records"][-1]["Name"] != "Changed between two pages"


def test_an_unknown_locator_is_refused(crm: RunningCrm) -> None:
    answer = crm.session.get(f"{crm.url}/services/data/v62.0/query/01g5g0000999999AAQ-200", timeout=20)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_keyset_pages_find_every_row_of_one_instant(crm: RunningCrm) -> None:
    assert crm.control.touch("crm.account", 100, "2026-11-15T12:00:00Z") == 100
    found: list[str] = []
    condition = "SystemModstamp >= 2026-11-15T12:00:00Z"
    while page := crm.records(
        f"SELECT {FIELDS} FROM Account WHERE {condition} ORDER BY SystemModstamp ASC, Id ASC LIMIT 30", everything=True
    ):
        found.extend(row["Id"] for row in page)
        stamp, key = page[-1]["SystemModstamp"].replace("+0000", "Z"), page[-1]["Id"]
        condition = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{key}'))"

    rows = crm.store.read("SELECT Id FROM Account WHERE SystemModstamp >= '2026-11-15T12:00:00.000+0000'")
    assert sorted(found) == sorted(row[0] for row in rows)
    assert len(found) >= 100


def test_count_gives_a_total_and_no_rows(crm: RunningCrm) -> None:
    answer = crm.query("SELECT COUNT() FROM Account WHERE IsDeleted = false", everything=True).json()

    expected = crm.store.read("SELECT COUNT(*) FROM Account WHERE IsDeleted = 0")[0][0]
    assert (answer["totalSize"], answer["records"]) == (expected, [])


@pytest.mark.parametrize("text", ["O'Neill's", 'a "b"', "back\\slash", "line\nbreak", "100%", "Ünï 🚜"])
def test_escaped_text_finds_its_row(crm: RunningCrm, text: str) -> None:
    (key,) = crm.control.insert("crm.account", {"Id": "0019x00000AbCdEAAV", "Name": text})
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")

    assert [row["Id"] for row in crm.records(f"SELECT Id FROM Account WHERE Name = '{quoted}'")] == key


def test_null_differs_from_every_value_and_is_asked_for_by_equality(crm: RunningCrm) -> None:
    nulls = {row["Id"] for row in crm.records("SELECT Id FROM Account WHERE Industry = null")}
    others = {row["Id"] for row in crm.records("SELECT Id FROM Account WHERE Industry != 'Energy'")}

    assert nulls
    assert nulls < others


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Acount", "INVALID_TYPE"),
        ("SELECT Id, Nmae FROM Account", "INVALID_FIELD"),
        ("SELECT Owner.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-11-15T12:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-11-15", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount > '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z", "INVALID_FIELD"),
        ("SELECT IsDeleted FROM User", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE IsDeleted = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Industry IS NULL", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id = 'a' AND Id = 'b' OR Id = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'it's'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE (Name = 'x'", "MALFORMED_QUERY"),
        ("SELECT * FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account -- all", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DROP TABLE Account", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account ORDER BY Name DESC NULLS LAST", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("DELETE FROM Account", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_a_wrong_query_is_refused_as_salesforce_does(crm: RunningCrm, soql: str, code: str) -> None:
    answer = crm.query(soql)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_nothing_is_read_without_a_token(crm: RunningCrm) -> None:
    answer = requests.get(
        f"{crm.url}/services/data/v62.0/query",
        params={"q": "SELECT Id FROM Account"},
        headers={"Authorization": "Bearer stale"},
        timeout=20,
    )

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize("way", ["form", "basic"])
def test_a_token_carries_the_simulated_clock(crm: RunningCrm, way: str) -> None:
    form = {"grant_type": "client_credentials"}
    auth = ("lake-reader", "crm-secret") if way == "basic" else None
    if way == "form":
        form |= {"client_id": "lake-reader", "client_secret": "crm-secret"}

    answer = requests.post(f"{crm.url}/services/oauth2/token", data=form, auth=auth, timeout=20)

    assert answer.json()["issued_at"] == str(int(crm.store.now.timestamp() * 1000))
    assert answer.json()["instance_url"] == crm.url
    assert answer.headers["Date"] == "Mon, 16 Nov 2026 06:00:00 GMT"


def test_a_wrong_secret_gets_no_token(crm: RunningCrm) -> None:
    form = {"grant_type": "client_credentials", "client_id": "lake-reader", "client_secret": "guess"}

    answer = requests.post(f"{crm.url}/services/oauth2/token", data=form, timeout=20)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_each_answer_says_how_much_of_the_quota_is_used(crm: RunningCrm) -> None:
    used = [crm.query("SELECT COUNT() FROM Account").headers["Sforce-Limit-Info"] for _ in range(2)]

    assert used == ["api-usage=1/15000", "api-usage=2/15000"]


def test_a_stranger_reads_which_accounts_were_deleted(crm: RunningCrm, salesforce: Salesforce) -> None:
    kept, gone = (row[0] for row in crm.store.read("SELECT Id FROM Account WHERE IsDeleted = 0 ORDER BY Id LIMIT 2"))
    crm.control.delete("account", gone)
    start, end = crm.store.now - timedelta(hours=1), crm.store.now + timedelta(minutes=1)

    answer = salesforce.Account.deleted(start, end)

    assert gone in [record["id"] for record in answer["deletedRecords"]]
    assert kept not in [record["id"] for record in answer["deletedRecords"]]
    assert answer["earliestDateAvailable"] < answer["latestDateCovered"]


def test_a_query_that_is_too_long_for_a_uri_is_refused(crm: RunningCrm) -> None:
    names = ", ".join(["Name"] * 4000)
    assert crm.query(f"SELECT {names} FROM Account").status_code == 414
