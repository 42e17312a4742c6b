"""How a table follows its contract: new, renamed and wider columns, as statements. Text only, no Spark.

What Iceberg does without touching rows is one statement each. A type that Iceberg cannot widen in place, though no value is
lost (a number as text), is a column to write anew; the caller replaces all rows in one commit. What would lose values is
refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.curate.columns import literal, quoted
from lake.curate.errors import SchemaConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.curate.layout import Column, Table

DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
DIGITS_OF_BIGINT = 19
AS_TEXT = ("bigint", "boolean", "date")
"""What can become text, beside decimals: each value has one way to be written."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """`statements`: behind `ALTER TABLE <name>`. `rewritten`: top-level columns by the type to which all rows are cast
    behind them."""

    statements: tuple[str, ...]
    rewritten: dict[str, str]


def evolution(table: Table, there: Sequence[Column]) -> Evolution:
    """The way from the columns that the table has to those of its contract; raises SchemaConflict.

    A column that the contract has no more stays, with what it held.
    """
    steps = _Steps(table.name)
    steps.compare(table.columns, there, ())
    return Evolution(tuple(steps.statements), steps.rewritten)


class _Steps:
    def __init__(self, table: str) -> None:
        self._table = table
        self.statements: list[str] = []
        self.rewritten: dict[str, str] = {}

    def compare(self, wanted: Sequence[Column], there: Sequence[Column], above: tuple[str, ...]) -> bool:
        """Bring columns, or the members of a column's items, to what is wanted; says whether rows are to be written anew."""
        held = {column.name: column for column in there}
        names = {column.name for column in wanted}
        anew = False
        for column in wanted:
            # A wanted column of that name is one of the lake's own.
            earlier = None if column.renamed_from in names else column.renamed_from
            if column.name not in held and earlier in held:
                self._add(f"RENAME COLUMN {_path(*above, earlier)} TO {quoted(column.name)}")
                held[column.name] = held[earlier]
            if column.name in held:
                if above and held[column.name].comment != column.comment:
                    self._add(f"ALTER COLUMN {_path(*above, column.name)} COMMENT {literal(column.comment)}")
                anew |= self._widen(column, held[column.name], above)
            else:
                self._add(f"ADD COLUMNS ({_path(*above, column.name)} {column.type} COMMENT {literal(column.comment)})")
        return anew

    def _widen(self, wanted: Column, there: Column, above: tuple[str, ...]) -> bool:
        if wanted.members:
            anew = self.compare(wanted.members, there.members, (*above, wanted.name, "element"))
            if anew:
                self.rewritten[wanted.name] = _array(wanted, there)
            return False
        if _same(wanted.type, there.type):
            return False
        if _in_place(there.type, wanted.type):
            self._add(f"ALTER COLUMN {_path(*above, wanted.name)} TYPE {wanted.type}")
            return False
        if not _lossless(there.type, wanted.type):
            raise SchemaConflict(
                f"{self._table}.{'.'.join((*above, wanted.name))} is {there.type}, and its contract now says "
                f"{_plain(wanted.type)}, which does not hold every such value in the same form; nothing was changed",
                "give the new type a column of another name, or drop the tables that have this column: the next run makes them "
                "anew from all of raw",
            )
        if not above:
            self.rewritten[wanted.name] = wanted.type
        return True

    def _add(self, statement: str) -> None:
        self.statements.append(statement)


def _array(wanted: Column, there: Column) -> str:
    """The type of items with their members in the order that the table has, once renamed and added to, and the wanted types."""
    of_contract = {member.name: member for member in wanted.members}
    renamed = {member.renamed_from: member.name for member in wanted.members if member.renamed_from}
    held = {renamed.get(member.name, member.name): member for member in there.members}
    members = ((name, of_contract.get(name, held.get(name))) for name in dict.fromkeys((*held, *of_contract)))
    inner = (f"{quoted(name)}: {member.type} COMMENT {literal(member.comment)}" for name, member in members if member)
    return f"ARRAY<STRUCT<{', '.join(inner)}>>"


def _plain(kind: str) -> str:
    return kind.lower().replace(" ", "").replace("`", "")


def _same(wanted: str, there: str) -> bool:
    return _plain(wanted) == _plain(there)


def _decimal(kind: str) -> tuple[int, int] | None:
    match = DECIMAL.fullmatch(_plain(kind))
    return (int(match[1]), int(match[2])) if match else None


def _in_place(there: str, wanted: str) -> bool:
    """A decimal that gets more digits before its point."""
    before, after = _decimal(there), _decimal(wanted)
    return bool(before and after and before[1] == after[1] and before[0] < after[0])


def _lossless(there: str, wanted: str) -> bool:
    """Each value is there in the new type, and reads as it did: `_content` stays what it was."""
    if _plain(wanted) == "string":
        return _plain(there) in AS_TEXT or _decimal(there) is not None
    after = _decimal(wanted)
    return _plain(there) == "bigint" and after is not None and after[0] >= DIGITS_OF_BIGINT and after[1] == 0


def _path(*names: str) -> str:
    return ".".join(quoted(name) for name in names)
