"""Whole columns are judged as single rows would be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.checking import PageCheck
from lake.extract.errors import OrderIgnored
from lake.extract.keys import key_texts, surely_descending
from lake.extract.passes import key_pass, window_passes
from lake.extract.places import Place
from lake.raw.fingerprint import key_text
from tests.support.plans import field
from tests.support.source_plans import FINE_PLAN, WINDOW

texts = st.text(max_size=6) | st.text('abAB01 -"\\/é\x7f\n', max_size=6)
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "string": (pa.string(), texts),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "decimal": (pa.decimal128(20, 9), st.decimals(-99999, 99999, places=9)),
    "date": (pa.date32(), st.dates()),
    "boolean": (pa.bool_(), st.booleans()),
    "instant": (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(UTC))),
}


@given(st.data(), st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3), st.integers(0, 4))
def test_keys_of_columns_are_the_keys_of_their_rows(data: st.DataObject, kinds: list[str], rows: int) -> None:
    columns = []
    for kind in kinds:
        type_, values = COLUMNS[kind]
        columns.append(pa.array(data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), type_))
    expected = [key_text(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    assert key_texts(columns).to_pylist() == expected


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "\x7f", "é", "😀", "a b", "", None])
def test_keys_are_escaped_as_json_does(text: str | None) -> None:
    column = pa.array(["a", text], pa.string())
    assert key_texts([column]).to_pylist() == [key_text(("a",)), key_text((text,))]


TWO_KEYS = replace(FINE_PLAN, key=("key", "count"), fields=(*FINE_PLAN.fields, field("Count", "int64")))
STAMP = datetime(2026, 11, 16, 5, 30, tzinfo=UTC)
keys = st.tuples(st.none() | st.text("aB1-", max_size=2), st.none() | st.integers(0, 2))


@given(st.lists(st.tuples(st.integers(0, 1), keys), max_size=6, unique_by=lambda row: row[1]), st.booleans())
def test_keys_are_held_against_the_order_among_rows_of_one_stamp(
    rows: list[tuple[int, tuple[str | None, int | None]]], by_key: bool
) -> None:
    reading = key_pass(TWO_KEYS) if by_key else window_passes(TWO_KEYS, WINDOW)[0]
    rows = rows if by_key else sorted(rows, key=lambda row: row[0])
    stamps = [f"{STAMP + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}.0000000Z" for minute, _ in rows]
    batch = pa.record_batch(
        {
            "Key": pa.array([key[0] for _, key in rows], pa.string()),
            "Fine": pa.array(stamps, pa.string()),
            "Count": pa.array([key[1] for _, key in rows], pa.int64()),
        }
    )
    whole = next((row for row in range(len(rows), 0, -1) if None not in rows[row - 1][1]), len(rows))
    wrong = any(
        (by_key or stamp == next_stamp) and surely_descending(key, next_key)
        for (stamp, key), (next_stamp, next_key) in pairwise(rows[:whole])
    )
    if wrong:
        with pytest.raises(OrderIgnored):
            PageCheck(TWO_KEYS, reading).page(batch, Place())
    else:
        assert len(PageCheck(TWO_KEYS, reading).page(batch, Place())) == whole
