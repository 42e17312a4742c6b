"""OData's `$filter`, parsed by `odata-query` and turned into SQLite by SQLAlchemy.

Values keep every digit: instants are compared as text of one width, never as Python's datetimes, which would lose the
seventh digit of a time stamp.
"""

from typing import Any

import sqlalchemy as sa
from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sqlalchemy.core import AstToSqlAlchemyCoreVisitor

from local.simulators.instants import ts7_from_text
from local.simulators.messages import RefusedError
from local.simulators.schema import SOURCES, Entity, Field

_LITERALS: dict[str, tuple[type[Any], ...]] = {
    "string": (ast.String,),
    "boolean": (ast.Boolean,),
    "decimal": (ast.Integer, ast.Float),
    "date": (ast.Date,),
    "time": (ast.Time,),
    "instant7": (ast.DateTime,),
}
_METADATA = sa.MetaData()
TABLES: dict[str, Any] = {
    entity.set_name: sa.Table(
        entity.set_name,
        _METADATA,
        *(sa.Column(f.name, sa.Integer if f.kind == "boolean" else sa.Text) for f in entity.fields),
        sa.Column("_visible_at", sa.Text),
    )
    for entity in SOURCES["erp"]
}


def column(entity: Entity, name: str) -> Any:
    """The SQL of a field."""
    field = entity.field(name)
    return sa.literal_column(field.sql) if field is not None and field.sql else TABLES[entity.set_name].c[name]


def bad_request(message: str) -> RefusedError:
    """The request is not OData, or not for this set."""
    return RefusedError(400, "/IWBEP/CM_V4_COS/026", message)


def condition(entity: Entity, text: str) -> Any:
    """The SQL condition of a `$filter`. Refused with 400 for what is wrong, 501 for what this service does not know."""
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(text))
        return _Condition(entity).visit(tree)
    except ODataException as problem:
        raise bad_request(f"$filter of {entity.set_name}: {problem or 'incomplete expression'}: {text}") from problem
    except NotImplementedError as problem:
        raise RefusedError(501, "/IWBEP/CM_V4_COS/014", f"$filter of {entity.set_name}: {problem}") from problem


class _Condition(AstToSqlAlchemyCoreVisitor):  # type: ignore[misc]  # the library is not looked into
    """odata-query's own visitor, strict about types and exact about values."""

    def __init__(self, entity: Entity) -> None:
        super().__init__(TABLES[entity.set_name])
        self.entity = entity

    def visit_Identifier(self, node: Any) -> Any:  # noqa: N802  the visitor finds its methods by node name
        field = self._field(node)
        value = column(self.entity, field.name)
        return sa.cast(value, sa.REAL) if field.kind == "decimal" else value

    def visit_Compare(self, node: Any) -> Any:  # noqa: N802
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, ast.Identifier):
                self._fits(self._field(one), other)
        if isinstance(node.comparator, ast.In):
            left = self.visit(node.left)
            return sa.or_(*[left == value for value in self.visit(node.right)])
        return super().visit_Compare(node)

    def visit_DateTime(self, node: Any) -> Any:  # noqa: N802
        try:
            return sa.literal(ts7_from_text(node.val))
        except ValueError as problem:
            raise bad_request(str(problem)) from problem

    def visit_Date(self, node: Any) -> Any:  # noqa: N802
        return sa.literal(node.val)

    def visit_Time(self, node: Any) -> Any:  # noqa: N802
        return sa.literal(node.val)

    def visit_Call(self, node: Any) -> Any:  # noqa: N802
        name = node.func.name.lower()
        if name not in ("contains", "startswith", "endswith"):
            raise NotImplementedError(f"function {name} is not implemented by this service")
        text, part = (self.visit(argument) for argument in node.args)
        # Not LIKE: it takes % and _ for wildcards and knows no case.
        if name == "contains":
            return sa.func.instr(text, part) > 0
        start = 1 if name == "startswith" else sa.func.length(text) - sa.func.length(part) + 1
        return sa.func.substr(text, start, sa.func.length(part)) == part

    def _field(self, node: Any) -> Field:
        field = self.entity.field(node.full_name())
        if field is None:
            raise bad_request(f"Property {node.full_name()} not found in type {self.entity.type_name}")
        return field

    @staticmethod
    def _fits(field: Field, other: Any) -> None:
        values = other.val if isinstance(other, ast.List) else [other]
        for value in values:
            if isinstance(value, ast.Null | ast.Identifier | ast.Call | ast.BinOp):
                continue
            if not isinstance(value, _LITERALS[field.kind]):
                given = type(value).__name__
                raise bad_request(f"$filter: {field.name} is of kind {field.kind} and cannot be compared with {given}")
