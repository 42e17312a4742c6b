"""A mart's SQL: what it reads, what its columns mean, in which order the marts are built. Text only, no Spark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMENT = re.compile(r"^-- ?(.*)$")
COLUMN = re.compile(r"^([a-z_][a-z0-9_]*): (.+)$")
REFERENCE = re.compile(r"\{(curated|analytics)\}\.([a-z_][a-z0-9_]*)")
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class ModelError(Exception):
    """A mart's SQL can't be used."""


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A table that a model reads."""

    layer: Literal["curated", "analytics"]
    table: str


@dataclass(frozen=True, slots=True)
class Model:
    """A mart. The file begins with comment lines: first what the table is, then `-- column: meaning` for each column."""

    name: str
    sql: str
    comment: str
    columns: dict[str, str]

    @property
    def references(self) -> frozenset[Reference]:
        """The tables that the SQL reads."""
        return frozenset(Reference(match[1], match[2]) for match in REFERENCE.finditer(self.sql))  # type: ignore[arg-type]

    def render(self, values: Mapping[str, str]) -> str:
        """The SQL with its placeholders filled in; raises ModelError for one that has no value."""

        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise ModelError(f"{self.name}.sql: the placeholder {match[0]} is none of {', '.join(sorted(values))}")
            return values[match[1]]

        return PLACEHOLDER.sub(value, self.sql)


def parse(name: str, sql: str) -> Model:
    """The model in a SQL text; raises ModelError where it does not begin with its description."""
    comment: list[str] = []
    columns: dict[str, str] = {}
    for line in sql.splitlines():
        found = COMMENT.match(line)
        if found is None:
            break
        column = COLUMN.match(found[1])
        if column:
            columns[column[1]] = column[2]
        else:
            comment.append(found[1])
    if not comment or not columns:
        raise ModelError(f"{name}.sql must begin with what the mart is and a line `-- column: meaning` for each column")
    return Model(name, sql, " ".join(comment), columns)


def in_order(models: Mapping[str, Model]) -> list[Model]:
    """The models, each after those that it reads; raises ModelError where they read each other in a circle."""
    graph = {
        name: {reference.table for reference in model.references if reference.table in models}
        for name, model in sorted(models.items())
    }
    try:
        return [models[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ModelError(f"these marts read each other in a circle: {' -> '.join(error.args[1])}") from error
