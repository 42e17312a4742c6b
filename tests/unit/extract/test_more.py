"""A sign of more that nobody knows is no end, and what is no such sign stops nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.budget import Budget
from lake.extract.errors import MalformedAnswer, NoProgress, UnknownContinuation
from lake.extract.http import Answer
from lake.extract.more import refuse_more, sign_of_more
from lake.extract.page_counters import Ending, says_more
from lake.extract.passes import key_pass, refresh_pass, window_passes
from lake.extract.places import Place
from lake.extract.protocols import DIALECTS
from lake.extract.protocols.salesforce import ENVELOPE as SALESFORCE
from lake.extract.reading import Reader, ReadPage
from lake.raw.literal import parse
from lake.raw.page import read_page
from tests.support.rest_examples import CONTACT, ENGINEER, HUBSPOT, ORDER, REST, SERVICE, paged
from tests.support.scripted_pages import Script, at, row
from tests.support.source_plans import FINE_PLAN, WINDOW, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.extract.http import Connection, Request
    from lake.raw.envelope import Envelope

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
SERVED = replace(FINE_PLAN, page_size=3, paging="server")
READING = window_passes(SERVED, WINDOW)[0]
FIRST, LATER = Ending(True, 0, 3), Ending(False, 6, 2)
ROWS = [row(f"{number}", at(40 + number)) for number in range(8)]
V2_ROWS = [{"Key": f"{number}", "Fine": f"/Date({1794807900000 + number})/"} for number in range(8)]


def plain(**beside: Any) -> Envelope:
    """A REST API whose rows are in `data`, with what its contract names beside them."""
    rest = {"data_selector": "data", "beside": beside, "paginator": {"type": "json_link", "next_url_path": "next_url"}}
    return REST.envelope(SERVICE, replace(ORDER, rest=rest))


def read(script: Script, version: str = "v4") -> list[ReadPage]:
    reader = Reader(cast("Connection", script), DIALECTS["odata"], source(version=version), SERVED)
    return list(reader.pages(READING, None))


def sign(document: Any, envelope: Envelope | None = None, ending: Ending = FIRST) -> str | None:
    found = sign_of_more(parse(json.dumps(document).encode()), envelope or plain(), ending)
    return None if found is None else found.place


# Links that are known


@pytest.mark.parametrize("name", ["@odata.nextLink", "odata.nextLink", "@nextLink", "__next"])
@pytest.mark.parametrize("version", ["v4", "v2"])
def test_a_next_link_of_another_version_is_followed(name: str, version: str) -> None:
    rows = {"v4": ROWS, "v2": V2_ROWS}[version]
    parts = [rows[:3], rows[3:6], rows[6:]]
    links = [{name: "Thing?$skiptoken=1"}, {name: "Thing?$skiptoken=2"}, {}]
    pages = [
        {"d": {"results": part}} | link if version == "v2" else {"odata.metadata": "$metadata", "value": part} | link
        for part, link in zip(parts, links, strict=True)
    ]
    came = read(Script(*(json.dumps(page).encode() for page in pages)), version)
    assert [key for page in came for key in page.keys.to_pylist()] == [f'["{number}"]' for number in range(8)]
    assert not any(page.by_record for page in came), "the columnar parser knows it"


def test_an_empty_page_with_a_link_of_another_version_is_no_end_where_the_client_pages() -> None:
    """A server that cuts its work by time gives pages without rows, whoever chooses the pages."""
    keyed = replace(FINE_PLAN, page_size=3)
    script = Script(b'{"value":[],"@nextLink":"Thing?$skiptoken=1"}', b'{"value":[{"Key":"a"}]}', b'{"value":[]}')
    reader = Reader(cast("Connection", script), DIALECTS["odata"], source(), keyed)
    assert [page.batch.num_rows for page in reader.pages(key_pass(keyed), None)] == [1]


# Signs that are not known


@pytest.mark.parametrize(
    ("beside", "place"),
    [
        ({"next": "/rows?page=2"}, "next"),
        ({"nextPage": 2}, "nextPage"),
        ({"next_page_token": "x"}, "next_page_token"),
        ({"NextLink": "/rows?t=x"}, "NextLink"),
        ({"next-cursor": "x"}, "next-cursor"),
        ({"@odata.nextPage": "x"}, "@odata.nextPage"),
        ({"hasMore": True}, "hasMore"),
        ({"has_more": "true"}, "has_more"),
        ({"HasNextPage": True, "endCursor": "x"}, "HasNextPage"),
        ({"moreRecords": True}, "moreRecords"),
        ({"IsTruncated": True, "NextContinuationToken": "x"}, "IsTruncated"),
        ({"continuationToken": "x"}, "continuationToken"),
        ({"continue": {"cmcontinue": "x", "continue": ""}}, "continue.cmcontinue"),
        ({"cursor": "x"}, "cursor"),
        ({"_scroll_id": "x"}, "_scroll_id"),
        ({"$skiptoken": "x"}, "$skiptoken"),
        ({"meta": {"next_cursor": "x"}}, "meta.next_cursor"),
        ({"paging": {"next": {"after": "x"}}}, "paging.next.after"),
        ({"next": {"offset": 3, "limit": 3}}, "next.offset"),
        ({"_links": {"self": {"href": "/a"}, "next": {"href": "/b"}}}, "_links.next.href"),
        ({"links": [{"rel": "self", "href": "/a"}, {"rel": "next", "href": "/b"}]}, "links"),
        ({"link": [{"relation": "next", "url": "/b"}]}, "link"),
        ({"isLastPage": False, "nextPageStart": 25}, "isLastPage"),
        ({"last": False, "number": 0, "totalPages": 3}, "last"),
        ({"nextPages": ["/b"]}, "nextPages"),
        ({"nextSteps": "call us"}, "nextSteps"),
        ({"offset": "itrX/recY"}, "offset"),
        ({"resumptionToken": "x"}, "resumptionToken"),
        ({"LastEvaluatedKey": {"id": {"S": "x"}}}, "LastEvaluatedKey.id.S"),
    ],
)
def test_a_sign_of_more_is_named(beside: dict[str, Any], place: str) -> None:
    assert sign({"data": [], **beside}) == place


@pytest.mark.parametrize(
    "beside",
    [
        {"next": None, "previous": "/a?page=1"},
        {"next": "", "more": "false"},
        {"next": False, "nextPage": 0, "next_cursor": "0", "next_page": -1, "token": "x"},
        {"nextPage": {}, "nextPages": [], "continue": {"a": None}, "scroll": "null"},
        {"hasMore": False, "endCursor": "x"},
        {"pageInfo": {"hasNextPage": False, "endCursor": "x", "hasPreviousPage": True, "startCursor": "y"}},
        {"paging": {"cursors": {"before": "x", "after": None}}},
        {"prev_cursor": "x", "cursorBefore": "y", "currentCursor": "z"},
        {"isLast": True, "nextPageToken": "x"},
        {"links": {"next": None, "last": "/b", "first": "/a", "self": "/c"}},
        {"links": [{"rel": "self", "href": "/a"}, {"rel": "next", "href": None}], "more": []},
        {"_links": {"next": {"href": None}, "prev": {"href": "/a"}}},
        {"offset": "30", "limit": "10"},
        {"offset": "", "LastEvaluatedKey": None},
        {"params": {"cursor": "*"}, "request": {"continue": "x"}},
        {"included": [{"nextSteps": "x"}], "status": "ok", "took": 5, "text": "next", "discontinued": ["a"]},
        {"error": None, "warnings": [], "context": {"locale": "de"}},
    ],
)
def test_what_is_empty_or_leads_back_or_is_denied_is_no_sign(beside: dict[str, Any]) -> None:
    assert sign({"data": [{"next": "a field of a row"}], **beside}) is None


@pytest.mark.parametrize(
    ("beside", "place"),
    [
        ({"next": None, "hasMoreErrors": False, "nextToken": "x"}, "nextToken"),
        ({"next": False, "nextToken": "x"}, "nextToken"),
        ({"sorting": {"last": True}, "nextToken": "x"}, "nextToken"),
        ({"hasMore": False, "deep": {"hasNext": True}}, "deep.hasNext"),
    ],
)
def test_a_flag_of_something_else_denies_nothing(beside: dict[str, Any], place: str) -> None:
    assert sign({"data": [], **beside}) == place


def test_what_the_contract_names_beside_the_rows_is_no_sign() -> None:
    body = {"data": [], "nextSteps": "call us", "paging": {"cursors": {"after": "x"}}, "page": 1, "pages": 3}
    named = plain(**{"nextSteps": "string", "paging.cursors": "string", "page": "int64"})
    assert sign(body) == "nextSteps"
    assert sign(body, named) is None


@pytest.mark.parametrize("path", ["moreData.rows", "next.items", "data"])
def test_rows_are_no_sign_wherever_they_are(path: str) -> None:
    body: Any = [{"next": "x", "hasMore": True}]
    for name in reversed(path.split(".")):
        body = {name: body}
    assert sign(body, replace(plain(), records=path)) is None


# Counters


@pytest.mark.parametrize(
    ("beside", "place"),
    [
        ({"page": 1, "pages": 3}, "page"),
        ({"page": 0, "totalPages": 3}, "page"),
        ({"meta": {"current_page": 1, "last_page": 3}}, "meta.current_page"),
        ({"meta": {"count": 8, "page": 1, "per_page": 3}}, "meta.count"),
        ({"total": 8, "paging": {"offset": 0, "limit": 3}}, "paging.offset"),
        ({"startAt": 0, "maxResults": 3, "total": 8}, "startAt"),
        ({"totalResults": 8, "startIndex": 1, "itemsPerPage": 3}, "totalResults"),
        ({"total": "8", "limit": "3"}, "total"),
    ],
)
def test_counters_of_a_first_page_say_that_it_is_one_of_several(beside: dict[str, Any], place: str) -> None:
    assert sign({"data": [], **beside}) == place


def test_a_solr_answer_without_its_cursor_is_not_taken_for_whole() -> None:
    solr = replace(plain(), records="response.docs")
    body = {"responseHeader": {"params": {"cursorMark": "*"}}, "response": {"numFound": 8, "start": 0, "docs": []}}
    assert sign(body, solr) == "response.numFound"
    assert sign(body, solr, Ending(False, 8, 0)) is None
    assert sign(body, solr, Ending(False, 7, 0)) is None, "a row came while the others were read"


@pytest.mark.parametrize(
    "beside",
    [
        {"total": 8},
        {"@odata.count": 8},
        {"totalSize": 8},
        {"count": 3, "page": 1, "per_page": 3},
        {"page": 1, "pages": 1, "total": 3, "limit": 100, "offset": 0},
        {"total": 3, "offset": 0, "limit": 100},
        {"quota": {"limit": 15000, "total": 20000}},
        {"offset": 0, "limit": 5, "total": 5},
    ],
)
def test_counters_of_a_whole_answer_say_nothing_of_more(beside: dict[str, Any]) -> None:
    assert sign({"data": [], **beside}) is None


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from([0, 1]), st.integers(0, 59))
def test_no_healthy_source_is_stopped_by_its_counters(total: int, size: int, base: int, trimmed: int) -> None:
    """Read to its end by links; the counters count from 0 or from 1, and may count rows that nobody is shown."""
    pages = -(-total // size)
    before, rows = (pages - 1) * size, total - (pages - 1) * size
    hidden = min(trimmed, before)
    ending = Ending(pages == 1, before - hidden, rows)
    by_page = {"page": pages - 1 + base, "pages": pages}
    by_size = {"page": pages - 1 + base, "perpage": size, "total": total}
    by_offset = {"offset": before, "limit": size, "total": total}
    for numbers in (by_page, by_size, by_offset):
        assert says_more(numbers, ending) is None


@given(st.integers(2, 60), st.integers(1, 20), st.sampled_from([0, 1]))
def test_a_first_page_that_is_not_all_is_seen_by_any_counters(total: int, size: int, base: int) -> None:
    size = min(size, total - 1)
    ending = Ending(True, 0, size)
    pages = -(-total // size)
    cases: list[Mapping[str, int]] = [
        {"page": base, "pages": pages},
        {"page": base, "perpage": size, "total": total},
        {"offset": 0, "limit": size, "total": total},
        {"start": 0, "numfound": total},
        {"limit": size, "total": total},
    ]
    assert all(says_more(numbers, ending) for numbers in cases)


# The reading ends


def refused(body: Any, plan: Any = ORDER, **answer: Any) -> str:
    """What is said of a page that would be the last one."""
    envelope = REST.envelope(SERVICE, plan)
    text = json.dumps(body).encode()
    page = read_page(text, plan, envelope)
    with pytest.raises(UnknownContinuation) as caught:
        refuse_more(SERVICE, plan, envelope, Place(), Answer(text, NOON, None, **answer), page)
    return str(caught.value)


def test_three_of_eight_rows_are_an_error_that_names_the_member_and_what_to_write() -> None:
    plan = paged(ORDER, type="json_link", next_url_path="next_url")
    said = refused({"data": [], "meta": {"nextPage": "https://x.example/rows?t=" + "x" * 100}}, plan)
    assert "`meta.nextPage`" in said
    assert "x" * 100 not in said
    assert "{type: json_link, next_url_path: meta.nextPage}" in said
    assert "`rest: {beside: {meta.nextPage: string}}`" in said
    assert "{type: cursor, cursor_path: meta.next}" in refused({"data": [], "meta": {"next": "abc"}}, plan)
    assert "`first_token`" in refused({"data": [], "page": 1, "pages": 3}, plan)
    assert "page 1 of 3" in refused({"data": [], "page": 1, "pages": 3}, plan)


def test_a_flag_that_the_contract_names_is_believed_where_no_token_came() -> None:
    plan = paged(ORDER, type="cursor", cursor_path="next", has_more_path="left")
    assert "`left`" in refused({"data": [], "left": True}, plan)


def test_a_link_header_is_a_sign_too() -> None:
    plan = paged(ORDER, type="json_link", next_url_path="next_url")
    assert "{type: header_link}" in refused({"data": []}, plan, links='</a?page=2>; rel="next"')
    text = b'{"data":[]}'
    envelope = REST.envelope(SERVICE, plan)
    last = Answer(text, NOON, None, '</a?page=1>; rel="prev", </b>; rel=nextish')
    refuse_more(SERVICE, plan, envelope, Place(), last, read_page(text, plan, envelope))


@pytest.mark.parametrize("name", ["NextPage", "continuation", "nextLink"])
def test_odata_that_goes_on_in_an_unknown_way_is_refused(name: str) -> None:
    script = Script(json.dumps({"value": ROWS[:3], name: "Thing?$skiptoken=1"}).encode())
    with pytest.raises(UnknownContinuation, match=rf"`{name}`.*paging: {{mode: key}}"):
        read(script)


def test_who_asks_by_key_until_a_page_is_empty_needs_no_sign() -> None:
    keyed = replace(FINE_PLAN, page_size=3)
    script = Script(
        b'{"value":[{"Key":"a"}],"nextSteps":"x","hasMore":true}', b'{"value":[],"nextSteps":"x","page":1,"pages":3}'
    )
    reader = Reader(cast("Connection", script), DIALECTS["odata"], source(), keyed)
    assert [page.batch.num_rows for page in reader.pages(key_pass(keyed), None)] == [1]


@pytest.mark.parametrize("name", ["a", "next"])
def test_a_page_that_is_too_deep_to_be_looked_through_is_no_end(name: str) -> None:
    deep = b'{"%s":' % name.encode() * 101 + b"1" + b"}" * 101
    with pytest.raises(MalformedAnswer, match="cannot be read: more than 100"):
        read(Script(*[b'{"value":[],"deep":%s}' % deep] * 4))


class Marks:
    """A search that pages only for who sends a mark, and sends the last one once more with an empty page (as Solr does). It
    stands for the network alone."""

    url = "http://source"
    budget = Budget(deadline=1, margin=0, requests=None, clock=lambda: 0)
    requests_made = 0

    def read(self, request: Request) -> Answer:
        mark = dict(request.params).get("mark")
        start = 0 if mark in (None, "*") else int(mark[1:])
        docs = [{"id": str(number)} for number in range(8)][start : start + 3]
        following = {} if mark is None else {"nextMark": f"m{start + len(docs)}" if docs else mark}
        body = {"params": dict(request.params), "response": {"numFound": 8, "start": 0, "docs": docs}} | following
        return Answer(json.dumps(body).encode(), NOON, None)


def marked(**paginator: str) -> list[ReadPage]:
    rest = {
        "params": {"mark": "{token}"},
        "headers": {},
        "data_selector": "response.docs",
        "paginator": {"type": "cursor", "cursor_path": "nextMark"} | paginator,
    }
    plan = replace(ENGINEER, rest=rest, page_size=3)
    reader = Reader(cast("Connection", Marks()), REST, SERVICE, plan)
    return list(reader.pages(refresh_pass(plan, track=False), None))


def test_an_api_that_pages_only_for_who_sends_a_first_token_is_read_whole_or_refused() -> None:
    with pytest.raises(UnknownContinuation, match=r"3 of 8 rows.*first_token"):
        marked()
    with pytest.raises(NoProgress, match="repeats the next link"):
        marked(first_token="*")
    pages = marked(first_token="*", end="same_token")
    assert [key for page in pages for key in page.keys.to_pylist()] == [f'["{number}"]' for number in range(8)]


def test_a_delta_link_is_no_sign_of_more() -> None:
    body = {
        "@odata.context": "x",
        "@odata.count": 8,
        "value": ROWS[:3],
        "@odata.deltaLink": "Thing?$skiptoken=d",
        "x": 1,
    }
    (page,) = read(Script(json.dumps(body).encode()))
    assert page.delta_link == "Thing?$skiptoken=d"


def test_salesforce_that_is_not_done_and_says_not_where_to_go_on_is_refused() -> None:
    body = {"totalSize": 8, "done": False, "records": []}
    assert sign(body, SALESFORCE) == "done"
    assert sign(body | {"done": True}, SALESFORCE) is None
    text = json.dumps(body).encode()
    page = read_page(text, SERVED, SALESFORCE)
    assert not page.by_record
    with pytest.raises(UnknownContinuation, match="`done`"):
        refuse_more(source("salesforce"), SERVED, SALESFORCE, Place(), Answer(text, NOON, None), page)


def test_hubspots_last_page_is_the_end() -> None:
    body = {"total": 9, "results": [], "took": 3}
    envelope = REST.envelope(HUBSPOT, CONTACT)
    assert sign(body, envelope) is None
    assert (
        read_page(json.dumps(body | {"paging": {"next": {"after": "9"}}}).encode(), CONTACT, envelope).next_link == "9"
    )


def test_a_look_beside_the_rows_costs_no_request() -> None:
    script = Script(json.dumps({"value": ROWS[:2], "x": 1}).encode())
    (page,) = read(script)
    assert (len(script.asked), page.observed_at) == (1, NOON + timedelta(seconds=1))
