"""HubSpot's search and lists answer as HubSpot documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from tests.support.running_sources import RunningRest

BY_ID = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
FIRST = 51_000_000_000


def where(*filters: tuple[Any, ...]) -> list[dict[str, Any]]:
    """One group of filters (property, operator, value)."""
    return [
        {"filters": [{"propertyName": f[0], "operator": f[1]} | ({"value": f[2]} if f[2:] else {}) for f in filters]}
    ]


def ids(records: list[dict[str, Any]]) -> list[int]:
    return [int(record["id"]) for record in records]


def test_who_bears_no_token_is_refused(hubspot: RunningRest) -> None:
    answer = requests.post(f"{hubspot.url}/crm/v3/objects/contacts/search", json={}, timeout=20)
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_a_record_holds_the_asked_properties_as_texts_or_null(hubspot: RunningRest) -> None:
    hubspot.control.change("hubspot.contact", str(FIRST), {"email": None})
    (record,) = hubspot.found("contacts", limit=1, sorts=BY_ID, properties=["email", "lastname"])
    assert record["id"] == str(FIRST)
    assert record["archived"] is False
    assert record["properties"].keys() == {"email", "lastname", "createdate", "hs_object_id", "lastmodifieddate"}
    assert record["properties"]["email"] is None
    assert record["updatedAt"] == record["properties"]["lastmodifieddate"]


def test_pages_follow_by_after_until_there_is_none(hubspot: RunningRest) -> None:
    seen: list[int] = []
    after: str | None = None
    for _ in range(10):
        answer = hubspot.search("contacts", limit=100, sorts=BY_ID, **({"after": after} if after else {})).json()
        seen += ids(answer["results"])
        if "paging" not in answer:
            break
        after = answer["paging"]["next"]["after"]
    assert seen == [FIRST + 7 * number for number in range(375)]


def test_a_group_holds_where_all_its_filters_do_and_groups_are_alternatives(hubspot: RunningRest) -> None:
    both = where(("hs_object_id", "GT", str(FIRST + 7)), ("hs_object_id", "LTE", FIRST + 21))
    assert ids(hubspot.found("contacts", filterGroups=both, sorts=BY_ID)) == [FIRST + 14, FIRST + 21]
    either = where(("hs_object_id", "EQ", str(FIRST))) + where(("hs_object_id", "EQ", str(FIRST + 70)))
    assert ids(hubspot.found("contacts", filterGroups=either, sorts=BY_ID)) == [FIRST, FIRST + 70]


def test_values_and_absence_are_asked_for(hubspot: RunningRest) -> None:
    hubspot.control.change("hubspot.contact", str(FIRST), {"email": None})
    some = [{"propertyName": "hs_object_id", "operator": "IN", "values": [str(FIRST), str(FIRST + 7)]}]
    assert ids(hubspot.found("contacts", filterGroups=[{"filters": some}], sorts=BY_ID)) == [FIRST, FIRST + 7]
    between = [{"propertyName": "hs_object_id", "operator": "BETWEEN", "value": FIRST + 1, "highValue": FIRST + 14}]
    assert ids(hubspot.found("contacts", filterGroups=[{"filters": between}], sorts=BY_ID)) == [FIRST + 7, FIRST + 14]
    without = hubspot.found("contacts", filterGroups=where(("email", "NOT_HAS_PROPERTY")), sorts=BY_ID, limit=200)
    having = hubspot.found("contacts", filterGroups=where(("email", "HAS_PROPERTY")), sorts=BY_ID, limit=1)
    assert ids(without)[0] == FIRST
    assert ids(having)[0] > FIRST


def test_stamps_are_compared_as_milliseconds(hubspot: RunningRest) -> None:
    hubspot.control.change("hubspot.contact", str(FIRST), {"lastname": "X"}, stamp="2026-11-16T05:59:59.500Z")
    at = 1794808799500
    for operator, value, there in (("GTE", at, True), ("GT", at, False), ("LT", at, False), ("LT", str(at + 1), True)):
        found = hubspot.found(
            "contacts", filterGroups=where(("lastmodifieddate", operator, value)), sorts=BY_ID, limit=1
        )
        assert (FIRST in ids(found)) is there, (operator, value)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"filterGroups": where(("hs_object_id", "EQ", "1")) * 6},
        {"filterGroups": [{"filters": []}]},
        {"filterGroups": where(("nothing", "EQ", "1"))},
        {"filterGroups": where(("lastmodifieddate", "GT", "yesterday"))},
        {"sorts": BY_ID * 2},
    ],
)
def test_what_the_api_cannot_do_is_a_400(hubspot: RunningRest, body: dict[str, Any]) -> None:
    answer = hubspot.search("contacts", **body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_deleted_objects_are_listed_as_archived_and_found_no_more(hubspot: RunningRest) -> None:
    hubspot.control.delete("hubspot.contact", str(FIRST + 7))
    (archived,) = hubspot.get("/crm/v3/objects/contacts", archived="true").json()["results"]
    assert (archived["id"], archived["archived"]) == (str(FIRST + 7), True)
    assert archived["archivedAt"] == "2026-11-16T06:00:00.000Z"
    listed = hubspot.get("/crm/v3/objects/contacts", limit=2).json()
    assert ids(listed["results"]) == [FIRST, FIRST + 14]
    more = hubspot.get("/crm/v3/objects/contacts", limit=1, after=listed["paging"]["next"]["after"]).json()
    assert ids(more["results"]) == [FIRST + 21]


def test_the_daily_limit_says_so(hubspot: RunningRest) -> None:
    hubspot.control.fault("quota", requests=1)
    assert hubspot.search("contacts", limit=1).status_code == 200
    answer = hubspot.search("contacts", limit=1)
    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
