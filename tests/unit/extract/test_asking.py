"""A page is asked for in parts, and again, without a row of two versions and without an end that is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.asking import MOST_TRIES, joined
from lake.extract.errors import BadRequest, MalformedAnswer, NoProgress
from lake.extract.passes import window_passes
from lake.extract.reading import MOST_EMPTY, ReadPage
from lake.extract.streams import Stream, side_by_side
from lake.extract.window import Window
from tests.support.model_source import DIALECT, ModelSource, request_for
from tests.support.plans import plan
from tests.support.stamped_rows import NOON, keys

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Answer, Request
    from lake.extract.query import Query

WIDE = replace(plan({"Fine": "timestamp(6)", "A": "int64", "B": "int64"}), page_size=3)
READING = window_passes(WIDE, Window(NOON, NOON + timedelta(days=1)))[0]


def in_two(_source: SourcePlan, _plan: Plan, query: Query) -> tuple[Request, ...]:
    shares = [name for name in query.select if name not in ("Key", "Fine")]
    return tuple(request_for(replace(query, select=("Key", "Fine", share))) for share in shares)


IN_TWO = replace(DIALECT, pages=in_two)


def row_of(number: int, minute: int, version: int = 0) -> dict[str, Any]:
    stamp = NOON + timedelta(minutes=minute)
    return {"Key": f"{number:03}", "Fine": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", "A": version, "B": version}


@dataclass
class ChangingSource(ModelSource):
    """Rows change between requests: each gets a later stamp and another version of its fields."""

    changes: int = 0
    changed: int = field(default=0)

    def read(self, request: Request) -> Answer:
        """The answer; then, as long as changes are left, one row changes."""
        answer = super().read(request)
        if self.changed < self.changes:
            self.changed += 1
            place = self._random.randrange(len(self.rows))
            self.rows[place] = row_of(int(self.rows[place]["Key"]), 100 + self.changed, self.changed)
        return answer


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10), st.integers(0, 1_000_000), st.integers(0, 20))
def test_no_row_has_fields_of_two_versions_and_the_newest_are_all_there(
    minutes: list[int], seed: int, changes: int
) -> None:
    rows = [row_of(number, minute) for number, minute in enumerate(minutes)]
    source = ChangingSource(rows, seed, empties=0, changes=changes)
    newest: dict[str, dict[str, Any]] = {}
    try:
        for page in source.reader(WIDE, IN_TWO).pages(READING, None):
            for row in page.batch.to_pylist():
                assert row["A"] == row["B"]
                newest[row["Key"]] = row
    except NoProgress:
        assert changes >= MOST_TRIES, "rows that change all the time are told"
        return
    assert {key: row["A"] for key, row in newest.items()} == {row["Key"]: row["A"] for row in source.rows}


def test_a_page_in_parts_is_observed_when_the_first_of_them_was_asked_for() -> None:
    source = ModelSource([row_of(1, 1)], empties=0)
    (page,) = source.reader(WIDE, IN_TWO).pages(READING, None)
    assert page.observed_at == NOON + timedelta(seconds=1)


def test_empty_parts_that_name_a_next_page_are_no_end() -> None:
    with pytest.raises(NoProgress):
        list(ModelSource([row_of(1, 1)], empties=5).reader(WIDE, IN_TWO).pages(READING, None))


def test_parts_cannot_be_kept_together_where_the_server_pages() -> None:
    served = replace(WIDE, paging="server")
    reading = window_passes(served, Window(NOON, NOON + timedelta(days=1)))[0]
    with pytest.raises(BadRequest, match="page by `keyset` or `key`"):
        list(ModelSource([row_of(1, 1)]).reader(served, IN_TWO).pages(reading, None))


def test_what_fits_nowhere_is_kept_of_each_part() -> None:
    schema = pa.schema(
        [("Key", pa.string()), ("Items", pa.list_(pa.struct([("N", pa.int64())]))), ("_unfit", pa.string())]
    )
    one = pa.RecordBatch.from_pylist([{"Key": "a", "_unfit": '{"A":1.50}'}, {"Key": "b"}], schema=schema)
    other = pa.RecordBatch.from_pylist(
        [{"Key": "a", "_unfit": '{"B":"x"}'}, {"Key": "b", "Items": [{"N": 1}]}], schema=schema
    )
    assert joined([one, other]).to_pylist() == [
        {"Key": "a", "Items": None, "_unfit": '{"A":1.50,"B":"x"}'},
        {"Key": "b", "Items": [{"N": 1}], "_unfit": None},
    ]


@dataclass
class StumblingSource(ModelSource):
    """Some first answers of it are no pages."""

    stumbles: list[bytes] = field(default_factory=list)

    def _answer(self, query: Query, token: str | None) -> bytes:
        return self.stumbles.pop(0) if self.stumbles else super()._answer(query, token)


HALF = b'{"value":[{"Key":"a"'
ERROR = json.dumps({"error": {"code": "500", "message": "the backend is busy"}}).encode()


@pytest.mark.parametrize("stumble", [HALF, ERROR, b"<html>", b""])
def test_a_body_that_is_no_page_is_asked_for_again(stumble: bytes) -> None:
    source = StumblingSource([row_of(1, 1)], stumbles=[stumble] * (MOST_TRIES - 1))
    assert keys(source.reader(WIDE).pages(READING, None)) == ["001"]


@pytest.mark.parametrize(("stumble", "text"), [(HALF, "no JSON"), (ERROR, "the backend is busy")])
def test_a_source_that_never_answers_with_a_page_is_told(stumble: bytes, text: str) -> None:
    source = StumblingSource([row_of(1, 1)], stumbles=[stumble] * MOST_TRIES)
    with pytest.raises(MalformedAnswer, match=f"erp.thing: http://model/rows: .*{text}.*\\({MOST_TRIES} times\\)"):
        list(source.reader(WIDE).pages(READING, None))
    assert source.requests_made == MOST_TRIES


def test_empty_pages_of_a_server_leave_the_rest_to_the_next_invocation() -> None:
    """Their links are followed no further than the budget goes, and it goes on where they led to."""
    served = replace(WIDE, paging="server")
    reading = window_passes(served, Window(NOON, NOON + timedelta(days=1)))[0]
    empties = [json.dumps({"value": [], "@odata.nextLink": f"{number}"}).encode() for number in range(20)]
    source = StumblingSource([row_of(1, 1)], stumbles=empties, requests=5)
    *_, (_, last) = side_by_side(source.reader(served), [Stream(0, reading)], 1)
    assert source.requests_made == 5
    assert isinstance(last, ReadPage)
    assert last.position is not None
    assert last.position["link"] == "4"


def test_empty_pages_that_never_end_are_told() -> None:
    endless = [json.dumps({"value": [], "@odata.nextLink": f"{number}"}).encode() for number in range(2 * MOST_EMPTY)]
    source = StumblingSource([row_of(1, 1)], stumbles=endless)
    with pytest.raises(NoProgress, match="empty pages in a row"):
        list(source.reader(WIDE).pages(READING, None))
    assert source.requests_made == MOST_EMPTY
