"""The kinds of values that conditions on a row speak of, and how values of one kind meet.

A condition must not fail on any value that a row may hold. Spark (ANSI) fails where a number outgrows its type, also on
the way to the common type of two decimals: here numbers carry their digits, and where the common type would need more
than Spark has, values go through TRY_CAST and become NULL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.contract.plan import Field

DIGITS = 38
TURNED = 34


class BadCondition(Exception):
    """A condition that cannot be compiled: what is wrong, and where in its text."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of values by its name; of a number the digits before (`whole`) and behind (`scale`) its point."""

    name: str
    whole: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a child: kinds by column name."""

    members: Mapping[str, Kind]

    def __str__(self) -> str:
        return "items"


TEXT, BOOLEAN, DATE, INSTANT, NULL = Kind("text"), Kind("boolean"), Kind("date"), Kind("instant"), Kind("NULL")
INTEGER = Kind("number", 20)
COMPUTED = Kind("number", 28, 10)
"""What arithmetic comes to, as DECIMAL(38, 10)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a condition: its SQL, its kind; the value where it is a constant."""

    sql: str
    kind: Kind | Items
    constant: str | int | None = None


def kind_of(field: Field) -> Kind:
    """The kind of a field's curated values."""
    if field.base == "decimal" and len(field.parameters) > 1:
        precision, scale = field.parameters
        return Kind("number", precision - scale, scale)
    return {"int64": INTEGER, "boolean": BOOLEAN, "date": DATE, "timestamp": INSTANT}.get(field.base, TEXT)


def met(pieces: Sequence[Piece]) -> tuple[list[str], Kind]:
    """The SQL of values that meet in a comparison or a choice, and their common kind; raises BadCondition."""
    names = sorted({str(piece.kind) for piece in pieces} - {"NULL"})
    if len(names) > 1:
        raise BadCondition(f"{' and '.join(names)} do not meet: Spark would cast, and fail on values that do not fit")
    kinds = [piece.kind for piece in pieces if isinstance(piece.kind, Kind) and piece.kind != NULL]
    if "items" in names:
        raise BadCondition("items are no value: say exists, forall, size or aggregate")
    if names != ["number"]:
        return [piece.sql for piece in pieces], kinds[0] if kinds else NULL
    whole, scale = max(kind.whole for kind in kinds), max(kind.scale for kind in kinds)
    if whole + scale <= DIGITS:
        return [piece.sql for piece in pieces], Kind("number", whole, scale)
    return [f"TRY_CAST({piece.sql} AS DECIMAL({DIGITS}, {scale}))" for piece in pieces], Kind(
        "number", DIGITS - scale, scale
    )


def computed(function: str, left: Piece, right: Piece) -> Piece:
    """Arithmetic that comes to NULL where it cannot be done; raises BadCondition for what is no number."""
    for piece in (left, right):
        wanted(piece, "number", "arithmetic")
    return Piece(f"TRY_CAST({function}({left.sql}, {right.sql}) AS DECIMAL({DIGITS}, {COMPUTED.scale}))", COMPUTED)


def negatable(piece: Piece) -> tuple[str, Kind]:
    """The SQL of a number whose negative can be had, and its kind.

    The lowest integer has none, and Spark rounds a decimal to 34 digits before it turns the sign, which may take one more.
    """
    kind = piece.kind
    if not isinstance(kind, Kind) or kind == INTEGER:
        return f"CAST({piece.sql} AS DECIMAL({INTEGER.whole}, 0))", INTEGER
    if kind.whole + kind.scale <= TURNED:
        return piece.sql, kind
    scale = min(kind.scale, COMPUTED.scale)
    return f"TRY_CAST({piece.sql} AS DECIMAL({TURNED}, {scale}))", Kind("number", TURNED - scale, scale)


def wanted(piece: Piece, name: str, where: str) -> Piece:
    """The piece, which must be of the named kind (NULL is of any); raises BadCondition."""
    if str(piece.kind) not in (name, "NULL"):
        raise BadCondition(f"{where} takes {name}, not {piece.kind}")
    return piece


def text_literal(text: str) -> str:
    """A text as Spark SQL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
