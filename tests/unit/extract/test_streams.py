"""Passes read side by side bring what each of them brings alone."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.budget import Budget
from lake.extract.errors import OutOfTime, SourceRejected
from lake.extract.passes import delta_pass, key_pass, window_passes
from lake.extract.streams import Ended, Stream, side_by_side
from lake.extract.window import Window
from tests.support.model_source import ModelSource
from tests.support.stamped_rows import INSTANT, NOON, PAGINGS, keys, row_of, wanted

if TYPE_CHECKING:
    from lake.contract.plan import Paging
    from lake.extract.http import Answer, Request
    from lake.extract.places import Position
    from lake.extract.reading import Reader, ReadPage

WINDOWS = [Window(NOON + timedelta(minutes=start), NOON + timedelta(minutes=start + 2)) for start in range(0, 8, 2)]


def brought(
    reader: Reader, streams: list[Stream], most: int
) -> tuple[dict[int, list[ReadPage]], set[int], dict[int, Position]]:
    """Pages, the streams that ended, and where the others go on."""
    pages: dict[int, list[ReadPage]] = defaultdict(list)
    ended: set[int] = set()
    positions: dict[int, Position] = {}
    for number, page in side_by_side(reader, streams, most):
        assert number not in ended
        if isinstance(page, Ended):
            ended.add(number)
            continue
        pages[number].append(page)
        if page.position is not None:
            positions[number] = page.position
    return pages, ended, positions


@given(
    st.lists(st.integers(-1, 9), max_size=16),
    st.integers(0, 1000),
    st.sampled_from(PAGINGS),
    st.integers(1, 5),
)
def test_each_stream_brings_its_pass_whole_and_in_order(
    minutes: list[int], seed: int, paging: Paging, most: int
) -> None:
    source = ModelSource([row_of(INSTANT, number, minute) for number, minute in enumerate(minutes)], seed)
    made = replace(INSTANT, paging=paging)
    streams = [Stream(number, window_passes(made, window)[0]) for number, window in enumerate(WINDOWS)]
    pages, ended, _ = brought(source.reader(made), streams, most)
    assert ended == {0, 1, 2, 3}
    for stream in streams:
        found = keys(pages[stream.number])
        assert sorted(found) == wanted(source, made, stream.reading)
        if paging == "keyset":
            stamp = {row["Key"]: row["Fine"] for row in source.rows}
            assert found == sorted(found, key=lambda key: (stamp[key], key))


@given(
    st.lists(st.integers(-1, 9), max_size=8),
    st.integers(0, 1000),
    st.sampled_from(PAGINGS),
    st.integers(1, 5),
    st.integers(1, 6),
)
def test_streams_that_a_budget_ends_go_on_from_their_last_positions(
    minutes: list[int], seed: int, paging: Paging, most: int, requests: int
) -> None:
    """What is on its way when the budget is used up is brought: no request is paid for twice."""
    rows = [row_of(INSTANT, number, minute) for number, minute in enumerate(minutes)]
    made = replace(INSTANT, paging=paging)
    streams = {number: Stream(number, window_passes(made, window)[0]) for number, window in enumerate(WINDOWS)}
    due = {number: wanted(ModelSource(rows), made, stream.reading) for number, stream in streams.items()}
    found: dict[int, list[str]] = defaultdict(list)
    for invocation in range(40):
        source = ModelSource(rows, seed + invocation, requests=requests)
        pages, ended, positions = brought(source.reader(made), list(streams.values()), most)
        for number, brought_ in pages.items():
            found[number] += keys(brought_)
        streams = {
            number: replace(stream, position=positions.get(number, stream.position))
            for number, stream in streams.items()
            if number not in ended
        }
        if not streams:
            break
    assert not streams
    assert {number: sorted(set(found[number])) for number in due} == due
    if paging != "server":
        assert {number: sorted(found[number]) for number in due} == due


class Stalled(ModelSource):
    """It begins to answer, and goes on for ever."""

    def read(self, request: Request) -> Answer:
        Event().wait(20)
        return super().read(request)


def test_a_source_that_stalls_within_an_answer_is_not_waited_for_beyond_the_budget() -> None:
    source = Stalled([row_of(INSTANT, 1, 1)])
    source.budget = Budget(time.monotonic() + 0.2, 0, None)
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        list(side_by_side(source.reader(INSTANT), [Stream(0, key_pass(INSTANT))], 1))
    assert time.monotonic() - begun < 5


def test_an_error_of_one_stream_is_raised_where_the_pages_are_taken() -> None:
    source = ModelSource([row_of(INSTANT, number, number % 3) for number in range(8)], forgets=True)
    gone = Stream(1, delta_pass(INSTANT), {"link": "gone"})
    found = []
    with pytest.raises(SourceRejected):
        for number, page in side_by_side(source.reader(INSTANT), [Stream(0, key_pass(INSTANT)), gone], 2):
            found.append((number, page))
    assert {number for number, _ in found} <= {0}


def test_nothing_is_asked_for_once_streams_are_closed() -> None:
    source = ModelSource([row_of(INSTANT, number, number % 3) for number in range(8)])
    streams = [Stream(number, window_passes(INSTANT, window)[0]) for number, window in enumerate(WINDOWS)]
    pages = side_by_side(source.reader(INSTANT), streams, 2)
    next(pages)
    pages.close()
    asked = source.requests_made
    assert list(pages) == []
    assert source.requests_made == asked < 6


def test_at_most_so_many_streams_are_open_at_a_time() -> None:
    source = ModelSource([row_of(INSTANT, number, number % 8) for number in range(16)])
    streams = [Stream(number, window_passes(INSTANT, window)[0]) for number, window in enumerate(WINDOWS)]
    begun: set[int] = set()
    ended = 0
    for number, page in side_by_side(source.reader(INSTANT), streams, 2):
        begun.add(number)
        assert len(begun) - ended <= 2
        ended += isinstance(page, Ended)
    assert ended == 4
