"""The functions that conditions on a row may call: none that depends on luck or on the clock, none that can fail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.contract.kinds import (
    BOOLEAN,
    COMPUTED,
    DATE,
    DIGITS,
    INTEGER,
    TEXT,
    BadCondition,
    Kind,
    Piece,
    met,
    negatable,
    wanted,
)
from lake.contract.patterns import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST = 10_000


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, and what it makes of it.

    `count` is a constant whole number, `pattern` and `replacement` are constant texts; `?` marks what may be left out, `*`
    what may be repeated.
    """

    takes: tuple[str, ...]
    gives: Kind


PLAIN = {
    "length": Signature(("text",), INTEGER),
    "upper": Signature(("text",), TEXT),
    "lower": Signature(("text",), TEXT),
    "trim": Signature(("text",), TEXT),
    "ltrim": Signature(("text",), TEXT),
    "rtrim": Signature(("text",), TEXT),
    "substring": Signature(("text", "count", "count?"), TEXT),
    "left": Signature(("text", "count"), TEXT),
    "right": Signature(("text", "count"), TEXT),
    "lpad": Signature(("text", "count", "text"), TEXT),
    "concat": Signature(("text", "text*"), TEXT),
    "replace": Signature(("text", "text", "text"), TEXT),
    "regexp_replace": Signature(("text", "pattern", "replacement"), TEXT),
    "startswith": Signature(("text", "text"), BOOLEAN),
    "endswith": Signature(("text", "text"), BOOLEAN),
    "contains": Signature(("text", "text"), BOOLEAN),
    "datediff": Signature(("date", "date"), INTEGER),
    "date_add": Signature(("date", "count"), DATE),
    "date_sub": Signature(("date", "count"), DATE),
    "add_months": Signature(("date", "count"), DATE),
    "year": Signature(("date",), INTEGER),
    "month": Signature(("date",), INTEGER),
    "day": Signature(("date",), INTEGER),
    "dayofweek": Signature(("date",), INTEGER),
    "size": Signature(("items",), INTEGER),
    "exists": Signature(("items", "1-arrow to boolean"), BOOLEAN),
    "forall": Signature(("items", "1-arrow to boolean"), BOOLEAN),
}


def call(name: str, arguments: Sequence[Piece]) -> Piece:
    """A function's call; raises BadCondition."""
    if name in SPECIAL:
        return SPECIAL[name](name, arguments)
    if name not in PLAIN:
        raise BadCondition(f"{name} is no function here; there are: {', '.join(sorted(SPECIAL | PLAIN))}")
    signature = PLAIN[name]
    takes = [each.rstrip("?*") for each in signature.takes]
    least = sum(not each.endswith(("?", "*")) for each in signature.takes)
    if signature.takes[-1].endswith("*"):
        takes += takes[-1:] * (len(arguments) - len(takes))
    if not least <= len(arguments) <= len(takes):
        raise BadCondition(f"{name} takes {' , '.join(signature.takes)}; found {len(arguments)} of them")
    texts = [_taken(name, each, piece) for each, piece in zip(takes, arguments, strict=False)]
    return Piece(f"{name}({', '.join(texts)})", signature.gives)


def _taken(name: str, takes: str, piece: Piece) -> str:
    if takes == "count":
        if not isinstance(piece.constant, int) or abs(piece.constant) > LARGEST:
            raise BadCondition(f"{name} takes a constant whole number of at most {LARGEST} here")
    elif takes == "pattern":
        if not isinstance(piece.constant, str):
            raise BadCondition(f"{name} takes a constant pattern")
        if (found := problem(piece.constant)) is not None:
            raise BadCondition(f"pattern {piece.constant!r}: {found}")
    elif takes == "replacement":
        if not isinstance(piece.constant, str) or re.search(r"[$\\]", piece.constant):
            raise BadCondition(f"{name} takes a constant text without $ and backslash here")
    else:
        wanted(piece, takes, name)
    return piece.sql


def _choice(name: str, arguments: Sequence[Piece]) -> Piece:
    """coalesce, greatest, least, nullif: values of one kind."""
    if len(arguments) < 2 or (name == "nullif" and len(arguments) > 2):  # noqa: PLR2004 (two values meet)
        raise BadCondition(f"{name} takes {'two' if name == 'nullif' else 'two or more'} values")
    texts, kind = met(arguments)
    return Piece(f"{name}({', '.join(texts)})", kind)


def _if(name: str, arguments: Sequence[Piece]) -> Piece:
    if len(arguments) != 3:  # noqa: PLR2004 (a condition and two values)
        raise BadCondition("if takes a condition and two values")
    (one, other), kind = met(arguments[1:])
    return Piece(f"{name}({wanted(arguments[0], 'boolean', name).sql}, {one}, {other})", kind)


def _abs(name: str, arguments: Sequence[Piece]) -> Piece:
    if len(arguments) != 1:
        raise BadCondition("abs takes a number")
    sql, kind = negatable(wanted(arguments[0], "number", name))
    return Piece(f"abs({sql})", kind)


def _filter(name: str, arguments: Sequence[Piece]) -> Piece:
    if [str(piece.kind) for piece in arguments] != ["items", "1-arrow to boolean"]:
        raise BadCondition("filter takes items and a condition on one: filter(items, x -> ...)")
    return Piece(f"{name}({', '.join(piece.sql for piece in arguments)})", arguments[0].kind)


def _aggregate(name: str, arguments: Sequence[Piece]) -> Piece:
    if [str(piece.kind) for piece in arguments] != ["items", "number", "2-arrow to number"]:
        raise BadCondition("aggregate takes items, a number, and (total, x) -> a number")
    items, start, step = arguments
    decimal = f"DECIMAL({DIGITS}, {COMPUTED.scale})"
    head, _, body = step.sql.partition(" -> ")
    return Piece(
        f"{name}({items.sql}, TRY_CAST({start.sql} AS {decimal}), {head} -> TRY_CAST({body} AS {decimal}))", COMPUTED
    )


SPECIAL: dict[str, Callable[[str, Sequence[Piece]], Piece]] = {
    "coalesce": _choice,
    "greatest": _choice,
    "least": _choice,
    "nullif": _choice,
    "if": _if,
    "abs": _abs,
    "filter": _filter,
    "aggregate": _aggregate,
}
