"""What a load takes of the pages that were read: nothing twice, nothing from beyond the window, nothing of its own making."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.landing import KeyLanding, Landing, TombstoneLanding
from lake.raw.cursor import cursors
from lake.raw.fingerprint import Fingerprints, key_text
from lake.raw.manifest import Counts
from lake.raw.page import read_page
from lake.raw.parts import PartWriter
from lake.raw.schema import key_schema, row_schema, tombstone_schema
from tests.support.pages_and_parts import Read, Uploaded
from tests.support.plans import ENVELOPE, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAN = plan({"Text": "string", "Fine": "timestamp(7)"}, items={"Text": "string"})
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
END = "2026-11-16T06:00:00.0000000Z"
NEXT_START = "2026-11-16T05:50:00.0000000Z"


def read(*rows: dict[str, Any], at: datetime = NOON) -> Read:
    batch = read_page(json.dumps({"value": rows}).encode(), PLAN, ENVELOPE).batch
    keys = pa.array([key_text((key,)) for key in batch.column("Key").to_pylist()], pa.string())
    return Read(batch, cursors(batch, PLAN.cursor), keys, at)


def at(minute: int) -> str:
    return f"2026-11-16T05:{minute:02}:00.0000000Z"


def row(key: Any, stamp: str | None = None, **more: Any) -> dict[str, Any]:
    return {"Key": key, "Fine": stamp} | more


def landing(
    known: Fingerprints | None = None, end: str | None = END, next_start: str | None = NEXT_START
) -> tuple[Landing, Uploaded]:
    uploaded = Uploaded()
    writer = PartWriter(uploaded, row_schema(PLAN), lambda part: f"{part}")
    return Landing(PLAN, writer, end=end, next_start=next_start, known=known), uploaded


def noted(seen: Fingerprints) -> list[str]:
    return list(seen.rows.column("key").to_pylist())


def test_rows_beyond_the_window_are_left_for_the_next_one() -> None:
    made, uploaded = landing()
    made.add(read(row("a", at(59)), row("b", END)))
    assert len(made.finish()) == 1
    assert made.counts == Counts(received=2, landed=1, beyond=1)
    assert [item["Key"] for item in uploaded.rows] == ["a"]
    assert noted(made.seen) == ['["a"]']


def test_known_rows_are_left_out_and_changed_ones_land() -> None:
    first, _ = landing()
    first.add(read(row("c", at(31)), row("a", at(55)), row("b", at(55))))
    assert noted(first.seen) == ['["a"]', '["b"]'], "c lies before the next window"
    again, uploaded = landing(first.seen, end="2026-11-16T06:05:00.0000000Z")
    again.add(read(row("a", at(55)), row("b", at(55), to_Item=[{"Text": "new"}]), row("d", at(58))))
    again.finish()
    assert again.counts == Counts(received=3, landed=2, repeated=1)
    assert [item["Key"] for item in uploaded.rows] == ["b", "d"]
    assert again.items == {"to_Item": 1}


def test_a_row_that_went_back_to_an_older_version_lands() -> None:
    first, _ = landing()
    first.add(read(row("a", at(55), Text="old"), row("a", at(56), Text="new")))
    again, uploaded = landing(first.seen)
    again.add(read(row("a", at(55), Text="old")))
    again.finish()
    assert [item["Text"] for item in uploaded.rows] == ["old"]


def test_rows_without_a_stamp_are_recognised_too() -> None:
    first, _ = landing()
    first.add(read(row("a")))
    again, _ = landing(first.seen)
    again.add(read(row("a"), row("b")))
    assert again.counts == Counts(received=2, landed=1, repeated=1)


def test_rows_of_the_slow_lane_are_recognised_by_the_fast_one() -> None:
    """A field that is added beside a row changes no other row of its page."""
    first, _ = landing()
    first.add(read(row("a", at(55), Text="x", to_Item=[{"Text": "y"}]), row("b", at(56), New=1)))
    again, uploaded = landing(first.seen)
    again.add(read(row("a", at(55), Text="x", to_Item=[{"Text": "y"}]), row("b", at(56))))
    again.finish()
    assert [item["Key"] for item in uploaded.rows] == ["b"]


def test_without_bounds_all_lands_and_nothing_is_noted() -> None:
    made, uploaded = landing(end=None, next_start=None)
    made.add(read(row("a", at(59)), row("b", END), row("c")))
    made.finish()
    assert [item["Key"] for item in uploaded.rows] == ["a", "b", "c"]
    assert len(made.seen) == 0


minutes = st.integers(0, 59)
versions = st.lists(st.tuples(st.sampled_from("abc"), st.none() | minutes, st.sampled_from("xy")), max_size=6)


@given(st.lists(versions, max_size=3), st.lists(versions, max_size=3))
def test_a_row_is_left_out_only_if_it_is_what_landed_last_of_its_key(
    before: list[list[tuple[str, int | None, str]]], after: list[list[tuple[str, int | None, str]]]
) -> None:
    def page_of(rows: Sequence[tuple[str, int | None, str]]) -> Read:
        return read(*(row(key, None if minute is None else at(minute), Text=text) for key, minute, text in rows))

    first, _ = landing(next_start="2026-11-16T05:30:00.0000000Z")
    for rows in before:
        first.add(page_of(rows))
    latest = {key: (minute, text) for rows in before for key, minute, text in rows if minute is None or minute >= 30}
    again, uploaded = landing(Fingerprints.load(first.seen.dump()))
    for rows in after:
        again.add(page_of(rows))
    again.finish()
    expected = [(key, text) for rows in after for key, minute, text in rows if latest.get(key) != (minute, text)]
    assert [(item["Key"], item["Text"]) for item in uploaded.rows] == expected
    assert [item["_row"] for item in uploaded.rows] == list(range(len(expected)))


def test_rows_are_numbered_through_the_load_and_carry_their_pages_instant() -> None:
    made, uploaded = landing()
    later = NOON + timedelta(seconds=3)
    made.add(read(row("a", at(40)), row("b", at(41)), at=later))
    made.add(read(row("c", at(42))))
    made.finish()
    assert [(item["_row"], item["_cursor"]) for item in uploaded.rows] == [(0, at(40)), (1, at(41)), (2, at(42))]
    assert made.observed == (NOON, later)
    assert [item["_observed_at"] for item in uploaded.rows] == [later, later, NOON]


def test_a_sweep_lands_keys_as_sent_even_those_that_do_not_fit() -> None:
    """A key that is not of its type is no key that is gone: leaving it out would end its row."""
    uploaded = Uploaded()
    made = KeyLanding(PLAN, PartWriter(uploaded, key_schema(PLAN), lambda part: f"{part}"))
    made.add(read({"Key": "a"}, {"Key": 4711}, {"Key": None}, {"Key": "z"}))
    assert len(made.finish()) == 1
    assert [item["Key"] for item in uploaded.rows] == ["a", "4711", None, "z"]
    assert made.counts == Counts(received=4, landed=4)


def test_what_a_sweep_has_not_seen_is_no_longer_known() -> None:
    first, _ = landing()
    first.add(read(row("a", at(55)), row("b", at(55)), row("c", at(55))))
    made = KeyLanding(PLAN, PartWriter(Uploaded(), key_schema(PLAN), lambda part: f"{part}"), known=first.seen)
    made.add(read({"Key": "a"}))
    made.add(read({"Key": "c"}, {"Key": "d"}))
    assert noted(made.alive) == ['["a"]', '["c"]']


def test_tombstones_carry_the_instant_of_their_answer_and_the_sources_own() -> None:
    two_keys = replace(PLAN, key=("key", "text"))
    uploaded = Uploaded()
    made = TombstoneLanding(two_keys, PartWriter(uploaded, tombstone_schema(two_keys), lambda part: f"{part}"))
    made.add([], NOON)
    made.add([("a", "1"), ("b", "2")], NOON, ["2026-11-16T05:00:00Z", None])
    made.add([("c", "3")], NOON)
    assert len(made.finish()) == 1
    assert [tuple(item.values()) for item in uploaded.rows] == [
        ("a", "1", NOON, "2026-11-16T05:00:00Z"),
        ("b", "2", NOON, None),
        ("c", "3", NOON, None),
    ]
    assert (made.counts, made.observed) == (Counts(received=3, landed=3), (NOON, NOON))
