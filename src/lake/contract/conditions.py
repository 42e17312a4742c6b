"""Conditions on one row: a part of Spark SQL that no value of a row can make fail.

What is taken: columns, constants, comparisons, AND, OR, NOT, IS, IN, BETWEEN, LIKE, RLIKE, CASE, CAST, arithmetic, and the
functions of `lake.contract.functions`. Arithmetic and casts are compiled to their TRY forms: what cannot be computed is NULL,
and NULL breaks no rule. All else is refused when the contract is compiled, not found out by a run.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from lake.contract.functions import call
from lake.contract.kinds import (
    BOOLEAN,
    COMPUTED,
    DATE,
    DIGITS,
    INSTANT,
    INTEGER,
    NULL,
    TEXT,
    TURNED,
    BadCondition,
    Items,
    Kind,
    Piece,
    computed,
    met,
    negatable,
    text_literal,
    wanted,
)
from lake.contract.patterns import problem
from lake.contract.tokens import KEYWORDS, moment_of, number_of, text_of, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lake.contract.tokens import Token

COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<=>": "<=>"}
ARITHMETIC = {"+": "try_add", "-": "try_subtract", "*": "try_multiply", "/": "try_divide", "%": "try_mod"}
CASTS = {
    "text": {"text", "number", "date", "instant", "boolean"},
    "number": {"number", "text"},
    "date": {"date", "instant", "text"},
    "instant": {"date", "instant", "text"},
    "boolean": {"text"},
    "NULL": {"text", "number", "date", "instant", "boolean"},
}
"""What may be cast to what."""


def compile_condition(text: str, columns: Mapping[str, Kind | Items]) -> str:
    """The Spark SQL of a condition over these columns; raises BadCondition."""
    parser = Parser(text, columns)
    piece = wanted(parser.expression(), "boolean", "a condition")
    parser.end()
    return piece.sql[1:-1] if piece.sql.startswith("(") else piece.sql


class Parser:
    """Reads a condition from left to right; each method returns what it has read as a Piece, in parentheses."""

    def __init__(self, text: str, columns: Mapping[str, Kind | Items]) -> None:
        self.tokens = tokens(text)
        self.position = 0
        self.columns = columns
        self.variables: dict[str, Kind | Items] = {}

    def expression(self) -> Piece:
        """What OR binds."""
        return self._logical("OR", self._conjunction)

    def end(self) -> None:
        """Nothing more may follow."""
        if self._next.kind != "end":
            raise self._unexpected("the end")

    def take(self, text: str) -> bool:
        """Whether this sign or word follows, which is then read."""
        token = self._next
        found = token.kind in ("sign", "word") and token.text.upper() == text
        self.position += found
        return found

    def need(self, text: str) -> None:
        """Reads this sign or word; raises BadCondition where it does not follow."""
        if not self.take(text):
            raise self._unexpected(text)

    def name(self) -> str:
        """Reads a name."""
        token = self._next
        if token.kind not in ("word", "quoted") or token.text.upper() in KEYWORDS:
            raise self._unexpected("a name")
        self.position += 1
        return token.text.strip("`").lower()

    @property
    def _next(self) -> Token:
        return self.tokens[self.position]

    def _unexpected(self, expected: str) -> BadCondition:
        token = self._next
        found = f"{token.text!r} (character {token.at + 1})" if token.text else "the end"
        return BadCondition(f"{expected} is expected, not {found}")

    def _logical(self, word: str, part: Callable[[], Piece]) -> Piece:
        pieces = [part()]
        while self.take(word):
            pieces.append(part())
        if len(pieces) == 1:
            return pieces[0]
        return Piece(f"({f' {word} '.join(wanted(piece, 'boolean', word).sql for piece in pieces)})", BOOLEAN)

    def _conjunction(self) -> Piece:
        return self._logical("AND", self._negation)

    def _negation(self) -> Piece:
        if not self.take("NOT"):
            return self._predicate()
        return Piece(f"(NOT {wanted(self._negation(), 'boolean', 'NOT').sql})", BOOLEAN)

    def _predicate(self) -> Piece:
        left = self._sum()
        if self._next.kind == "sign" and self._next.text in COMPARISONS:
            sign = COMPARISONS[self._next.text]
            self.position += 1
            (one, other), _ = met([left, right := self._sum()])
            if NULL in (left.kind, right.kind):
                raise BadCondition("nothing compares with NULL: say IS NULL")
            return Piece(f"({one} {sign} {other})", BOOLEAN)
        if self.take("IS"):
            return self._is(left)
        negated = self.take("NOT")
        for word, read in (("IN", self._in), ("BETWEEN", self._between), ("LIKE", self._like), ("RLIKE", self._rlike)):
            if self.take(word):
                sql = f"({read(left)})"
                return Piece(f"(NOT {sql})" if negated else sql, BOOLEAN)
        if negated:
            raise self._unexpected("IN, BETWEEN, LIKE or RLIKE")
        return left

    def _is(self, left: Piece) -> Piece:
        negated = "NOT " if self.take("NOT") else ""
        if self.take("NULL"):
            return Piece(f"({left.sql} IS {negated}NULL)", BOOLEAN)
        for word in ("TRUE", "FALSE"):
            if self.take(word):
                return Piece(f"({wanted(left, 'boolean', f'IS {word}').sql} IS {negated}{word})", BOOLEAN)
        raise self._unexpected("NULL, TRUE or FALSE")

    def _in(self, left: Piece) -> str:
        self.need("(")
        pieces = [left, self._sum()]
        while self.take(","):
            pieces.append(self._sum())
        self.need(")")
        (one, *others), _ = met(pieces)
        return f"{one} IN ({', '.join(others)})"

    def _between(self, left: Piece) -> str:
        low = self._sum()
        self.need("AND")
        (value, least, most), _ = met([left, low, self._sum()])
        return f"{value} BETWEEN {least} AND {most}"

    def _like(self, left: Piece) -> str:
        pattern = self.constant()
        if re.search(r"\\(?![%_\\])", pattern.replace("\\\\", "")):
            raise BadCondition("LIKE: a backslash stands before %, _ or another one")
        return f"{wanted(left, 'text', 'LIKE').sql} LIKE {text_literal(pattern)}"

    def _rlike(self, left: Piece) -> str:
        pattern = self.constant()
        if (found := problem(pattern)) is not None:
            raise BadCondition(f"pattern {pattern!r}: {found}")
        return f"{wanted(left, 'text', 'RLIKE').sql} RLIKE {text_literal(pattern)}"

    def constant(self) -> str:
        """Reads a text constant."""
        piece = self._sum()
        if not isinstance(piece.constant, str):
            raise BadCondition("a pattern is a constant text")
        return piece.constant

    def _sum(self) -> Piece:
        left = self._product()
        while self._next.kind == "sign" and self._next.text in ("+", "-", "||"):
            sign = self._next.text
            self.position += 1
            right = self._product()
            left = call("concat", [left, right]) if sign == "||" else computed(ARITHMETIC[sign], left, right)
        return left

    def _product(self) -> Piece:
        left = self._signed()
        while self._next.kind == "sign" and self._next.text in ("*", "/", "%"):
            sign = self._next.text
            self.position += 1
            left = computed(ARITHMETIC[sign], left, self._signed())
        return left

    def _signed(self) -> Piece:
        if not self.take("-"):
            return self._value()
        piece = wanted(self._signed(), "number", "-")
        if isinstance(piece.constant, int):
            if abs(piece.constant) >= 10**TURNED:
                raise BadCondition(f"a number with a sign has at most {TURNED} digits")
            return Piece(f"(-{piece.sql})", piece.kind, -piece.constant)
        sql, kind = negatable(piece)
        return Piece(f"(-{sql})", kind)

    def _value(self) -> Piece:
        token = self._next
        if token.kind in ("text", "number"):
            self.position += 1
            return text_of(token.text) if token.kind == "text" else number_of(token.text)
        if self.take("("):
            piece = self.expression()
            self.need(")")
            return piece
        for word, kind in (("TRUE", BOOLEAN), ("FALSE", BOOLEAN), ("NULL", NULL)):
            if self.take(word):
                return Piece(word, kind)
        for word, read in (("CASE", self._case), ("CAST", self._cast), ("TRY_CAST", self._cast)):
            if self.take(word):
                return read()
        return self._named()

    def _named(self) -> Piece:
        """A function, a member of an item, a constant of a type, or a column."""
        quoted = self._next.kind == "quoted"
        name = self.name()
        if not quoted and name in ("date", "timestamp") and self._next.kind == "text":
            return moment_of(name, self.constant())
        if not quoted and self.take("("):
            return self._call(name)
        found = self.variables.get(name, self.columns.get(name))
        if found is None:
            raise BadCondition(f"there is no column {name!r}{_nearest(name, self.columns)}")
        if name in self.variables and isinstance(found, Items):
            self.need(".")
            member = self.name()
            if member not in found.members:
                raise BadCondition(f"the items have no column {member!r}{_nearest(member, found.members)}")
            return Piece(f"`{name}`.`{member}`", found.members[member])
        return Piece(f"`{name}`", found)

    def _call(self, name: str) -> Piece:
        arguments: list[Piece] = []
        while not self.take(")"):
            if arguments:
                self.need(",")
            arguments.append(self._lambda(name, arguments) if self._at_lambda() else self.expression())
        return call(name, arguments)

    def _at_lambda(self) -> bool:
        signs = [token.text for token in self.tokens[self.position : self.position + 6]]
        return signs[1:2] == ["->"] or (signs[:1] == ["("] and signs[2:3] == [","] and signs[4:6] == [")", "->"])

    def _lambda(self, name: str, arguments: list[Piece]) -> Piece:
        """A condition or a number made of an item, `x -> ...`, or of a total and an item, `(total, x) -> ...`."""
        items = arguments[0].kind if arguments else None
        if not isinstance(items, Items):
            raise BadCondition(f"{name}: an arrow (->) is for the items of a child, which come first")
        if self.take("("):
            total = self.name()
            self.need(",")
            kinds: dict[str, Kind | Items] = {total: COMPUTED, self.name(): items}
            self.need(")")
            head = f"(`{'`, `'.join(kinds)}`)"
        else:
            kinds = {self.name(): items}
            head = "".join(f"`{name}`" for name in kinds)
        self.need("->")
        outer, self.variables = self.variables, self.variables | kinds
        body = self.expression()
        self.variables = outer
        return Piece(f"{head} -> {body.sql}", Kind(f"{len(kinds)}-arrow to {body.kind}"))

    def _case(self) -> Piece:
        conditions, values = [], []
        while self.take("WHEN"):
            conditions.append(wanted(self.expression(), "boolean", "WHEN").sql)
            self.need("THEN")
            values.append(self.expression())
        if not conditions:
            raise self._unexpected("WHEN")
        if self.take("ELSE"):
            values.append(self.expression())
        self.need("END")
        texts, kind = met(values)
        cases = "".join(f" WHEN {test} THEN {text}" for test, text in zip(conditions, texts, strict=False))
        rest = f" ELSE {texts[-1]}" if len(texts) > len(conditions) else ""
        return Piece(f"(CASE{cases}{rest} END)", kind)

    def _cast(self) -> Piece:
        self.need("(")
        piece = self.expression()
        self.need("AS")
        kind, sql = self._type()
        self.need(")")
        if kind.name not in CASTS.get(str(piece.kind), ()):
            raise BadCondition(f"{piece.kind} cannot be cast to {kind}")
        return Piece(f"TRY_CAST({piece.sql} AS {sql})", kind)

    def _type(self) -> tuple[Kind, str]:
        plain = {
            "string": TEXT,
            "boolean": BOOLEAN,
            "bigint": INTEGER,
            "int": INTEGER,
            "date": DATE,
            "timestamp": INSTANT,
        }
        name = self.name()
        if name in plain:
            return plain[name], {"int": "BIGINT"}.get(name, name.upper())
        if name != "decimal":
            raise BadCondition(f"{name} is no type here; there are: {', '.join(sorted(plain))}, decimal(p, s)")
        self.need("(")
        precision = self._sum().constant
        self.need(",")
        scale = self._sum().constant
        self.need(")")
        if not (
            isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision <= DIGITS and precision
        ):
            raise BadCondition("decimal(p, s): p is 1 to 38, s at most p")
        return Kind("number", precision - scale, scale), f"DECIMAL({precision}, {scale})"


def _nearest(name: str, known: Mapping[str, Kind | Items] | Mapping[str, Kind]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
