"""The words, signs and constants of a condition on a row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from lake.contract.kinds import DATE, DIGITS, INSTANT, TEXT, BadCondition, Kind, Piece, text_literal

TOKEN = re.compile(
    r"\s+|(?P<comment>--|/\*)|(?P<text>'(?:[^'\\]|\\.|'')*')|(?P<quoted>`\w+`)|(?P<number>\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign><=>|<=|>=|<>|!=|==|->|\|\||[-+*/%(),.<>=])",
    re.DOTALL,
)
ESCAPED = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", "%": "\\%", "_": "\\_"}
KEYWORDS = frozenset(
    {"AND", "AS", "BETWEEN", "CASE", "CAST", "ELSE", "END", "FALSE", "IN", "IS", "LIKE", "NOT", "NULL", "OR", "RLIKE"}
    | {"SELECT", "THEN", "TRUE", "TRY_CAST", "WHEN"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or constant of a condition, and where it stands."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """A condition's tokens, an empty one at the end; raises BadCondition."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise BadCondition(f"{text[at : at + 10]!r} (character {at + 1}) begins nothing that is known here")
        if match.lastgroup == "comment":
            raise BadCondition("a comment has no place here: write a `description`")
        if match.lastgroup:
            found.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def text_of(token: str) -> Piece:
    """A text in quotes; raises BadCondition for a backslash that Spark would drop."""

    def unescaped(match: re.Match[str]) -> str:
        if match[0] == "''":
            return "'"
        if match[1] not in ESCAPED:
            raise BadCondition(f"{match[0]} in a text: write \\\\ for a backslash")
        return ESCAPED[match[1]]

    text = re.sub(r"\\(.)|''", unescaped, token[1:-1], flags=re.DOTALL)
    return Piece(text_literal(text), TEXT, text)


def number_of(token: str) -> Piece:
    """A number as it is written."""
    whole, _, fraction = token.partition(".")
    whole = whole.lstrip("0")
    if len(whole) + len(fraction) > DIGITS:
        raise BadCondition(f"{token}: a number has at most {DIGITS} digits")
    return Piece(token, Kind("number", len(whole), len(fraction)), None if fraction else int(token))


def moment_of(name: str, text: str) -> Piece:
    """DATE '2026-11-16' and TIMESTAMP '2026-11-16T06:00:00Z'; raises BadCondition."""
    try:
        moment = datetime.fromisoformat(text) if name == "timestamp" else date.fromisoformat(text)
    except ValueError:
        raise BadCondition(f"{text!r} is no {name}") from None
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise BadCondition(f"{text!r} is no instant: it has no offset")
    return Piece(f"{name.upper()} {text_literal(moment.isoformat())}", INSTANT if name == "timestamp" else DATE)
