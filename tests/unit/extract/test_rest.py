"""Requests of declarative REST, what follows a page, and what an answer says beside its rows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.errors import BadRequest, MalformedAnswer, NoProgress
from lake.extract.http import Answer, Request
from lake.extract.passes import fetch_pass, key_pass, page_query, refresh_pass, window_passes
from lake.extract.protocols.rest_answers import beside
from lake.extract.protocols.rest_templates import MISSING, Literal, fill
from lake.extract.query import EVERY_ROW
from lake.extract.window import Window
from lake.raw.page import Page, read_page
from tests.support.rest_examples import CONTACT, ENGINEER, HUBSPOT, ORDER, REST, SERVICE, paged

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan

ENVELOPE = REST.envelope(HUBSPOT, CONTACT)
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 16, 6, tzinfo=UTC), NOON)
STAMP = Literal("2026-11-16T06:00:00.250000Z", "timestamp(3)")


def asked(source: SourcePlan, plan: Plan, reading: Any, position: tuple[str, ...] | None = None) -> Request:
    (request,) = REST.pages(source, plan, page_query(plan, reading, position))
    return request


def linked(plan: Plan, token: str) -> Request:
    (reading,) = window_passes(ORDER, WINDOW)
    return REST.link(SERVICE, plan, page_query(plan, reading, None), token)


def body(request: Request) -> Any:
    assert request.body is not None
    return json.loads(request.body)


def followed(plan: Plan, answer: Any, rows: int, token: str | None = None, links: str | None = None) -> str | None:
    """What follows a page of so many rows."""
    batch = pa.RecordBatch.from_pydict({"n": list(range(rows))})
    read = Page(batch, answer.get("next") if isinstance(answer, dict) else None, by_record=False)
    assert REST.follow is not None
    return REST.follow(SERVICE, plan, token, Answer(json.dumps(answer).encode(), NOON, None, links), read)


def response(status: int, content: bytes) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content = status, content
    return made


def test_a_search_is_asked_by_key_within_the_windows_bounds() -> None:
    (reading,) = window_passes(CONTACT, WINDOW)
    request = asked(HUBSPOT, CONTACT, reading, ("51000000007",))
    assert (request.method, request.target) == ("POST", "/crm/v3/objects/contacts/search")
    assert ("Content-Type", "application/json") in request.headers
    filters = [
        ("hs_object_id", "GT", "51000000007"),
        ("lastmodifieddate", "GTE", 1794808800000),
        ("lastmodifieddate", "LT", 1794830400000),
    ]
    assert body(request) == {
        "filterGroups": [{"filters": [{"propertyName": n, "operator": o, "value": v} for n, o, v in filters]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": [field.field for field in CONTACT.fields],
        "limit": 200,
    }


def test_the_first_page_of_a_sweep_asks_without_any_filter() -> None:
    assert body(asked(HUBSPOT, CONTACT, key_pass(CONTACT))) == {
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id"],
        "limit": 200,
    }


def test_an_empty_page_of_a_search_leads_on_by_its_token() -> None:
    (reading,) = window_passes(CONTACT, WINDOW)
    page = read_page(b'{"total": 9, "results": [], "paging": {"next": {"after": "200"}}}', CONTACT, ENVELOPE)
    query = page_query(CONTACT, reading, ("51000000007",))
    request = REST.link(HUBSPOT, CONTACT, query, str(page.next_link))
    assert body(request) == body(asked(HUBSPOT, CONTACT, reading, ("51000000007",))) | {"after": "200"}


def test_rows_are_fetched_by_their_keys() -> None:
    request = asked(HUBSPOT, CONTACT, fetch_pass(CONTACT, [("7",), ("8",)]))
    (group,) = body(request)["filterGroups"]
    assert group == {"filters": [{"propertyName": "hs_object_id", "operator": "IN", "values": ["7", "8"]}]}


def test_pages_are_counted_from_the_first_with_bounds_in_seconds() -> None:
    (reading,) = window_passes(ORDER, WINDOW)
    request = asked(SERVICE, ORDER, reading)
    assert request.path == "/api/v2/work_orders"
    expected = {"updated_from": "1794808800", "sort": "id", "page": "1", "per_page": "250"}
    assert dict(request.params) == expected
    assert request.body is None
    without_low = Window(None, NOON)
    (reading,) = window_passes(ORDER, without_low)
    assert "updated_from" not in dict(asked(SERVICE, ORDER, reading).params)


def test_a_page_past_the_end_stands_for_no_rows_where_that_is_declared() -> None:
    request = linked(ORDER, "3,500,0,250")
    assert dict(request.params)["page"] == "3"
    assert request.instead == ((404, b'{"data": []}'),)
    assert asked(SERVICE, ORDER, refresh_pass(ORDER, track=False)).instead == ()
    assert read_page(request.instead[0][1], ORDER, REST.envelope(SERVICE, ORDER)).batch.num_rows == 0


def test_an_offset_counts_the_rows_that_came() -> None:
    reading = refresh_pass(ENGINEER, track=False)
    assert dict(asked(SERVICE, ENGINEER, reading).params) == {"offset": "0", "limit": "250"}
    token = followed(ENGINEER, {"data": []}, rows=100)
    request = REST.link(SERVICE, ENGINEER, page_query(ENGINEER, reading, None), str(token))
    assert dict(request.params) == {"offset": "100", "limit": "250"}


@pytest.mark.parametrize(
    ("token", "rows", "total", "following"),
    [
        (None, 100, 250, "2,100,0,100"),
        ("2,100,0,100", 100, 250, "3,200,0,100"),
        ("3,200,0,100", 50, 250, None),
        ("3,200,0,100", 0, 200, None),
        (None, 0, 0, None),
    ],
)
def test_numbered_pages_end_with_the_row_that_the_total_counts(
    token: str | None, rows: int, total: int, following: str | None
) -> None:
    assert followed(ORDER, {"meta": {"total": total}}, rows, token) == following


def test_numbered_pages_without_a_total_end_with_an_empty_one() -> None:
    assert followed(ENGINEER, {"data": []}, rows=3, token="2,250,0,250") == "3,253,0,250"
    assert followed(ENGINEER, {"data": []}, rows=0, token="3,253,0,250") is None


def test_an_empty_page_is_asked_for_again_where_its_own_total_says_that_there_are_more_rows() -> None:
    token: str | None = "2,100,0,100"
    for _ in range(3):
        token = followed(ORDER, {"meta": {"total": 250}}, rows=0, token=token)
        assert dict(linked(ORDER, str(token)).params)["page"] == "2"
    with pytest.raises(NoProgress, match="there are 250 rows and 100 came"):
        followed(ORDER, {"meta": {"total": 250}}, rows=0, token=token)


@pytest.mark.parametrize("rows", [60, 120])
def test_pages_that_are_counted_and_change_their_size_are_an_error(rows: int) -> None:
    with pytest.raises(NoProgress, match=f"page 2 has {rows} rows, the first one had 100"):
        followed(ORDER, {"meta": {"total": 450}}, rows, token="2,100,0,100")
    assert followed(ENGINEER, {"data": []}, rows, token="2,100,0,100") == f"3,{100 + rows},0,100"


def test_a_page_that_says_so_is_the_last() -> None:
    plan = paged(ORDER, type="offset", base_page=1, has_more_path="more", past_end=[])
    assert followed(plan, {"more": True}, rows=2) == "2,2,0,2"
    assert followed(plan, {"more": False}, rows=2) is None
    assert followed(plan, {}, rows=2) == "2,2,0,2"
    plan = paged(ORDER, type="cursor", cursor_path="next", has_more_path="more")
    assert followed(plan, {"next": "x", "more": False}, rows=2) is None


def test_a_token_goes_out_where_the_contract_puts_it() -> None:
    plan = paged(ORDER, type="cursor", cursor_path="next")
    assert followed(plan, {"next": "a+b/=="}, rows=2) == "a+b/=="
    assert dict(parse_qsl(urlsplit(linked(plan, "a+b/==").target).query))["t"] == "a+b/=="


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/api/v2/work_orders?page=2&tenant=9",
        "/api/v2/work_orders?page=2&tenant=9",
        "?page=2&tenant=9",
    ],
)
def test_a_link_is_followed_on_the_configured_base(address: str) -> None:
    plan = paged(ORDER, type="json_link", next_url_path="next")
    assert followed(plan, {"next": address}, rows=2) == address
    request = linked(plan, address)
    assert request.path == "/api/v2/work_orders"
    assert {name: value for name, value in request.params if name in ("page", "tenant")} == {"page": "2", "tenant": "9"}


@pytest.mark.parametrize("address", ["/api/v2/users?page=2", "https://["])
def test_a_link_to_another_path_is_refused(address: str) -> None:
    plan = paged(ORDER, type="json_link", next_url_path="next")
    with pytest.raises(MalformedAnswer, match=r"leads to (/api/v2/users|https://)"):
        linked(plan, address)


@pytest.mark.parametrize(
    ("links", "following"),
    [
        ('<https://x.example/a?p=1>; rel="prev", <https://x.example/a?p=3>; rel="next"', "https://x.example/a?p=3"),
        ("</a?p=3>; title=t; rel=next", "/a?p=3"),
        ('</a?p=1>; rel="prev"', None),
        ('</a?p=1>; rel="nextish"', None),
        (None, None),
    ],
)
def test_the_link_header_leads_on(links: str | None, following: str | None) -> None:
    assert followed(paged(ORDER, type="header_link"), {}, rows=2, links=links) == following


@pytest.mark.parametrize(("member", "following"), [("next", None), ("@odata.nextLink", "?page=2")])
def test_a_single_page_is_followed_by_what_is_a_next_link_everywhere(member: str, following: str | None) -> None:
    plan = paged(ORDER, type="single_page")
    text = json.dumps({"data": [], member: "?page=2"}).encode()
    assert REST.follow is not None
    page = read_page(text, plan, REST.envelope(SERVICE, plan))
    assert REST.follow(SERVICE, plan, None, Answer(text, NOON, None), page) == following


@pytest.mark.parametrize(
    ("rows", "sent", "came", "following"),
    [
        (3, None, "a", "a"),
        (3, "a", "b", "b"),
        (0, "b", "b", None),
        (0, None, "*", None),
        (3, "b", "b", "b"),
        (0, "b", "c", "c"),
    ],
)
def test_a_token_that_comes_back_on_a_page_without_rows_is_the_end_where_the_contract_says_so(
    rows: int, sent: str | None, came: str, following: str | None
) -> None:
    plan = paged(ORDER, type="cursor", cursor_path="next", first_token="*", end="same_token")
    assert followed(plan, {"next": came}, rows=rows, token=sent) == following
    plain = paged(ORDER, type="cursor", cursor_path="next")
    assert followed(plain, {"next": came}, rows=rows, token=sent) == came


def test_the_first_request_has_the_first_token() -> None:
    plan = paged(ORDER, type="cursor", cursor_path="next", first_token="*")
    (reading,) = window_passes(ORDER, WINDOW)
    assert dict(asked(SERVICE, plan, reading).params)["t"] == "*"
    request = REST.link(SERVICE, plan, page_query(plan, reading, None), "AoE")
    assert dict(request.params)["t"] == "AoE"
    assert "t" not in dict(asked(SERVICE, paged(ORDER, type="cursor", cursor_path="next"), reading).params)


def test_a_condition_that_the_api_has_no_word_for_is_refused() -> None:
    with pytest.raises(BadRequest, match="has no word for"):
        asked(SERVICE, ORDER, fetch_pass(ORDER, [("1",), ("2",)]))


def test_a_count_and_the_clock_are_read_from_one_answer() -> None:
    request = REST.count(SERVICE, ORDER, EVERY_ROW)
    assert (request.method, request.path, request.params) == ("GET", "/api/v2/work_orders/count", ())
    answer = b'{"count": 500, "time": 1794808800}'
    assert REST.read_count(SERVICE, ORDER, answer) == 500
    assert REST.read_clock is not None
    assert REST.read_clock(SERVICE, ORDER, answer) == WINDOW.start
    request = REST.count(HUBSPOT, CONTACT, EVERY_ROW)
    assert (request.method, request.path, body(request)) == ("POST", "/crm/v3/objects/contacts/search", {"limit": 1})
    assert REST.read_count(HUBSPOT, CONTACT, b'{"total": "7"}') == 7
    assert REST.read_clock(HUBSPOT, CONTACT, b'{"total": 7}') is None


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"count": true}', b'{"count": "some"}', b"<html>", b"[" * 100_000])
def test_a_count_that_is_none_is_told(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        REST.read_count(SERVICE, ORDER, answer)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b'{"a": {"b": 7}, "rows": [{"x": 1.5}, {"x": "y"}]}', 7),
        (b'{"a": {"b": null}}', None),
        (b'{"a": null}', None),
        (b'{"a": {"c": 7}}', None),
        (b'{"rows": []}', None),
        (b'{"a": {"b": "7"}}', None),
        (b'{"a": {"b": 7.5}}', None),
        (b"[]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_what_stands_beside_the_rows_is_read_past_them(answer: bytes, found: int | None) -> None:
    assert beside(answer, "a.b", pa.int64()) == found


def test_a_quota_and_errors_that_pass_are_told_by_their_code() -> None:
    quota, busy = (json.dumps({"status": "error", "category": code}).encode() for code in ("quota", "busy"))
    assert REST.quota_reached(SERVICE, response(429, quota))
    assert REST.quota_reached(SERVICE, response(200, quota))
    assert not REST.quota_reached(SERVICE, response(200, busy))
    assert REST.passing(SERVICE, response(200, busy))
    assert not REST.passing(SERVICE, response(200, b'{"data": [{"name": "category"}]}'))
    assert not REST.passing(SERVICE, response(500, b"<html>"))
    assert not REST.quota_reached(HUBSPOT, response(429, b'{"policyName": "SECONDLY"}'))
    assert REST.quota_reached(HUBSPOT, response(429, b'{"policyName": "DAILY"}'))


def test_a_request_without_a_filter_names_its_bounds_though_the_source_has_a_filter() -> None:
    assert ORDER.rest is not None
    plan = replace(ORDER, rest=ORDER.rest | {"filter": (CONTACT.rest or {})["filter"]})
    (reading,) = window_passes(plan, WINDOW)
    assert asked(SERVICE, plan, reading) == asked(SERVICE, ORDER, reading)
    assert not REST.by_key(SERVICE, plan)
    assert REST.by_key(HUBSPOT, CONTACT)


def test_an_api_may_tell_no_count() -> None:
    assert ORDER.rest is not None
    count = {name: value for name, value in ORDER.rest["count"].items() if name != "total_path"}
    assert REST.read_count(SERVICE, replace(ORDER, rest=ORDER.rest | {"count": count}), b"[]") is None


def test_who_counts_pages_is_warned_and_who_does_not_is_not() -> None:
    assert REST.warnings is not None
    (warning,) = REST.warnings(SERVICE, ORDER)
    assert warning.startswith("service.work_order is paged by page_number: where rows change")
    assert REST.warnings(HUBSPOT, CONTACT) == ()


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (None, "2026-11-16T06:00:00.250000Z"),
        ("epoch_ms", 1794808800250),
        ("epoch_s", 1794808800),
        ("date", "2026-11-16"),
        ("yyyymmdd", "20261116"),
        ("local(Europe/Berlin)", "2026-11-16T07:00:00.250000"),
        ("%d.%m.%Y %H:%M", "16.11.2026 06:00"),
    ],
)
def test_an_instant_is_written_in_each_form(form: str | None, written: str | int) -> None:
    assert STAMP.write(form) == written


def test_days_times_and_numbers_have_their_forms_too() -> None:
    assert Literal("2026-11-16", "date", "yyyymmdd").write() == "20261116"
    assert Literal("06:07:08", "time", "hhmmss").write() == "060708"
    assert Literal("42", "int64").write() == 42
    assert Literal("42", "string(10)").write() == "42"


def test_a_member_without_a_value_is_left_out_and_what_becomes_empty_with_it() -> None:
    template = {
        "between": {"from": "{low}", "to": "{high:epoch_s}"},
        "list": [{"field": "w", "value": "{low}"}, {"field": "w", "value": "at {high:epoch_s}"}],
        "gone": {"deep": [{"x": "{low}"}]},
        "empty": [],
        "fixed": 7,
        "braces": "{{high}}",
    }
    assert fill(template, {"high": STAMP}) == {
        "between": {"to": 1794808800},
        "list": [{"field": "w", "value": "at 1794808800"}],
        "empty": [],
        "fixed": 7,
        "braces": "{high}",
    }
    assert fill({"x": "{low}"}, {}) is MISSING


@given(st.text())
def test_a_value_stays_a_value_in_json_and_in_a_url(value: str) -> None:
    filled = fill({"a": "{v}", "b": "x{v}y"}, {"v": Literal(value, "string")})
    assert json.loads(json.dumps(filled)) == {"a": value, "b": f"x{value}y"}
    if value.encode("utf-8", "replace").decode() == value:
        query = Request("/p", (("a", value),)).target.partition("?")[2]
        assert parse_qsl(query, keep_blank_values=True) == [("a", value)]


def test_a_page_of_each_example_is_read_on_the_fast_lane() -> None:
    contact = {
        "id": "51000000007",
        "properties": {
            "hs_object_id": "51000000007",
            "email": None,
            "firstname": "Zoë",
            "lastname": "Müller",
            "lifecyclestage": "lead",
            "createdate": "2026-11-16T06:00:00.250Z",
            "lastmodifieddate": "2026-11-16T06:00:00.250Z",
        },
        "createdAt": "2026-11-16T06:00:00.250Z",
        "updatedAt": "2026-11-16T06:00:00.250Z",
        "archived": False,
    }
    answer = {"total": 2, "results": [contact], "paging": {"next": {"after": "1", "link": "?after=1"}}}
    page = read_page(json.dumps(answer).encode(), CONTACT, ENVELOPE)
    assert not page.by_record
    assert page.batch.column("firstname").to_pylist() == ["Zoë"]
    order = {
        "id": "0000000007",
        "status": "done",
        "customer": None,
        "scheduled_on": "2026-11-16",
        "price": {"__class__": "Decimal", "decimal": "2081.38"},
        "updated_at": 1794808800,
        "parts": [{"id": "0000000007", "line": 1, "material": "x", "quantity": "1.500"}],
    }
    answer = {"data": [order, order | {"price": None}], "meta": {"page": 1, "per_page": 250, "total": 2}}
    page = read_page(json.dumps(answer).encode(), ORDER, REST.envelope(SERVICE, ORDER))
    assert not page.by_record
    assert [str(value) for value in page.batch.column("price").to_pylist()] == ["2081.38", "None"]
    assert page.batch.column("updated_at").to_pylist()[0] == WINDOW.start
