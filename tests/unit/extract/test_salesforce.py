"""What is special to Salesforce: more fields than one query holds, deleted records, descriptions, the quota."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.errors import MalformedAnswer
from lake.extract.http import Usage
from lake.extract.passes import page_query, window_passes
from lake.extract.protocols import salesforce
from lake.extract.protocols.salesforce_objects import DESCRIBE, FEED
from lake.extract.window import Window
from tests.support.plans import plan
from tests.support.source_plans import source

SOURCE = source("salesforce")
ACCOUNT = replace(plan({"Fine": "timestamp(3)"}), path="Account")
NOON = datetime(2026, 11, 16, 12, 0, 30, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 16, 5, 30, tzinfo=UTC), NOON)


def selected(target: Any) -> list[str]:
    soql = dict(target.params)["q"]
    return [field.strip() for field in soql.removeprefix("SELECT ").partition(" FROM ")[0].split(",")]


@given(st.integers(1, 900), st.integers(1, 40))
def test_fields_that_do_not_fit_one_query_come_by_several_with_key_and_stamp_in_each(fields: int, width: int) -> None:
    names = {f"Field_{number:03}_{'x' * width}__c": "string" for number in range(fields)}
    wide = replace(plan(names | {"Fine": "timestamp(3)"}), path="Account")
    query = page_query(wide, window_passes(wide, WINDOW)[0], None)
    asked = salesforce.pages(SOURCE, wide, query)
    shares = [selected(request) for request in asked]
    assert all(len(request.target) <= salesforce.MOST_URI for request in asked)
    assert all({"Key", "Fine"} <= set(share) for share in shares)
    others = [field for share in shares for field in share if field not in ("Key", "Fine")]
    assert others == list(names)
    assert len({dict(request.params)["q"].partition(" FROM ")[2] for request in asked}) == 1
    assert len(asked) == 1 or sum(map(len, names)) > salesforce.MOST_URI // 2


def test_the_source_says_how_much_of_its_quota_is_used() -> None:
    def answer(header: str | None) -> requests.Response:
        response = requests.Response()
        if header is not None:
            response.headers["Sforce-Limit-Info"] = header
        return response

    assert salesforce.usage_of(answer("api-usage=25/15000; per-app-api-usage=17/250(appName=lake)")) == Usage(25, 15000)
    for silent in (None, "", "api-usage=", "api-usage=1/0", "per-app=1/2"):
        assert salesforce.usage_of(answer(silent)) is None


def test_deleted_records_are_asked_for_in_whole_minutes() -> None:
    request = FEED.request(SOURCE, ACCOUNT, NOON, NOON)
    assert request.target == (
        "/base/sobjects/Account/deleted?start=2026-11-16T12%3A00%3A00%2B00%3A00&end=2026-11-16T12%3A01%3A00%2B00%3A00"
    )


def test_deleted_records_are_read() -> None:
    body = {
        "deletedRecords": [{"id": "001A", "deletedDate": "2026-11-16T11:59:00.000+0000"}, {"id": "001B"}],
        "earliestDateAvailable": "2026-11-01T12:00:00.000+0000",
        "latestDateCovered": "2026-11-16T12:00:00.000+0000",
    }
    page = FEED.read(SOURCE, ACCOUNT, json.dumps(body).encode())
    assert page.keys == (("001A",), ("001B",))
    assert page.deleted_at == ("2026-11-16T11:59:00.000+0000", None)
    assert page.covered_until == datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert page.known_since == datetime(2026, 11, 1, 12, tzinfo=UTC)


GOOD = json.dumps(
    {
        "deletedRecords": [{"id": "1"}],
        "latestDateCovered": "2026-11-16T12:00:00Z",
        "fields": [{"name": "A", "type": "id"}],
    }
).encode()


@given(st.binary(max_size=40), st.integers(0, len(GOOD)))
def test_mutated_answers_are_read_or_refused_in_our_own_words(garbage: bytes, at: int) -> None:
    for read in (FEED.read, DESCRIBE.read):
        try:
            read(SOURCE, ACCOUNT, GOOD[:at] + garbage + GOOD[at + len(garbage) :])
        except MalformedAnswer as error:
            assert "erp.thing" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"deletedRecords":[{}],"latestDateCovered":"2026-11-16T12:00:00Z"}',
        b'{"deletedRecords":[]}',
        b"[",
    ],
)
def test_a_feed_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        FEED.read(SOURCE, ACCOUNT, body)


@pytest.mark.parametrize(
    ("described", "kind"),
    [
        ({"type": "id", "length": 18}, "string(18)"),
        ({"type": "textarea", "length": 0}, "string"),
        ({"type": "currency", "precision": 18, "scale": 2}, "decimal(18,2)"),
        ({"type": "double", "precision": 0, "scale": 0}, None),
        ({"type": "int"}, "int64"),
        ({"type": "datetime"}, "timestamp(3)"),
        ({"type": "date"}, "date"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "address"}, None),
    ],
)
def test_types_are_told_in_the_plans_words(described: dict[str, Any], kind: str | None) -> None:
    body = json.dumps({"fields": [{"name": "A", "nillable": False, "label": "An A"} | described]}).encode()
    field = DESCRIBE.read(SOURCE, ACCOUNT, body)["Account"]["A"]
    assert (field.type, field.nullable, field.description) == (kind, False, "An A")
    assert field.key is (described["type"] == "id")


@pytest.mark.parametrize("url", ["@elsewhere.example/x", ".elsewhere.example/x", ":8443/x", "", "https://[", "x/y"])
def test_a_next_link_that_would_name_another_host_is_no_link(url: str) -> None:
    query = page_query(ACCOUNT, window_passes(ACCOUNT, WINDOW)[0], None)
    with pytest.raises(MalformedAnswer, match="is no link"):
        salesforce.link(SOURCE, ACCOUNT, query, url)


def test_a_next_link_on_another_host_is_followed_on_ours() -> None:
    query = page_query(ACCOUNT, window_passes(ACCOUNT, WINDOW)[0], None)
    request = salesforce.link(
        SOURCE, ACCOUNT, query, "https://elsewhere.example/services/data/v60.0/query/01g-2000?a=b"
    )
    assert (request.path, request.params) == ("/services/data/v60.0/query/01g-2000", (("a", "b"),))
