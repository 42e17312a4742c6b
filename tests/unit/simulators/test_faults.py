"""Every kind of fault is seen over HTTP, by itself and together with others."""

from __future__ import annotations

import email.utils
import json
import subprocess
import sys
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, get_args
from urllib.parse import urlsplit

import pytest
import requests
from defusedxml import EntitiesForbidden
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.crm import DATA
from local.simulators.erp import ROOT
from local.simulators.faults import KINDS, Faults, catalogue, draw, hides, nature
from local.simulators.faults.faces import FACES, REST
from local.simulators.faults.kinds import Nature
from local.simulators.messages import Request, Response
from local.simulators.quirks import NEW_FIELD_HOLDS
from tests.support.running_sources import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.running_sources import RunningCrm, RunningErp

ORDERS = "A_SalesOrder?$select=SalesOrder,TotalNetAmount,LastChangeDateTime&$orderby=SalesOrder&$top=60"
ACCOUNTS = "SELECT Id, SystemModstamp FROM Account ORDER BY SystemModstamp, Id"
SAYS = "An unexpected error occurred. Please try again later."
ELSEWHERE = "http://elsewhere.example:8000"


def pages(erp: RunningErp, path: str, most: int = 50) -> list[list[dict[str, Any]]]:
    """The rows of each page, the server's next links followed."""
    found: list[list[dict[str, Any]]] = []
    link: str | None = path
    while link is not None and len(found) < most:
        answer = erp.get(link)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["value"])
        link = answer.json().get("@odata.nextLink")
    return found


def keys(found: list[list[dict[str, Any]]]) -> list[str]:
    return [row["SalesOrder"] for page in found for row in page]


def statuses(erp: RunningErp, count: int) -> list[int]:
    return [erp.get("A_SalesOrder?$top=1").status_code for _ in range(count)]


class Asked(NamedTuple):
    """How a protocol is asked for three rows, and where they and their keys are in its answer."""

    source: str
    ask: Callable[[Any], requests.Response]
    records: Callable[[Any], list[dict[str, Any]]]
    key: str


V2 = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder?$top=3&$format=json"
ASKED = {
    "odata_v4": Asked("erp", lambda erp: erp.get("A_SalesOrder?$top=3"), itemgetter("value"), "SalesOrder"),
    "odata_v2": Asked(
        "erp", lambda erp: erp.session.get(erp.url + V2, timeout=20), lambda body: body["d"]["results"], "SalesOrder"
    ),
    "salesforce": Asked("crm", lambda crm: crm.query("SELECT Id FROM Account LIMIT 3"), itemgetter("records"), "Id"),
    "hubspot": Asked("hubspot", lambda hubspot: hubspot.search("contacts", limit=3), itemgetter("results"), "id"),
    "rest": Asked("service", lambda service: service.get("/api/v2/work_orders", per_page=3), itemgetter("data"), "id"),
}


@pytest.mark.parametrize("face", ASKED)
def test_faults_know_the_pages_and_errors_of_every_protocol(face: str, request: pytest.FixtureRequest) -> None:
    asked = ASKED[face]
    source = request.getfixturevalue(asked.source)
    plain = asked.records(asked.ask(source).json())
    source.control.faults({"kind": "null_values", "field": asked.key})
    spoilt = asked.records(asked.ask(source).json())
    source.control.faults({"kind": "error_in_body"})
    error = asked.ask(source)
    source.control.faults({"kind": "quota", "requests": 0})

    assert [row[asked.key] for row in spoilt].count(None) == 1
    assert len(plain) == len(spoilt) == 3
    assert error.json() == FACES.get(face, REST).error("UNKNOWN_EXCEPTION", SAYS)
    assert asked.ask(source).status_code == (403 if face == "salesforce" else 429)


