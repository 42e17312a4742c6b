"""Whatever a protocol wraps records in: the rows are the same, in both lanes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.raw import fast, slow
from lake.raw.envelope import Envelope, ErrorInBody, NotAPage, Page, Removed
from lake.raw.page import read_page
from lake.raw.record import layout_of
from tests.support.envelopes import PLAN, V2
from tests.support.plans import ENVELOPE

FLAT = Envelope(
    records="results",
    next_link="paging.next.after",
    beside={"total": pa.int64(), "paging.next.link": pa.string()},
    annotations={"archived": pa.bool_()},
    annotation_mark="\0",
    flatten=("properties",),
    error="failure.reason",
)
WRAPPED = replace(ENVELOPE, wrappers={"Decimal": "decimal", "Double": "double", "Long": "value"})
LIST = replace(ENVELOPE, records="", next_link="", beside={}, error=None)
DELTA = replace(ENVELOPE, delta_link="@odata.deltaLink", removed=Removed())


@dataclass(frozen=True)
class Case:
    """A body, and what stands in it: the row's Text, Count, Amount and items, and the next link."""

    envelope: Envelope
    body: Any
    row: tuple[Any, ...]
    link: str | None = None


META = {"__metadata": {"uri": "https://erp/Thing('k')", "type": "Thing"}}
ITEMS = [{"Text": "i", "Count": 1}]
CASES = {
    "v2": Case(
        V2,
        {"d": {"results": [META | {"Key": "k", "Text": "x", "Count": "7", "Amount": "1.50"}], "__next": "n"}},
        ("x", 7, Decimal("1.50"), None),
        "n",
    ),
    "v2 with a count": Case(V2, {"d": {"__count": "1", "results": [META | {"Key": "k"}]}}, (None, None, None, None)),
    "v2 items": Case(
        V2,
        {"d": {"results": [META | {"Key": "k", "to_Item": {"results": [META | item for item in ITEMS]}}]}},
        (None, None, None, ITEMS),
    ),
    "v2 no items": Case(V2, {"d": {"results": [{"Key": "k", "to_Item": {"results": []}}]}}, (None, None, None, [])),
    "v2 deferred": Case(
        V2,
        {"d": {"results": [{"Key": "k", "to_Item": {"__deferred": {"uri": "https://erp/Thing('k')/to_Item"}}}]}},
        (None, None, None, None),
    ),
    "flat": Case(
        FLAT,
        {
            "total": 1,
            "results": [{"Key": "k", "archived": False, "properties": {"Text": "x", "Count": "7", "Amount": "1.50"}}],
            "paging": {"next": {"after": "10", "link": "?after=10"}},
        },
        ("x", 7, Decimal("1.50"), None),
        "10",
    ),
    "flat without properties": Case(
        FLAT, {"results": [{"Key": "k", "Text": "x", "properties": None}]}, ("x", None, None, None)
    ),
    "wrapped": Case(
        WRAPPED,
        {
            "value": [
                {
                    "Key": "k",
                    "Count": {"__class__": "Long", "value": 7},
                    "Amount": {"__class__": "Decimal", "decimal": "1.50"},
                    "to_Item": [{"Text": "i", "Count": {"__class__": "Long", "value": 1}}],
                }
            ]
        },
        (None, 7, Decimal("1.50"), ITEMS),
    ),
    "list": Case(LIST, [{"Key": "k", "Text": "x"}], ("x", None, None, None)),
}


