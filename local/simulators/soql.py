"""SOQL, understood by a SQL parser that is not ours, and turned into SQLite with bound values.

`sqlglot` reads the statement once literals are out of its way; what comes back is walked node by node, and whatever
Salesforce would refuse is refused here with its error codes.
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
"""

import re
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp

from local.simulators.instants import parse_instant, salesforce_text
from local.simulators.messages import RefusedError
from local.simulators.schema import Entity, Field
from local.simulators.store import Value
from local.simulators.world import case_safe

_LITERAL = re.compile(
    r"(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<instant>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d))(?![\w:.+-])"
    r"|(?P<date>\b\d{4}-\d\d-\d\d)(?![\w:.+-])"
    r"|(?P<foreign>[\"`;*#'\\]|--|/\*|==|\|\|)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_CLAUSES = {"kind", "expressions", "from_", "where", "order", "limit", "offset"}
_COMPARISONS: dict[type[Any], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_DESCENDING_NULLS_LAST = re.compile(r"\bDESC\s+NULLS\s+LAST\b", re.IGNORECASE)
_MAX_OFFSET = 2_000


@dataclass(frozen=True)
class Query:
    """One statement over `entity` as SQLite: `where` and `order` are clauses without their keyword, or empty."""

    entity: Entity
    columns: tuple[str, ...]
    count_only: bool
    where: str
    values: tuple[Value, ...]
    order: str
    limit: int | None
    offset: int


def malformed(message: str) -> RefusedError:
    """The statement is not SOQL."""
    return RefusedError(400, "MALFORMED_QUERY", message)


def parse(soql: str, entities: dict[str, Entity]) -> Query:
    """Read one statement, refused as Salesforce would where it is wrong; `entities` by object name in small letters."""
    literals: list[tuple[str, str]] = []
    if _DESCENDING_NULLS_LAST.search(soql):
        # The parser reads it as it reads DESC alone, so that it could not be told from Salesforce's default.
        raise malformed("unexpected token: DESC NULLS LAST is not served by this organisation")
    try:
        tree = sqlglot.parse_one(_without_literals(soql, literals))
    except sqlglot.errors.SqlglotError as problem:
        raise malformed(f"unexpected token in {soql!r}: {problem}") from problem
    if not isinstance(tree, exp.Select):
        raise malformed("unexpected token: a query begins with SELECT")
    _only_known_clauses(tree)
    entity = _entity(tree, entities)
    count_only = _is_count(tree)
    columns = () if count_only else _columns(tree, entity)
    walker = _Walker(entity, literals)
    condition = tree.args.get("where")
    where = walker.condition(condition.this) if condition is not None else ""
    order = _order(tree, entity)
    limit, offset = _number(tree, "limit"), _number(tree, "offset") or 0
    if offset > _MAX_OFFSET:
        raise RefusedError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MAX_OFFSET}")
    return Query(entity, columns, count_only, where, tuple(walker.values), order, limit, offset)


def _without_literals(soql: str, literals: list[tuple[str, str]]) -> str:
    """The statement with its literals replaced by their numbers: SOQL's escapes and bare dates are not SQL's."""

    def replace(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if kind == "foreign":
            raise malformed(f"unexpected token: '{match[0]}'")
        literals.append((kind, match[0]))
        return f"SOQL_LITERAL({len(literals) - 1})"

    return _LITERAL.sub(replace, soql)


def _only_known_clauses(tree: exp.Select) -> None:
    unknown = [name for name, value in tree.args.items() if value and name not in _CLAUSES]
    if unknown or tree.args.get("kind"):
        raise malformed(f"unexpected token: {', '.join(unknown)} is not served by this organisation")


def _entity(tree: exp.Select, entities: dict[str, Entity]) -> Entity:
    source = tree.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or table.args.get("db") or table.alias:
        raise malformed("unexpected token: one object is expected after FROM")
    entity = entities.get(table.name.lower())
    if entity is None:
        raise RefusedError(400, "INVALID_TYPE", f"sObject type '{table.name}' is not supported.")
    return entity


def _is_count(tree: exp.Select) -> bool:
    counts = [node for node in tree.expressions if isinstance(node, exp.Count)]
    if not counts:
        return False
    if len(tree.expressions) > 1 or counts[0].this is not None:
        raise malformed("COUNT() stands alone; other aggregates are not served by this organisation")
    return True


def _columns(tree: exp.Select, entity: Entity) -> tuple[str, ...]:
    names: list[str] = []
    for node in tree.expressions:
        if not isinstance(node, exp.Column):
            raise malformed(f"unexpected token: '{node.sql()}' among the selected fields")
        name = _field(entity, node).name
        if name in names:
            raise malformed(f"duplicate field selected: {name}")
        names.append(name)
    if not names:
        raise malformed("unexpected token: FROM; fields are expected after SELECT")
    return tuple(names)


def _field(entity: Entity, column: object) -> Field:
    if not isinstance(column, exp.Column):
        raise malformed(f"unexpected token: '{column}', a field is expected")
    if column.table and column.table.lower() != entity.set_name.lower():
        raise RefusedError(400, "INVALID_FIELD", f"Didn't understand relationship '{column.table}' in field path.")
    found = next((f for f in entity.fields if f.name.lower() == column.name.lower()), None)
    if found is None:
        raise RefusedError(400, "INVALID_FIELD", f"No such column '{column.name}' on entity '{entity.set_name}'.")
    return found


def _order(tree: exp.Select, entity: Entity) -> str:
    order = tree.args.get("order")
    if order is None:
        return ""
    parts = []
    for ordered in order.expressions:
        named = _field(entity, ordered.this)
        direction = "DESC" if ordered.args.get("desc") else "ASC"
        # Salesforce puts nulls first in either direction unless told otherwise.
        nulls_last = ordered.args.get("nulls_first") is False and not ordered.args.get("desc")
        parts.append(f"{_comparable(named)} {direction} NULLS {'LAST' if nulls_last else 'FIRST'}")
    return ", ".join(parts)


def _number(tree: exp.Select, clause: str) -> int | None:
    node = tree.args.get(clause)
    if node is None:
        return None
    value = node.expression
    if not isinstance(value, exp.Literal) or value.is_string or not value.this.isdigit():
        raise malformed(f"unexpected token: {clause.upper()} takes a number")
    return int(value.this)


@dataclass
class _Walker:
    """Writes a condition as SQL and gathers the values it binds, in the order of their places."""

    entity: Entity
    literals: list[tuple[str, str]]
    values: list[Value] = field(default_factory=list)

    def condition(self, node: Any) -> str:
        if isinstance(node, exp.Paren):
            return f"({self.condition(node.this)})"
        if isinstance(node, exp.Not):
            return self._negated(node.this)
        if isinstance(node, exp.And | exp.Or):
            return self._joined(node)
        if isinstance(node, exp.In):
            return self._membership(node, negated=False)
        if isinstance(node, exp.Like):
            named = self._text_field(node.this)
            self.values.append(self._like_pattern(node.expression))
            return f"{named.value} LIKE ? ESCAPE '\\'"
        if type(node) in _COMPARISONS:
            return self._comparison(node)
        raise malformed(f"unexpected token: '{node.sql()}'")

    def _negated(self, node: Any) -> str:
        if isinstance(node, exp.In):
            return self._membership(node, negated=True)
        return f"NOT ({self.condition(node)})"

    def _joined(self, node: Any) -> str:
        other = exp.Or if isinstance(node, exp.And) else exp.And
        if isinstance(node.left, other) or isinstance(node.right, other):
            raise malformed("unexpected token: AND and OR need parentheses between them")
        word = "AND" if isinstance(node, exp.And) else "OR"
        return f"{self.condition(node.left)} {word} {self.condition(node.right)}"

    def _comparison(self, node: Any) -> str:
        named = _field(self.entity, node.this)
        operator = _COMPARISONS[type(node)]
        if isinstance(node.expression, exp.Null):
            if operator not in ("=", "<>"):
                raise malformed(f"invalid operator on {named.name}: null knows = and != only")
            return f"{named.value} IS {'' if operator == '=' else 'NOT '}NULL"
        if named.kind == "boolean" and operator not in ("=", "<>"):
            raise malformed(f"invalid operator on boolean field {named.name}")
        self.values.append(self._value(named, node.expression))
        if operator == "<>":
            # A null differs from every value in SOQL.
            return f"({named.value} IS NULL OR {_comparable(named)} <> {_place(named)})"
        return f"{_comparable(named)} {operator} {_place(named)}"

    def _membership(self, node: Any, *, negated: bool) -> str:
        named = _field(self.entity, node.this)
        if not node.expressions or node.args.get("query"):
            raise malformed("unexpected token: IN takes a list of values")
        self.values.extend(self._value(named, item) for item in node.expressions)
        places = ", ".join([_place(named)] * len(node.expressions))
        if negated:
            return f"({named.value} IS NULL OR {_comparable(named)} NOT IN ({places}))"
        return f"{_comparable(named)} IN ({places})"

    def _value(self, named: Field, node: Any) -> Value:
        if named.kind == "decimal":
            number = _number_text(node)
            if number is None:
                raise _wrong_type(named, "double and should not be enclosed in quotes")
            return number
        if named.kind == "boolean":
            if not isinstance(node, exp.Boolean):
                raise _wrong_type(named, "boolean and should not be enclosed in quotes")
            return int(node.this)
        kind, text = self._literal(node)
        if named.kind in ("instant", "date"):
            if kind != named.kind:
                what = "dateTime" if named.kind == "instant" else "date"
                raise _wrong_type(named, f"{what} and should not be enclosed in quotes")
            return text if kind == "date" else salesforce_text(parse_instant(text))
        if kind != "text":
            raise _wrong_type(named, "string and should be enclosed in quotes")
        value = _unescaped(text)
        return case_safe(value) if named.kind in ("id", "reference") and len(value) == 15 else value

    def _literal(self, node: Any) -> tuple[str, str]:
        if isinstance(node, exp.Anonymous) and node.name.upper() == "SOQL_LITERAL":
            return self.literals[int(node.expressions[0].this)]
        return "", ""

    def _text_field(self, node: Any) -> Field:
        named = _field(self.entity, node)
        if named.kind not in ("string", "id", "reference"):
            raise malformed(f"invalid operator on field {named.name}: LIKE is for text")
        return named

    def _like_pattern(self, node: Any) -> str:
        kind, text = self._literal(node)
        if kind != "text":
            raise malformed("unexpected token: LIKE takes a string")
        return _unescaped(text, like=True)


def _comparable(named: Field) -> str:
    """The field as it is compared: text without regard to case, ids with, numbers by their size."""
    if named.kind == "decimal":
        return f"CAST({named.value} AS REAL)"
    return f"{named.value}{' COLLATE NOCASE' if named.kind == 'string' else ''}"


def _place(named: Field) -> str:
    """Where a value is bound that the field is compared with."""
    return "CAST(? AS REAL)" if named.kind == "decimal" else "?"


def _number_text(node: Any) -> str | None:
    """A number as it was written, None where none was."""
    sign, node = ("-", node.this) if isinstance(node, exp.Neg) else ("", node)
    return f"{sign}{node.this}" if isinstance(node, exp.Literal) and not node.is_string else None


def _unescaped(quoted: str, *, like: bool = False) -> str:
    def replace(match: re.Match[str]) -> str:
        letter = match[1]
        if like and letter in "%_\\":
            return match[0]
        if letter not in _ESCAPES:
            raise malformed(f"invalid string literal: illegal escape \\{letter}")
        return _ESCAPES[letter]

    return re.sub(r"\\(.)", replace, quoted[1:-1], flags=re.DOTALL)


def _wrong_type(named: Field, what: str) -> RefusedError:
    return RefusedError(
        400, "INVALID_FIELD", f"value of filter criterion for field '{named.name}' must be of type {what}"
    )
