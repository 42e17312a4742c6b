"""What a table gets, and the statement that brings it in. Text, and no Spark but the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.curate.columns import quoted, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

type Values = Mapping[str, str]
"""The SQL of values by column."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about a change's rows while the table's snapshot was `seen`.

    `new`: the condition that the table has no row for one; `known`, `fresh`: how many rows the table has, and has not.
    """

    seen: str
    new: str
    known: int
    fresh: int


@dataclass(frozen=True, slots=True)
class Change:
    """Rows for a table: `s` in conditions and values, `t` the table's own.

    `on`: the columns by which both speak of the same row. `matched`: what a row of the table becomes that has one here, the
    first condition that holds (None: all rows); without values it goes. `inserted`: the values of a row that the table has
    not, where `wanted` holds.

    Iceberg does not repeat a merge whose files another writer has changed meanwhile: it is run again, on a table that may
    hold some of the rows by then. What is done must follow from the two rows alone.
    """

    rows: DataFrame
    on: tuple[str, ...]
    matched: tuple[tuple[str | None, Values | None], ...] = ()
    inserted: Values | None = None
    wanted: str | None = None
    judged: Judged | None = None


def from_rows(*columns: str) -> dict[str, str]:
    """These columns, each from the change's column of the same name."""
    return {name: f"s.{quoted(name)}" for name in columns}


def statement(target: str, source: str, change: Change, bounds: str | None, *, insert: bool = True) -> str:
    """The MERGE of a change. `bounds`: on the table's columns; `insert`: rows that the table has not are brought in, too."""
    on = [f"t.{quoted(name)} = s.{quoted(name)}" for name in change.on]
    condition = " AND ".join([*on, within(bounds, frozenset(change.on), "t")] if bounds else on)
    branches = [_matched(when, values) for when, values in change.matched]
    if insert and change.inserted:
        names, values = ", ".join(map(quoted, change.inserted)), ", ".join(change.inserted.values())
        branches.append(f"WHEN NOT MATCHED{_and(change.wanted)} THEN INSERT ({names}) VALUES ({values})")  # noqa: S608
    head = f"MERGE INTO {target} AS t USING {source} AS s ON {condition}"
    return " ".join((head, *branches))


def _matched(when: str | None, values: Values | None) -> str:
    if values is None:
        return f"WHEN MATCHED{_and(when)} THEN DELETE"
    new = ", ".join(f"t.{quoted(name)} = {value}" for name, value in values.items())
    return f"WHEN MATCHED{_and(when)} THEN UPDATE SET {new}"


def _and(condition: str | None) -> str:
    return f" AND {condition}" if condition else ""
