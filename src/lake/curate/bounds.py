"""The ranges of a table that a change's own keys lie in: with them a merge reads few files of a large table.

What matches by equality lies within the smallest and the largest value that the change itself holds. A bound on such values
leaves out nothing, whatever else of a row has changed meanwhile.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

MOST = 64
"""Ranges in a condition."""
FINER = 2
"""Characters behind those that all keys begin with, by which keys are grouped."""
DIGITS = 20
NOWHERE = "false"
NUMBERS = ("bigint", "int")

type Group = tuple[str, Any, Any]
"""What the texts of its keys begin with, its smallest key, its largest."""


def bound(keys: DataFrame, column: str) -> str:
    """The SQL condition that `column` lies in one of the ranges in which `keys` has values; `false` where it has none."""
    texts = keys.select(F.col(column).alias("_key"), _text(keys, column).alias("_text")).where("_key IS NOT NULL")
    first, last = texts.agg(F.min("_text"), F.max("_text")).collect()[0]
    if first is None:
        return NOWHERE
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    groups = (
        texts.groupBy(F.substring("_text", 1, alike + FINER).alias("begins"))
        .agg(F.min("_key"), F.max("_key"))
        .collect()
    )
    kind = keys.schema[column].dataType.simpleString()
    ranges = [
        f"{quoted(column)} BETWEEN CAST({literal(str(low))} AS {kind}) AND CAST({literal(str(high))} AS {kind})"
        for _, low, high in few((tuple(row) for row in groups), MOST)
    ]
    return f"({' OR '.join(ranges)})"


def few(groups: Iterable[Group], most: int) -> list[Group]:
    """At most so many groups that hold all that these hold: those that begin alike are made one."""
    found = sorted(groups)
    while len(found) > most:
        length = max(len(begins) for begins, _, _ in found) - 1
        shorter: dict[str, Group] = {}
        for begins, low, high in found:
            start = begins[:length]
            _, least, greatest = shorter.get(start, (start, low, high))
            shorter[start] = (start, min(least, low), max(greatest, high))
        found = sorted(shorter.values())
    return found


def _text(keys: DataFrame, column: str) -> Column:
    """A key as text, of numbers with zeros before them: values that lie near each other begin alike."""
    text = F.col(column).cast("string")
    return F.lpad(text, DIGITS, "0") if keys.schema[column].dataType.simpleString() in NUMBERS else text
