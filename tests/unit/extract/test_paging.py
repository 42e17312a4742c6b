"""Whatever the sizes of pages, ties, empty pages and repetitions: a pass is read whole, or ends with an error of its own."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.errors import FilterIgnored, NoProgress, OrderIgnored, ResultCapReached, SourceRejected
from lake.extract.passes import delta_pass, key_pass, refresh_pass, window_passes
from lake.extract.reading import Walk
from lake.extract.window import Window
from tests.support.model_source import ModelSource
from tests.support.stamped_rows import INSTANT, NOON, PAGINGS, SPLIT, TEXT, keys, row_of, wanted

if TYPE_CHECKING:
    from lake.contract.plan import Plan
    from lake.extract.passes import Pass
    from lake.extract.places import Position
    from tests.support.model_source import Quirk

WINDOW = Window(NOON, NOON + timedelta(minutes=8))


@st.composite
def sources(draw: st.DrawFn, quirks: tuple[Quirk | None, ...] = (None,)) -> tuple[ModelSource, Plan, Pass]:
    """A source with many ties, an entity's plan, and a pass over its window."""
    made = draw(st.sampled_from([INSTANT, TEXT, SPLIT]))
    made = replace(made, paging=draw(st.sampled_from(PAGINGS)))
    base = next(base for base in (INSTANT, TEXT, SPLIT) if base.fields == made.fields)
    minutes = draw(st.lists(st.integers(-1, 9), max_size=16))
    rows = [row_of(base, number, minute) for number, minute in enumerate(minutes)]
    source = ModelSource(
        draw(st.permutations(rows)),
        seed=draw(st.integers(0, 1_000_000)),
        quirk=draw(st.sampled_from(quirks)),
        often=draw(st.integers(1, 10)),
    )
    return source, made, window_passes(made, WINDOW)[0]


@given(sources())
def test_a_well_behaved_source_is_read_whole_and_each_row_once(given_: tuple[ModelSource, Plan, Pass]) -> None:
    source, made, reading = given_
    pages = list(source.reader(made).pages(reading, None))
    assert sorted(keys(pages)) == wanted(source, made, reading)
    assert all(page.keys.to_pylist() == [f'["{key}"]' for key in keys([page])] for page in pages)


@given(sources(), st.data())
def test_reading_goes_on_where_it_was_left_and_brings_the_rest(
    given_: tuple[ModelSource, Plan, Pass], data: st.DataObject
) -> None:
    source, made, reading = given_
    position: Position | None = None
    brought: list[str] = []
    for page in source.reader(made).pages(reading, None):
        brought += keys([page])
        position = json.loads(json.dumps(page.position)) or position
        if data.draw(st.booleans()):
            break
    else:
        return
    if position is None:
        brought = []
    rest = keys(source.reader(made).pages(reading, position))
    assert sorted({*brought, *rest}) == wanted(source, made, reading)
    if made.paging != "server":
        assert not {*brought} & {*rest}


@given(
    sources(quirks=("filter ignored", "order ignored", "page repeated", "token repeated")),
)
def test_a_source_that_misbehaves_is_found_out_or_read_whole(given_: tuple[ModelSource, Plan, Pass]) -> None:
    """Where rows beyond the window come, they are left out when they land."""
    source, made, reading = given_
    try:
        brought = keys(source.reader(made).pages(reading, None))
    except (FilterIgnored, OrderIgnored, NoProgress):
        return
    assert {*wanted(source, made, reading)} <= {*brought}


@given(sources(), st.integers(1, 12))
def test_a_query_that_brings_as_much_as_the_source_gives_is_told(
    given_: tuple[ModelSource, Plan, Pass], cap: int
) -> None:
    source, made, reading = given_
    source.cap = cap
    made = replace(made, result_cap=cap, page_size=min(made.page_size, cap))
    due = wanted(source, made, reading)
    try:
        assert sorted(keys(source.reader(made).pages(reading, None))) == due
    except ResultCapReached as reached:
        assert made.paging == "server"
        assert reached.reading == reading
        assert len(due) + len(source.asked) > cap, "each page may repeat a row"
    else:
        assert made.paging != "server" or len(due) < cap


SERVED = replace(INSTANT, paging="server")
EIGHT = [row_of(INSTANT, number, number % 3) for number in range(8)]


def test_a_query_that_brings_just_what_the_source_gives_is_not_taken_for_whole() -> None:
    capped = replace(SERVED, result_cap=1)
    with pytest.raises(ResultCapReached):
        list(ModelSource(EIGHT[:1]).reader(capped).pages(window_passes(capped, WINDOW)[0], None))


def test_a_token_that_the_server_has_forgotten_begins_the_pass_again(caplog: pytest.LogCaptureFixture) -> None:
    reading = window_passes(SERVED, WINDOW)[0]
    first = next(ModelSource(EIGHT).reader(SERVED).pages(reading, None))
    later = ModelSource(EIGHT, seed=8, forgets=True)
    with caplog.at_level(logging.WARNING):
        assert sorted(keys(later.reader(SERVED).pages(reading, first.position))) == [row["Key"] for row in EIGHT]
    assert "begins again" in caplog.text


def test_a_delta_link_that_the_server_has_forgotten_is_an_error() -> None:
    source = ModelSource(EIGHT, forgets=True)
    with pytest.raises(SourceRejected):
        list(source.reader(SERVED).pages(delta_pass(SERVED), {"link": "delta"}))


def test_rows_that_the_server_gives_over_pages_are_observed_when_its_query_was_asked() -> None:
    source = ModelSource(EIGHT)
    pages = list(source.reader(SERVED).pages(refresh_pass(SERVED, track=False), None))
    assert len(pages) > 2
    assert {page.observed_at for page in pages} == {NOON + timedelta(seconds=1)}


def test_the_next_page_is_asked_for_while_one_is_worked_on() -> None:
    source = ModelSource(EIGHT)
    walk = Walk(source.reader(INSTANT), key_pass(INSTANT), None)
    page = walk.take()
    assert page is not None
    assert page.ahead
    assert walk.coming is not None
    walk.coming.result()
    asked = len(source.asked)
    assert walk.take() is not None
    assert source.asked[asked - 1].where, "asked for behind the first page's rows"


def test_nothing_is_asked_for_ahead_when_the_requests_are_used_up() -> None:
    source = ModelSource(EIGHT, seed=3, requests=1)
    pages = source.reader(INSTANT).pages(key_pass(INSTANT), None)
    page = next(pages)
    pages.close()
    assert not page.ahead
    assert page.position is not None
    assert source.requests_made == len(source.asked) == 1
