"""Conditions mean the same in each style that an API may say them in, and values stay values."""

from __future__ import annotations

import operator as operators
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.protocols.rest_filters import write_filter
from lake.extract.query import Column, Compare, Either, Every, IsNull, Verbatim, compare_all

if TYPE_CHECKING:
    from lake.extract.query import Condition

WORDS = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<"}
COMPARED = {"=": operators.eq, ">": operators.gt, ">=": operators.ge, "<": operators.lt}
LEAF = {
    "compare": ["{field}", "{operator}", "{value}"],
    "null": ["{field}", "null"],
    "one_of": ["{field}", "in", "{values}"],
    "operators": WORDS,
    "compare_as": {},
    "literals": {},
}
GROUPS = LEAF | {"style": "groups", "all": {"filters": "{conditions}"}}
NESTED = LEAF | {"style": "nested", "all": {"$and": "{conditions}"}, "any": {"$or": "{conditions}"}}
PREFIX = LEAF | {"style": "prefix", "all": "&", "any": "|"}
TEXT = LEAF | {
    "style": "text",
    "compare": "{field} {operator} {value}",
    "compare_as": {"string": "{field} {operator} '{value}'"},
    "null": "{field} IS NULL",
    "one_of": None,
    "all": " AND ",
    "any": " OR ",
    "quote": "'",
    "nothing": "1 = 1",
}
type Row = dict[str, int | None]

leaves = st.one_of(
    st.builds(
        lambda field, word, value: Compare(field, word, str(value), "int64"),
        st.sampled_from("abc"),
        st.sampled_from(sorted(WORDS)),
        st.integers(0, 3),
    ),
    st.builds(IsNull, st.sampled_from("abc")),
)
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Every, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Either, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries(dict.fromkeys("abc", st.none() | st.integers(0, 3)))


def holds(condition: Condition, row: Row) -> bool:
    match condition:
        case Compare(field, word, value):
            return compared(row[field], WORDS[word], int(value))
        case IsNull(field):
            return row[field] is None
        case Every(parts):
            return all(holds(part, row) for part in parts)
        case Either(parts):
            return any(holds(part, row) for part in parts)
        case Verbatim():
            raise AssertionError(condition)


def compared(left: int | None, word: str, right: int) -> bool:
    return left is not None and bool(COMPARED[word](left, right))


def leaf(said: list[Any], row: Row) -> bool:
    match said:
        case [field, "null"]:
            return row[field] is None
        case [field, "in", values]:
            return row[field] in values
        case [field, word, value]:
            return compared(row[field], word, value)
        case _:
            raise AssertionError(said)


def by_groups(said: Any, row: Row) -> bool:
    return any(all(leaf(each, row) for each in group["filters"]) for group in said)


def by_nesting(said: Any, row: Row) -> bool:
    match said:
        case {"$and": parts}:
            return all(by_nesting(part, row) for part in parts)
        case {"$or": parts}:
            return any(by_nesting(part, row) for part in parts)
        case _:
            return leaf(said, row)


def by_prefix(said: list[Any], row: Row) -> bool:
    """As Odoo reads a domain: from behind, each operator takes the two conditions after it."""
    stack: list[bool] = []
    for each in reversed(said):
        if each in ("&", "|"):
            first, second = stack.pop(), stack.pop()
            stack.append((first and second) if each == "&" else (first or second))
        else:
            stack.append(leaf(each, row))
    (result,) = stack
    return result


def by_sqlite(said: str, row: dict[str, Any]) -> bool:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", [row[name] for name in "abc"])
        return bool(connection.execute(f"SELECT count(*) FROM t WHERE {said}").fetchone()[0])  # noqa: S608


@given(st.lists(conditions, min_size=1, max_size=3).map(tuple), rows)
def test_each_style_finds_the_same_rows(where: tuple[Condition, ...], row: Row) -> None:
    expected = all(holds(condition, row) for condition in where)
    assert by_groups(write_filter(GROUPS, where), row) is expected
    assert by_nesting(write_filter(NESTED, where), row) is expected
    assert by_prefix(write_filter(PREFIX, where), row) is expected
    assert by_sqlite(write_filter(TEXT, where), row) is expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.text("ab'\"; -="))
def test_a_value_in_a_text_stays_a_value(value: str, there: str) -> None:
    said = write_filter(TEXT, (Compare("a", "eq", value, "string"),))
    assert by_sqlite(said, {"a": value, "b": None, "c": None})
    assert by_sqlite(said, {"a": there, "b": None, "c": None}) is (value == there)


def test_several_values_of_one_field_are_said_in_the_apis_own_word() -> None:
    keys = Either(tuple(Every((Compare("a", "eq", key, "int64"),)) for key in "12"))
    assert write_filter(GROUPS, (keys,)) == [{"filters": [["a", "in", [1, 2]]]}]
    assert write_filter(NESTED, (keys,)) == ["a", "in", [1, 2]]
    assert write_filter(PREFIX, (keys,)) == [["a", "in", [1, 2]]]
    assert write_filter(TEXT, (keys,)) == "(a = 1 OR a = 2)"


def test_a_keyset_is_said_by_groups_and_by_a_domain() -> None:
    columns = (Column("w", "timestamp(3)"), Column("k", "int64"))
    position = compare_all(columns, "gt", ("2026-11-16T06:00:00.250Z", "7"))
    upper = Compare("w", "lt", "2026-11-16T07:00:00Z", "timestamp(3)")
    spec = GROUPS | {"literals": {"timestamp": "epoch_ms"}}
    assert write_filter(spec, (position, upper)) == [
        {"filters": [["w", ">", 1794808800250], ["w", "<", 1794812400000]]},
        {"filters": [["w", "=", 1794808800250], ["k", ">", 7], ["w", "<", 1794812400000]]},
    ]
    spec = PREFIX | {"literals": {"timestamp": "%Y-%m-%d %H:%M:%S.%f"}}
    assert write_filter(spec, (position,)) == [
        "|",
        ["w", ">", "2026-11-16 06:00:00.250000"],
        "&",
        ["w", "=", "2026-11-16 06:00:00.250000"],
        ["k", ">", 7],
    ]


@pytest.mark.parametrize(("spec", "expected"), [(GROUPS, None), (NESTED, None), (PREFIX, None), (TEXT, "1 = 1")])
def test_no_condition_is_left_out_or_said_as_nothing(spec: dict[str, Any], expected: str | None) -> None:
    assert write_filter(spec, ()) == expected


def test_the_contracts_own_filter_is_taken_as_it_is() -> None:
    own = Verbatim('["b", "=", 2]')
    assert write_filter(PREFIX, (own, IsNull("a"))) == ["&", ["b", "=", 2], ["a", "null"]]
    assert write_filter(TEXT, (Verbatim("b = 2 OR c = 3"), IsNull("a"))) == "((b = 2 OR c = 3) AND a IS NULL)"