def row_of(page: Page) -> tuple[Any, ...]:
    (row,) = page.batch.to_pylist()
    assert (row["Key"], row["_unfit"], row["_unmapped"]) == ("k", None, None)
    return row["Text"], row["Count"], row["Amount"], row["to_Item"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("lane", [fast, slow], ids=["fast", "slow"])
def test_both_lanes_read_the_same_out_of_each_envelope(lane: Any, case: Case) -> None:
    page = lane.read(json.dumps(case.body).encode(), layout_of(PLAN, case.envelope))
    assert (row_of(page), page.next_link) == (case.row, case.link)


@pytest.mark.parametrize(
    ("envelope", "record", "unfit", "unmapped"),
    [
        (V2, {"to_Item": {"results": [], "__next": "more"}}, {"to_Item.__next": "more"}, {}),
        (V2, {"to_Item": {"results": None}}, {"to_Item": {"results": None}}, {}),
        (V2, {"to_Item": {"results": [], "more": 1}}, {"to_Item": {"results": [], "more": 1}}, {}),
        (V2, {"to_Partner": {"__deferred": {"uri": "x"}}}, {}, {"to_Partner": {"__deferred": {"uri": "x"}}}),
        (FLAT, {"Text": "own", "properties": {"Text": "x"}}, {}, {"properties.Text": "x"}),
        (FLAT, {"properties": {"New": 1, "archived": True}}, {}, {"properties.New": 1}),
        (FLAT, {"properties": 7}, {}, {"properties": 7}),
        (FLAT, {"properties": {"Count": "seven"}}, {"Count": "seven"}, {}),
        (
            WRAPPED,
            {"Amount": {"__class__": "Money", "decimal": "1"}},
            {"Amount": {"__class__": "Money", "decimal": "1"}},
            {},
        ),
        (
            WRAPPED,
            {"Amount": {"__class__": "Decimal", "double": 1}},
            {"Amount": {"__class__": "Decimal", "double": 1}},
            {},
        ),
        (
            WRAPPED,
            {"Amount": {"__class__": "Decimal", "decimal": "x"}},
            {"Amount": {"__class__": "Decimal", "decimal": "x"}},
            {},
        ),
    ],
)
def test_what_an_envelope_does_not_explain_is_kept(
    envelope: Envelope, record: dict[str, Any], unfit: dict[str, Any], unmapped: dict[str, Any]
) -> None:
    body: Any = [{"Key": "k"} | record]
    for member in reversed(envelope.records.split(".")):
        body = {member: body}
    (row,) = read_page(json.dumps(body).encode(), PLAN, envelope).batch.to_pylist()
    assert (json.loads(row["_unfit"] or "{}"), json.loads(row["_unmapped"] or "{}")) == (unfit, unmapped)


@pytest.mark.parametrize(
    ("envelope", "body", "error"),
    [
        (ENVELOPE, {"value": [], "error": {"code": "X"}}, {"code": "X"}),
        (
            V2,
            {"error": {"code": "X", "message": {"value": "no"}}},
            {"code": "X", "message": {"value": "no"}},
        ),
        (FLAT, {"failure": {"reason": "RATE_LIMIT"}, "results": []}, "RATE_LIMIT"),
    ],
)
def test_a_body_that_says_that_it_failed_is_no_page(envelope: Envelope, body: Any, error: Any) -> None:
    with pytest.raises(ErrorInBody) as caught:
        read_page(json.dumps(body).encode(), PLAN, envelope)
    assert caught.value.error == error


@pytest.mark.parametrize(
    "body",
    [
        b'{"d":{"results":[]},"d":{"results":[{"Key":"k"}]}}',
        b'{"d":{"results":[],"results":[{"Key":"k"}]}}',
        b'{"d":{"results":[],"__next":{}}}',
        b'{"d":{"results":{}}}',
        b'{"d":[]}',
        b'{"d":null}',
    ],
)
def test_what_is_no_whole_page_in_an_inner_place_is_refused(body: bytes) -> None:
    with pytest.raises(NotAPage):
        read_page(body, PLAN, V2)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"@odata.context": "$metadata#Thing/$deletedEntity", "id": "Thing('a''b')", "reason": "deleted"}, ("a'b",)),
        (
            {"@odata.context": "https://h/s/$metadata#Thing/$deletedEntity", "id": "https://h/s/Thing('a%2Fb')"},
            ("a/b",),
        ),
        ({"@odata.context": "$metadata#Thing/$deletedEntity", "id": "3f2a-9c1e", "reason": "deleted"}, ("3f2a-9c1e",)),
        ({"@removed": {"reason": "deleted"}, "@odata.id": "Companies(7)/Thing(4711)"}, ("4711",)),
        ({"@removed": {"reason": "changed"}, "Key": "k"}, ("k",)),
    ],
)
def test_a_delta_answer_says_which_rows_are_gone(entry: dict[str, Any], key: tuple[str, ...]) -> None:
    body = {"value": [{"Key": "x"}, entry], "@odata.deltaLink": "https://h/s/Thing?$deltatoken=1"}
    page = read_page(json.dumps(body).encode(), PLAN, DELTA)
    assert (page.removed, page.batch.column("Key").to_pylist()) == ((key,), ["x"])
    assert page.delta_link == "https://h/s/Thing?$deltatoken=1"


