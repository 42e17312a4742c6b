"""Where a source describes an entity otherwise than its contract."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.drift import drift, holds
from lake.extract.protocols.dialect import SourceField
from tests.support.plans import TYPES, plan

THING = plan(TYPES, items={"Key": "string", "Text": "string"})


def described(fields: dict[str, str], *, key: str = "Key") -> dict[str, SourceField]:
    return {name: SourceField(name, kind, nullable=True, key=name == key) for name, kind in fields.items()}


SAME = {"Thing": described({"Key": "string", **TYPES, "Undeclared": "boolean"})}


def test_a_source_as_the_contract_describes_it_has_not_drifted() -> None:
    assert drift(THING, SAME | {"Item": described({"Key": "string", "Text": "string"})}) == ()
    assert drift(THING, {}) == ()


@pytest.mark.parametrize(
    ("fields", "key", "said"),
    [
        ({name: kind for name, kind in TYPES.items() if name != "Flag"}, "Key", "Thing has no field Flag any more"),
        (TYPES | {"Amount": "decimal(9,3)"}, "Key", "Thing.Amount is decimal(9,3) at the source, decimal(7,2) in the contract"),
        (TYPES | {"Count": "string(10)"}, "Key", "Thing.Count is string(10) at the source, int64 in the contract"),
        (TYPES, "Text", "Thing is keyed by Text at the source, by Key in the contract"),
    ],
)  # fmt: skip
def test_what_is_gone_changed_or_keyed_otherwise_is_said(fields: dict[str, str], key: str, said: str) -> None:
    assert drift(THING, {"Thing": described({"Key": "string", **fields}, key=key)}) == (said,)


def test_collections_are_compared_too() -> None:
    assert drift(THING, SAME | {"Item": described({"Key": "string", "Other": "string"})}) == (
        "Item has no field Text any more",
    )


def test_what_the_source_has_no_word_for_is_not_judged() -> None:
    unknown = {name: replace(field, type=None) for name, field in SAME["Thing"].items()}
    assert drift(THING, {"Thing": unknown}) == ()


@given(st.integers(1, 38), st.integers(0, 38), st.integers(1, 38), st.integers(0, 38))
def test_a_decimal_holds_another_where_its_largest_value_fits(p: int, s: int, theirs: int, their_scale: int) -> None:
    s, their_scale = min(s, p), min(their_scale, theirs)
    biggest = 10 ** (theirs - their_scale) - 10**-their_scale if their_scale == 0 else 10 ** (theirs - their_scale)
    fits = biggest <= 10 ** (p - s) and their_scale <= s
    assert holds(f"decimal({p},{s})", f"decimal({theirs},{their_scale})") == fits


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ("string", "string(40)", True),
        ("timestamp(0)", "timestamp(3)", True),
        ("date", "timestamp(3)", False),
        ("int64", "decimal(18,0)", True),
        ("int64", "decimal(19,0)", False),
        ("int64", "decimal(5,1)", False),
        ("decimal(19,0)", "int64", True),
        ("decimal(18,0)", "int64", False),
        ("decimal(16,3)", "decimal", True),
        ("int64", "decimal", False),
        ("timestamp(3)", "timestamp", True),
    ],
)
def test_types_that_hold_others(ours: str, theirs: str, fits: bool) -> None:
    assert holds(ours, theirs) is fits
