"""Reading by key: in portions that one query can name, and only keys that are values of their type."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.readings.fetch import MOST_CHARACTERS, MOST_KEYS, can_be_asked_for, chunks
from tests.support.plans import plan

keys = st.lists(st.tuples(st.text(max_size=900), st.text(max_size=5)), max_size=300)


@given(keys)
def test_portions_hold_every_key_once_and_fit_into_a_query(found: list[tuple[str, str]]) -> None:
    portions = list(chunks(found))
    assert list(chain.from_iterable(portions)) == found
    for portion in portions:
        assert 1 <= len(portion) <= MOST_KEYS
        assert len(portion) == 1 or sum(len(part) for key in portion for part in key) <= MOST_CHARACTERS


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("string", "O'Neil\n or 1 eq 1", True),
        ("int64", "-4711", True),
        ("int64", "1 or 1 eq 1", False),
        ("int64", "4711\n", False),
        ("decimal(10,2)", "47.11", True),
        ("decimal(10,2)", "47.11)", False),
        ("date", "2026-11-16", True),
        ("date", "2026-11-16Z", False),
        ("timestamp(3)", "2026-11-16T06:00:00.123Z", True),
        ("timestamp(3)", "now()", False),
        ("string", None, False),
    ],
)
def test_only_values_of_their_type_are_put_into_a_query(kind: str, key: Any, expected: Any) -> None:
    assert can_be_asked_for(replace(plan({"K": kind}), key=("k",)), (key,)) is expected