def test_a_key_of_several_fields_is_read_by_name_whatever_its_order() -> None:
    two_keys = replace(PLAN, key=("key", "text"))
    entry = {"@removed": {}, "@odata.id": "https://h/Thing(Text='a,b=c',Key='1')"}
    assert read_page(json.dumps({"value": [entry]}).encode(), two_keys, DELTA).removed == (("1", "a,b=c"),)


@pytest.mark.parametrize(
    "named", [{}, {"id": None}, {"id": "Thing(Other='1',Text='2')"}, {"id": "a/b"}, {"id": "Thing(("}]
)
def test_a_removal_that_names_no_key_is_never_passed_over(named: dict[str, Any]) -> None:
    body = {"value": [{"@removed": {"reason": "deleted"}} | named]}
    with pytest.raises(NotAPage, match="an entry says that a row is gone"):
        read_page(json.dumps(body).encode(), PLAN, DELTA)


def test_a_delta_answer_without_removals_stays_on_the_fast_lane() -> None:
    page = read_page(b'{"value":[{"Key":"x"}],"@odata.deltaLink":"d"}', PLAN, DELTA)
    assert (page.by_record, page.delta_link, page.next_link) == (False, "d", None)


def test_an_annotation_that_only_a_later_record_has_stays_on_the_fast_lane() -> None:
    padding = {"Key": "a", "Text": "x" * 5_000}
    body = json.dumps({"d": {"results": [padding, META | {"Key": "b", "Text": "y"}]}}).encode()
    page = read_page(body, PLAN, V2)
    assert not page.by_record
    assert page.batch.column("Text")[1].as_py() == "y"


@pytest.mark.parametrize("name", ["@odata.nextLink", "odata.nextLink", "@nextLink", "__next"])
@pytest.mark.parametrize("envelope", [ENVELOPE, V2, FLAT], ids=["v4", "v2", "rest"])
def test_a_next_link_of_any_version_is_found_on_the_fast_lane(envelope: Envelope, name: str) -> None:
    body: Any = [{"Key": "k"}]
    for member in reversed(envelope.records.split(".")):
        body = {member: body}
    page = read_page(json.dumps(body | {name: "n"}).encode(), PLAN, envelope)
    assert (page.next_link, page.by_record) == ("n", False)


def test_the_protocols_own_link_comes_before_one_of_another_version() -> None:
    body = {"value": [], "__next": "other", "@odata.nextLink": "own"}
    assert read_page(json.dumps(body).encode(), PLAN, ENVELOPE).next_link == "own"


@pytest.mark.parametrize("lane", [fast, slow], ids=["fast", "slow"])
def test_no_link_is_looked_for_inside_or_around_what_an_envelope_names(lane: Any) -> None:
    layout = layout_of(PLAN, replace(ENVELOPE, records="d"))
    assert lane.read(b'{"d":[],"__next":"x"}', layout).next_link == "x"
    named = layout_of(PLAN, replace(ENVELOPE, beside={"@nextLink": pa.string(), "__next.total": pa.int64()}))
    assert lane.read(b'{"value":[],"@nextLink":"x","__next":{"total":1}}', named).next_link is None


@pytest.mark.parametrize("empty", [b'""', b"null", b"false"])
def test_an_empty_link_is_none(empty: bytes) -> None:
    assert read_page(b'{"value":[],"@odata.nextLink":%s}' % empty, PLAN, ENVELOPE).next_link is None


@pytest.mark.parametrize("name", ["to_Item@odata.nextLink", "to_Item@nextLink"])
def test_items_that_were_held_back_are_told_in_any_version(name: str) -> None:
    body = {"value": [{"Key": "k", "to_Item": [], name: "Thing('k')/to_Item?$skip=1"}]}
    (row,) = read_page(json.dumps(body).encode(), PLAN, ENVELOPE).batch.to_pylist()
    assert name in json.loads(row["_unfit"])


@pytest.mark.parametrize("more", [True, False])
def test_items_of_which_a_flag_says_that_there_are_more_are_told(more: bool) -> None:
    envelope = replace(V2, beside={"d.has_more": pa.bool_()}, more={"d.has_more": True})
    body = {"d": {"results": [{"Key": "k", "to_Item": {"results": [], "has_more": more}}], "has_more": True}}
    page = read_page(json.dumps(body).encode(), PLAN, envelope)
    (row,) = page.batch.to_pylist()
    assert row["_unfit"] == ('{"to_Item.has_more":true}' if more else None)
    assert page.by_record is more