@pytest.mark.parametrize(("kind", "name"), [("renamed_links", "@nextLink"), ("unknown_continuation", "meta.next")])
@pytest.mark.parametrize("face", ["odata_v4", "odata_v2", "salesforce", "hubspot"])
def test_a_next_link_is_under_another_name(face: str, kind: str, name: str, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue(ASKED[face].source)
    source.control.faults({"kind": "page_cap", "rows": 1})
    *around, last = FACES[face].link
    links = []
    for way in ([*around, last], name.split(".")):
        document = ASKED[face].ask(source).json()
        for member in way:
            document = document[member]
        links.append(document)
        source.control.faults({"kind": "page_cap", "rows": 1}, {"kind": kind, "name": name})

    holder = ASKED[face].ask(source).json()
    for member in around:
        holder = holder.get(member, {})
    assert str(links[1]).startswith(str(links[0])[:24])
    assert last not in holder


def test_no_fault_means_no_difference(erp: RunningErp) -> None:
    before = erp.get(ORDERS)
    erp.control.faults({"kind": "unavailable", "times": 0}, {"kind": "duplicate_page", "p": 0.0})

    assert erp.get(ORDERS).content == before.content


# Combinations


def test_several_faults_play_at_once(erp: RunningErp) -> None:
    erp.control.faults(
        {"kind": "clock_skew", "seconds": -90},
        {"kind": "page_cap", "rows": 7},
        {"kind": "foreign_links", "host": ELSEWHERE},
        {"kind": "gzip"},
    )
    answer = erp.get(ORDERS)

    assert len(answer.json()["value"]) == 7
    assert answer.json()["@odata.nextLink"].startswith(ELSEWHERE)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Date"] == "Mon, 16 Nov 2026 05:58:30 GMT"


def test_the_same_seed_plays_at_the_same_requests(erp: RunningErp) -> None:
    fault = {"kind": "unavailable", "p": 0.5, "seed": 4}
    erp.control.faults(fault)
    first = statuses(erp, 30)
    erp.control.faults(fault)

    assert statuses(erp, 30) == first
    assert set(first) == {200, 503}
    erp.control.faults(fault | {"seed": 5})
    assert statuses(erp, 30) != first


def test_a_fault_waits_and_stops_as_told_and_says_what_it_met(erp: RunningErp) -> None:
    erp.control.faults({"kind": "gateway_timeout", "after": 2, "times": 1})

    assert statuses(erp, 5) == [200, 200, 504, 200, 200]
    (fault,) = erp.control.met()
    assert (fault["met"], fault["played"], fault["problem"]) == (5, 1, "")


def test_a_fault_meets_only_what_it_is_meant_for(erp: RunningErp) -> None:
    erp.control.faults({"kind": "unavailable", "only": "A_SalesOrder?$top=2"})

    assert erp.get("A_SalesOrder?$top=1").status_code == 200
    assert erp.get("A_SalesOrder?$top=2").status_code == 503


@pytest.mark.parametrize(
    ("scope", "met"), [("all", [503, 503, 503]), ("source", [200, 503, 503]), ("rows", [200, 200, 503])]
)
def test_the_scope_says_which_requests_a_fault_meets(crm: RunningCrm, scope: str, met: list[int]) -> None:
    crm.control.faults({"kind": "unavailable", "scope": scope})
    form = {"grant_type": "client_credentials", "client_id": "lake-reader", "client_secret": "crm-secret"}

    assert [
        requests.post(f"{crm.url}/services/oauth2/token", data=form, timeout=20).status_code,
        crm.session.get(f"{crm.url}{DATA}sobjects/Account/describe", timeout=20).status_code,
        crm.query(ACCOUNTS).status_code,
    ] == met


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "earthquake"}, "'earthquake' is unknown"),
        ({"kind": "page_cap", "lines": 3}, "no setting lines"),
        ({"kind": "too_many", "form": "words"}, "form 'words' is unknown"),
        ({"kind": "page_cap", "scope": "moon"}, "scope 'moon' is unknown"),
        ({"kind": "schema_drift", "entity": "erp.sales_order", "how": "gone", "field": "SalesOrder"}, "keys stay"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_reason(erp: RunningErp, fault: dict[str, object], reason: str) -> None:
    with pytest.raises(requests.HTTPError, match=reason):
        erp.control.faults(fault)


@given(st.integers(), st.sampled_from([*FACES, "rest"]), st.sets(st.sampled_from(get_args(Nature.__value__))))
def test_any_combination_that_is_drawn_can_be_played_and_is_of_the_wanted_nature(
    seed: int, face: str, natures: set[Nature]
) -> None:
    drawn, again = (draw(Random(seed), face, natures) for _ in range(2))  # noqa: S311  repeatable on purpose

    assert drawn == again == json.loads(json.dumps(drawn))
    assert {nature(fault) for fault in drawn} <= natures
    assert all(catalogue.checked(fault) for fault in drawn)
    assert sum(fault["times"] for fault in drawn if nature(fault) == "transient") <= 3


def test_a_fault_that_never_stops_is_not_healed_by_asking_again() -> None:
    assert nature({"kind": "down", "times": 2}) == "transient"
    assert nature({"kind": "down"}) == "detectable"
    assert nature({"kind": "http", "status": 403, "times": 1}) == "detectable"
    assert nature({"kind": "schema_drift", "entity": "crm.account", "how": "new", "field": "New__c"}) == "quiet"
    assert hides({"kind": "offset_tokens"})
    assert not hides({"kind": "gzip"})


def test_the_command_line_lists_every_kind_and_what_it_does() -> None:
    command = [sys.executable, "-m", "local.simulators", "faults"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    for name, kind in KINDS.items():
        (line,) = (line for line in lines if line.split()[:2] == [name, kind.nature])
        assert kind.play.__doc__.splitlines()[0] in line


# In the source's place


@pytest.mark.parametrize("kind", ["too_many", "unavailable"])
def test_patience_is_asked_for_in_three_forms(erp: RunningErp, kind: str) -> None:
    status = {"too_many": 429, "unavailable": 503}[kind]
    answers = []
    for form in ("seconds", "date", "none"):
        erp.control.faults({"kind": kind, "form": form, "seconds": 40})
        answers.append(erp.get(ORDERS))

    assert {answer.status_code for answer in answers} == {status}
    assert answers[0].headers["Retry-After"] == "40"
    assert (email.utils.parsedate_to_datetime(answers[1].headers["Retry-After"]) - NOW).total_seconds() == 40
    assert "Retry-After" not in answers[2].headers


def test_a_gateway_gives_up(crm: RunningCrm) -> None:
    crm.control.faults({"kind": "gateway_timeout"})

    answer = crm.query(ACCOUNTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html")


def test_a_connection_is_reset_before_the_answer(erp: RunningErp) -> None:
    erp.control.faults({"kind": "reset"})

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        erp.get(ORDERS)


def test_an_answer_takes_longer(erp: RunningErp) -> None:
    erp.control.faults({"kind": "slow", "seconds": 0.2})

    assert erp.get(ORDERS).elapsed.total_seconds() >= 0.2


def test_what_an_answer_takes_may_pass_on_another_clock_and_vary() -> None:
    held: list[float] = []
    faults = Faults(hold=lambda _, seconds: held.append(seconds))
    faults.set([{"kind": "slow", "seconds": 100, "varies": True}])
    for _ in range(30):
        faults.answer(Request("GET", "/", "", {}, b""), NOW, lambda _: Response(200))

    assert set(held) == {5, 30, 100}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_names_another_host(erp: RunningErp, status: int) -> None:
    erp.control.faults({"kind": "redirect", "status": status, "host": ELSEWHERE})

    answer = erp.session.get(f"{erp.url}{ROOT}API_SALES_ORDER_SRV/{ORDERS}", timeout=20, allow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["Location"] == f"{ELSEWHERE}{ROOT}API_SALES_ORDER_SRV/{ORDERS}"


def test_an_error_comes_with_status_200(erp: RunningErp, crm: RunningCrm) -> None:
    for source in (erp, crm):
        source.control.faults({"kind": "error_in_body"})
    order, account = erp.get(ORDERS), crm.query(ACCOUNTS)

    assert (order.status_code, account.status_code) == (200, 200)
    assert order.json()["error"]["code"] == account.json()[0]["errorCode"] == "UNKNOWN_EXCEPTION"
    erp.control.faults({"kind": "error_in_body", "form": "html"})
    assert (erp.get(ORDERS).status_code, "Please log in" in erp.get(ORDERS).text) == (200, True)


def test_a_token_expires_in_the_middle_and_another_one_is_good(crm: RunningCrm) -> None:
    crm.control.faults({"kind": "token_expiry", "after": 1, "times": 1})
    assert [crm.query(ACCOUNTS).status_code for _ in range(4)] == [200, 401, 401, 401]

    form = {"grant_type": "client_credentials", "client_id": "lake-reader", "client_secret": "crm-secret"}
    token = requests.post(f"{crm.url}/services/oauth2/token", data=form, timeout=20).json()["access_token"]
    crm.session.headers["Authorization"] = f"Bearer {token}"
    assert crm.query(ACCOUNTS).status_code == 200


def test_a_daily_quota_is_used_up_until_the_next_day(crm: RunningCrm, erp: RunningErp) -> None:
    for source in (crm, erp):
        source.control.faults({"kind": "quota", "requests": 2})
    answers = [crm.query(ACCOUNTS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[2].json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert statuses(erp, 3) == [200, 200, 429]
    crm.control.advance(hours=24)
    assert crm.query(ACCOUNTS).status_code == 200


def test_a_source_announces_its_quota(crm: RunningCrm) -> None:
    crm.control.faults({"kind": "announced_quota", "requests": 50})

    assert crm.query(ACCOUNTS).headers["Sforce-Limit-Info"] == "api-usage=1/50"


def test_metadata_is_a_small_document_that_would_become_a_large_one(erp: RunningErp) -> None:
    erp.control.faults({"kind": "xml_bomb"})

    answer = erp.get("$metadata")
    assert len(answer.content) < 2_000
    with pytest.raises(EntitiesForbidden):
        fromstring(answer.content)
    assert erp.get(ORDERS).status_code == 200


# Misunderstandings


def test_a_filter_is_ignored(erp: RunningErp, crm: RunningCrm) -> None:
    for source in (erp, crm):
        source.control.faults({"kind": "ignored_filter"})

    assert len(erp.rows("A_SalesOrder?$filter=SalesOrder eq 'none'&$top=5")) == 5
    assert len(crm.records("SELECT Id FROM Account WHERE Name = 'Nobody at all' LIMIT 5")) == 5


@pytest.mark.parametrize("face", ASKED)
def test_nothing_is_shown_and_all_is_said_to_be_well(face: str, request: pytest.FixtureRequest) -> None:
    asked = ASKED[face]
    source = request.getfixturevalue(asked.source)
    source.control.faults({"kind": "nothing_shown"})
    answer = asked.ask(source)

    assert (answer.status_code, asked.records(answer.json())) == (200, [])


def test_what_is_not_shown_is_not_counted(erp: RunningErp) -> None:
    erp.control.faults({"kind": "nothing_shown"})

    assert erp.get("A_SalesOrder/$count").text == "0"


@pytest.mark.parametrize("way", ["key", "reverse"])
def test_an_order_is_ignored(erp: RunningErp, crm: RunningCrm, way: str) -> None:
    path = "A_SalesOrder?$orderby=LastChangeDateTime,SalesOrder&$filter=LastChangeDateTime ne null&$top=60"
    asked = [row["LastChangeDateTime"] for row in erp.rows(path)]
    for source in (erp, crm):
        source.control.faults({"kind": "ignored_order", "as": way})
    orders, accounts = erp.rows(path), crm.records(ACCOUNTS)

    assert asked == sorted(asked)
    if way == "key":
        assert [row["SalesOrder"] for row in orders] == sorted(row["SalesOrder"] for row in orders)
        assert [row["Id"] for row in accounts] == sorted(row["Id"] for row in accounts)
    else:
        stamps = [row["LastChangeDateTime"] for row in orders]
        assert stamps == sorted(stamps, reverse=True)
        assert accounts[0]["SystemModstamp"] > accounts[-1]["SystemModstamp"]


def test_pages_are_capped_in_silence_and_nothing_is_lost(erp: RunningErp, crm: RunningCrm) -> None:
    whole = keys(pages(erp, ORDERS))
    everyone = crm.records(ACCOUNTS)
    for source in (erp, crm):
        source.control.faults({"kind": "page_cap", "rows": 11})
    found = pages(erp, ORDERS)
    first = crm.query(ACCOUNTS).json()

    assert [len(page) for page in found] == [11, 11, 11, 11, 11, 5]
    assert keys(found) == whole
    assert (len(first["records"]), first["done"], first["totalSize"]) == (11, False, len(everyone))
    more = crm.session.get(crm.url + first["nextRecordsUrl"], timeout=20).json()
    assert [row["Id"] for row in more["records"]] == [row["Id"] for row in everyone[11:22]]


def test_short_pages_lose_nothing(erp: RunningErp) -> None:
    whole = keys(pages(erp, ORDERS))
    erp.control.faults({"kind": "short_pages", "seed": 3})
    found = pages(erp, ORDERS)

    assert keys(found) == whole
    assert len(found) > 1
    assert len({len(page) for page in found}) > 1


def test_an_empty_page_leads_on_by_a_token_of_its_own(erp: RunningErp, crm: RunningCrm) -> None:
    whole = keys(pages(erp, ORDERS))
    for source in (erp, crm):
        source.control.faults({"kind": "empty_pages", "times": 2})
    found = pages(erp, ORDERS)
    first = crm.query(ACCOUNTS).json()
    second = crm.session.get(crm.url + first["nextRecordsUrl"], timeout=20).json()
    third = crm.session.get(crm.url + second["nextRecordsUrl"], timeout=20).json()

    assert [len(page) for page in found] == [0, 0, 60]
    assert keys(found) == whole
    assert (first["records"], first["done"], second["records"]) == ([], False, [])
    assert first["nextRecordsUrl"] != second["nextRecordsUrl"]
    assert len(third["records"]) == third["totalSize"]


def test_an_empty_page_is_not_offered_behind_the_last_row(erp: RunningErp) -> None:
    erp.control.faults({"kind": "empty_pages"})

    assert pages(erp, "A_SalesOrder?$filter=SalesOrder eq 'none'") == [[]]


def test_offset_tokens_shift_when_rows_go(erp: RunningErp, crm: RunningCrm) -> None:
    whole = keys(pages(erp, ORDERS))
    everyone = [row["Id"] for row in crm.records("SELECT Id FROM Account ORDER BY Id")]
    for source in (erp, crm):
        source.control.faults({"kind": "offset_tokens"}, {"kind": "page_cap", "rows": 20})
    first = erp.get(ORDERS).json()
    erp.control.delete("erp.sales_order", *whole[:5])
    second = erp.get(first["@odata.nextLink"]).json()
    begun = crm.query("SELECT Id FROM Account ORDER BY Id").json()
    crm.control.delete("crm.account", *everyone[:5], hard=True)
    after = crm.session.get(crm.url + begun["nextRecordsUrl"], timeout=20).json()

    assert [row["SalesOrder"] for row in second["value"]] == whole[25:45]
    assert [row["Id"] for row in after["records"]] == everyone[25:45]


def test_without_that_fault_tokens_do_not_shift(erp: RunningErp) -> None:
    whole = keys(pages(erp, ORDERS))
    erp.control.faults({"kind": "page_cap", "rows": 20})
    first = erp.get(ORDERS).json()
    erp.control.delete("erp.sales_order", *whole[:5])

    second = erp.get(first["@odata.nextLink"]).json()
    assert [row["SalesOrder"] for row in second["value"]] == whole[20:40]


def test_a_result_is_cut_off_in_silence(erp: RunningErp, crm: RunningCrm) -> None:
    whole = keys(pages(erp, ORDERS))
    for source in (erp, crm):
        source.control.faults({"kind": "result_cap", "rows": 30}, {"kind": "page_cap", "rows": 12})
    found = pages(erp, ORDERS)

    assert [len(page) for page in found] == [12, 12, 6]
    assert keys(found) == whole[:30]
    assert crm.query(ACCOUNTS).json()["totalSize"] == 30


def test_a_query_with_too_large_a_result_is_refused(erp: RunningErp, crm: RunningCrm) -> None:
    for source in (erp, crm):
        source.control.faults({"kind": "result_cap", "rows": 30, "refuse": True})

    assert erp.get(ORDERS).status_code == 400
    assert erp.get("A_SalesOrder?$top=30").status_code == 200
    assert crm.query(ACCOUNTS).json()[0]["errorCode"] == "OPERATION_TOO_LARGE"
    assert crm.query(f"{ACCOUNTS} LIMIT 30").status_code == 200


def test_a_new_field_stands_in_rows_and_metadata(erp: RunningErp, crm: RunningCrm) -> None:
    erp.control.faults({"kind": "schema_drift", "entity": "erp.sales_order", "how": "new", "field": "ZZNew"})
    crm.control.faults({"kind": "schema_drift", "entity": "crm.account", "how": "new", "field": "New__c"})

    assert 'Name="ZZNew"' in erp.get("$metadata").text
    assert erp.rows("A_SalesOrder?$top=1")[0]["ZZNew"] == NEW_FIELD_HOLDS
    assert erp.rows("A_SalesOrder?$top=1&$select=SalesOrder,ZZNew")[0]["ZZNew"] == NEW_FIELD_HOLDS
    assert "New__c" in {field["name"] for field in described(crm)}
    assert crm.records("SELECT New__c FROM Account LIMIT 1")[0]["New__c"] == NEW_FIELD_HOLDS
    assert crm.records("SELECT Id FROM Account WHERE New__c = 'anything else'") == []


def test_a_field_that_is_gone_is_refused(erp: RunningErp, crm: RunningCrm) -> None:
    erp.control.faults({"kind": "schema_drift", "entity": "erp.sales_order", "how": "gone", "field": "SoldToParty"})
    crm.control.faults({"kind": "schema_drift", "entity": "crm.account", "how": "gone", "field": "Industry"})

    assert 'Name="SoldToParty"' not in erp.get("$metadata").text
    assert "SoldToParty" not in erp.rows("A_SalesOrder?$top=1")[0]
    assert erp.get("A_SalesOrder?$top=1&$select=SoldToParty").status_code == 400
    assert "Industry" not in {field["name"] for field in described(crm)}
    assert crm.query("SELECT Industry FROM Account").json()[0]["errorCode"] == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("field", "type_name", "kind"),
    [
        ("TotalNetAmount", "Edm.String", str),
        ("CreationDate", "Edm.DateTimeOffset", str),
        ("SoldToParty", "Edm.Boolean", bool),
    ],
)
def test_a_field_changes_its_type(erp: RunningErp, field: str, type_name: str, kind: type) -> None:
    erp.control.faults({"kind": "schema_drift", "entity": "erp.sales_order", "how": "type", "field": field})

    assert f'Name="{field}" Type="{type_name}"' in erp.get("$metadata").text
    value: Any = erp.rows(f"A_SalesOrder?$top=1&$select=SalesOrder,{field}")[0][field]
    assert isinstance(value, kind)
    assert field != "CreationDate" or str(value).endswith("T00:00:00.0000000Z")


def test_a_field_of_a_child_changes_its_type(erp: RunningErp) -> None:
    erp.control.faults({"kind": "schema_drift", "entity": "erp.sales_order_item", "how": "type", "field": "NetAmount"})

    row = erp.rows("A_SalesOrder?$top=1&$expand=to_Item($select=NetAmount)")[0]
    assert isinstance(row["to_Item"][0]["NetAmount"], str)


def described(crm: RunningCrm) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = crm.session.get(f"{crm.url}{DATA}sobjects/Account/describe", timeout=20).json()[
        "fields"
    ]
    return fields


# Pages


def test_a_page_comes_twice(erp: RunningErp) -> None:
    whole = keys(pages(erp, ORDERS))
    erp.control.faults({"kind": "page_cap", "rows": 20}, {"kind": "duplicate_page", "after": 1, "times": 1})

    assert keys(pages(erp, ORDERS)) == [*whole[:20], *whole]


def test_a_token_is_repeated(erp: RunningErp) -> None:
    erp.control.faults({"kind": "page_cap", "rows": 20}, {"kind": "repeated_token"})
    first = erp.get(ORDERS).json()
    second = erp.get(first["@odata.nextLink"]).json()

    assert second["@odata.nextLink"] == first["@odata.nextLink"]
    assert len(pages(erp, ORDERS, most=9)) == 9


def test_next_links_name_another_host(erp: RunningErp, crm: RunningCrm) -> None:
    for source in (erp, crm):
        source.control.faults({"kind": "page_cap", "rows": 20}, {"kind": "foreign_links", "host": ELSEWHERE})
    link = erp.get(ORDERS).json()["@odata.nextLink"]
    other = crm.query(ACCOUNTS).json()["nextRecordsUrl"]

    assert link.startswith(f"{ELSEWHERE}{ROOT}API_SALES_ORDER_SRV/A_SalesOrder?")
    assert other.startswith(f"{ELSEWHERE}{DATA}query/")
    here = urlsplit(link)
    assert erp.session.get(f"{erp.url}{here.path}?{here.query}", timeout=20).status_code == 200


def test_numbers_come_as_strings_with_all_their_digits(erp: RunningErp) -> None:
    path = "A_SalesOrder?$expand=to_Item&$top=3"
    plain = json.loads(erp.get(path).content, parse_float=str)["value"]
    erp.control.faults({"kind": "numbers_as_strings"})
    quoted = erp.rows(path)

    assert isinstance(quoted[0]["to_Item"][0]["NetAmount"], str)
    assert quoted == plain


def test_items_are_held_back_and_have_a_next_link_of_their_own(erp: RunningErp) -> None:
    erp.control.faults({"kind": "held_back_items", "items": 1})
    rows = erp.rows("A_SalesOrder?$top=50&$expand=to_Item")
    older = erp.session.get(f"{erp.url}{V2}&$expand=to_Item".replace("$top=3", "$top=50"), timeout=20).json()["d"][
        "results"
    ]

    cut = [row for row in rows if "to_Item@odata.nextLink" in row]
    assert cut
    assert all(len(row["to_Item"]) <= 1 for row in rows)
    assert len([row for row in older if "__next" in row["to_Item"]]) == len(cut)


def test_a_null_stands_where_none_may_be(erp: RunningErp) -> None:
    erp.control.faults({"kind": "null_values", "field": "SalesOrder", "times": 1})

    assert [row["SalesOrder"] for row in erp.rows(ORDERS)].count(None) == 1
    assert None not in [row["SalesOrder"] for row in erp.rows(ORDERS)]


# Wire


@pytest.mark.parametrize("how", ["control", "encoding", "garbage", None])
def test_a_malformed_body_is_no_json(erp: RunningErp, how: str | None) -> None:
    erp.control.faults({"kind": "malformed", "how": how})

    for _ in range(5):
        with pytest.raises(ValueError):
            json.loads(erp.get(ORDERS).content)


def test_a_truncated_body_says_its_own_length(erp: RunningErp) -> None:
    whole = erp.get(ORDERS).content
    erp.control.faults({"kind": "truncated"})
    answer = erp.get(ORDERS)

    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(whole)
    assert whole.startswith(answer.content)


@pytest.mark.parametrize("kind", ["cut_off", "reset_midway"])
def test_a_connection_ends_in_the_middle_of_a_body(erp: RunningErp, kind: str) -> None:
    erp.control.faults({"kind": kind, "times": 1})

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        erp.get(ORDERS)
    assert erp.get(ORDERS).status_code == 200


def test_a_good_body_is_called_something_else(erp: RunningErp) -> None:
    plain = erp.get(ORDERS).content
    erp.control.faults({"kind": "wrong_content_type", "to": "text/plain"})
    answer = erp.get(ORDERS)

    assert (answer.headers["Content-Type"], answer.content) == ("text/plain", plain)


def test_the_clock_of_the_answers_goes_wrong_but_never_beyond_real_time(erp: RunningErp) -> None:
    erp.control.faults({"kind": "clock_skew", "seconds": 75})
    assert erp.get(ORDERS).headers["Date"] == "Mon, 16 Nov 2026 06:01:15 GMT"

    erp.control.faults({"kind": "clock_skew", "seconds": 10**9})
    answer = erp.get(ORDERS)
    now = email.utils.localtime()
    assert email.utils.parsedate_to_datetime(answer.headers["Date"]) <= now


def test_a_body_is_compressed_for_whoever_accepts_it(erp: RunningErp) -> None:
    plain = erp.get(ORDERS).content
    erp.control.faults({"kind": "gzip"})

    zipped, refused = erp.get(ORDERS), erp.get(ORDERS, **{"Accept-Encoding": "identity"})
    assert (zipped.headers["Content-Encoding"], zipped.content) == ("gzip", plain)
    assert int(zipped.headers["Content-Length"]) < len(plain)
    assert ("Content-Encoding" in refused.headers, refused.content) == (False, plain)


def test_a_small_body_becomes_a_large_one(erp: RunningErp) -> None:
    erp.control.faults({"kind": "gzip_bomb", "megabytes": 24})
    answer = erp.get(ORDERS)

    assert int(answer.headers["Content-Length"]) < 100_000
    assert len(answer.content) == 24 * 2**20


# Between pages, and late


def test_rows_are_deleted_between_pages(erp: RunningErp) -> None:
    whole = keys(pages(erp, ORDERS))
    delete = ["delete", {"entity": "erp.sales_order", "keys": whole[15:25]}]
    erp.control.faults({"kind": "page_cap", "rows": 20}, {"kind": "meanwhile", "do": [delete], "after": 1, "times": 1})

    assert keys(pages(erp, ORDERS))[:30] == [*whole[:20], *whole[25:35]]


def test_what_could_not_be_done_between_pages_is_told(erp: RunningErp) -> None:
    erp.control.faults({"kind": "meanwhile", "do": [["delete", {"entity": "erp.sales_order", "keys": ["none"]}]]})

    assert erp.get(ORDERS).status_code == 200
    assert "no row ('none',)" in erp.control.met()[0]["problem"]


def test_changes_are_seen_later_than_they_are_stamped(erp: RunningErp) -> None:
    key = keys(pages(erp, ORDERS))[0]
    erp.control.faults({"kind": "late_commits", "minutes": 30})
    erp.control.change("erp.sales_order", key, {"ExternalDocumentID": "late"})
    row = f"A_SalesOrder?$filter=SalesOrder eq '{key}'"

    assert erp.rows(row)[0]["ExternalDocumentID"] != "late"
    erp.control.advance(hours=0.5)
    late = erp.rows(row)[0]
    assert (late["ExternalDocumentID"], late["LastChangeDateTime"]) == ("late", "2026-11-16T06:00:00.0000000Z")
