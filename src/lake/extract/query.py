"""Queries as values: what is asked of a source, before a protocol writes it in its own language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Operator = Literal["eq", "gt", "ge", "lt"]


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value. `type` and `form` are the plan's; the value is the literal's text without quotes."""

    field: str
    operator: Operator
    value: str
    type: str
    form: str | None = None


@dataclass(frozen=True, slots=True)
class IsNull:
    """A field without a value."""

    field: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of the conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the conditions holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A condition from the contract, in the protocol's own language."""

    text: str


type Condition = Compare | IsNull | Every | Either | Verbatim


@dataclass(frozen=True, slots=True)
class Column:
    """A field by which rows are ordered, with its plan type and form. `column`: as of a plan's field."""

    field: str
    type: str
    form: str | None = None
    column: str | None = None

    @property
    def raw(self) -> str:
        """The name of its column in raw, and in pages."""
        return self.column or self.field


@dataclass(frozen=True, slots=True)
class Expand:
    """A collection that comes with each row, the fields wanted of it, and which items (the protocol's own language)."""

    field: str
    select: tuple[str, ...]
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One page: rows of an object that meet the conditions, in order, the first `limit` of them.

    `served`: the server says what comes next; `limit` is then the size of a page, and all rows are wanted. `track`: it is to
    tell what changes from here on, and pages in its own order.
    """

    path: str
    select: tuple[str, ...]
    expand: tuple[Expand, ...]
    where: tuple[Condition, ...]
    order: tuple[Column, ...]
    limit: int
    deleted: bool
    """Rows in the recycle bin are wanted too."""
    served: bool = False
    track: bool = False


@dataclass(frozen=True, slots=True)
class CountQuery:
    """Which rows of an object are counted: those of the contract's `filter` that also meet the conditions. `deleted`: rows in
    the recycle bin count, too."""

    where: tuple[Condition, ...] = ()
    deleted: bool = False


EVERY_ROW = CountQuery()


def compare_all(columns: tuple[Column, ...], operator: Literal["gt", "ge", "lt"], values: tuple[str, ...]) -> Condition:
    """Rows whose columns, compared one after the other, are greater than (at least, less than) the values.

    `(a, b) > (1, 2)` becomes `a > 1 or (a = 1 and b > 2)`: what a protocol without row values can say.
    """
    column, value = columns[0], values[0]
    if len(columns) == 1:
        return Compare(column.field, operator, value, column.type, column.form)
    strict: Operator = "lt" if operator == "lt" else "gt"
    return Either(
        (
            Compare(column.field, strict, value, column.type, column.form),
            Every(
                (
                    Compare(column.field, "eq", value, column.type, column.form),
                    compare_all(columns[1:], operator, values[1:]),
                )
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class Words:
    """How a language says what conditions are made of. `literal` writes a value of a plan type, in a form if one is given."""

    operators: Mapping[Operator, str]
    conjunction: str
    disjunction: str
    literal: Callable[[str, str, str | None], str]

    def write(self, condition: Condition) -> str:
        """The condition as text; what is combined stands in parentheses."""
        match condition:
            case Compare(field, operator, value, kind, form):
                return f"{field} {self.operators[operator]} {self.literal(value, kind, form)}"
            case IsNull(field):
                return f"{field} {self.operators['eq']} null"
            case Every(conditions):
                return f"({self.conjunction.join(map(self.write, conditions))})"
            case Either(conditions):
                return f"({self.disjunction.join(map(self.write, conditions))})"
            case Verbatim(text):
                return f"({text})"
