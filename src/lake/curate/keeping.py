"""How a table is kept, as Iceberg and its readers are told: properties, order, partitions, comments. Text only, no Spark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.curate.columns import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.curate.layout import Column, Table

ALWAYS = {
    "format-version": "2",
    "write.format.default": "parquet",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Of each table that the lake writes: what Athena reads."""
FILE_BYTES = 32 * 1024 * 1024
"""A merge rewrites whole files: small enough for a change of few keys, large enough for a scan."""
SORTED = {
    "write.distribution-mode": "range",
    "write.merge.distribution-mode": "none",
    "read.split.target-size": str(FILE_BYTES),
}
"""Each file holds a range of the order, so that its statistics say which keys are in it. A merge keeps that without a shuffle: it
reads a file at a time, and writes its rows in their order."""
TRANSFORM = re.compile(r"(\w+)\((\d+), (\w+)\)")


def properties(table: Table) -> dict[str, str]:
    """The properties that the contract's table has to have."""
    kept = {"history.expire.max-snapshot-age-ms": str(table.snapshots_s * 1000)}
    files = {"write.target-file-size-bytes": str(FILE_BYTES)}
    return ALWAYS | files | kept | (SORTED if table.sort else {})


def create(name: str, table: Table) -> list[str]:
    """The statements that create the table under an identifier."""
    made = f"CREATE TABLE IF NOT EXISTS {name} ({definitions(table.columns)}) {_kept(table)}"
    return [made, *_order(name, table)]


def cast(name: str, table: Table, columns: Sequence[str], types: Mapping[str, str]) -> str:
    """The statement that writes all rows anew, some columns cast to other types, and puts them in place in one commit."""
    values = (
        f"CAST({quoted(column)} AS {types[column]}) AS {quoted(column)}" if column in types else quoted(column)
        for column in columns
    )
    return f"REPLACE TABLE {name} {_kept(table)} AS SELECT {', '.join(values)} FROM {name}"  # noqa: S608 (quoted names)


def _kept(table: Table) -> str:
    parts = f" PARTITIONED BY ({', '.join(map(_transform, table.partition))})" if table.partition else ""
    return f"USING iceberg{parts} COMMENT {literal(table.comment)} TBLPROPERTIES ({pairs(properties(table))})"


def changes(
    name: str, table: Table, there: Mapping[str, str], comments: Mapping[str, str | None], order: Sequence[str]
) -> list[str]:
    """The statements that bring a table up to its contract: its properties, its comments by column, the order of its files.

    `there`, `comments`, `order`: as they are. Rows that are there already keep their files: new ones follow the contract.
    """
    wanted = properties(table) | {"comment": table.comment}
    other = {key: value for key, value in wanted.items() if there.get(key) != value}
    texts = [f"ALTER TABLE {name} SET TBLPROPERTIES ({pairs(other)})"] if other else []
    for column in table.columns:
        if column.name in comments and (comments[column.name] or "") != column.comment:
            texts.append(f"ALTER TABLE {name} ALTER COLUMN {quoted(column.name)} COMMENT {literal(column.comment)}")
    return texts + (_order(name, table) if tuple(order) != table.sort else [])


def definitions(columns: Sequence[Column]) -> str:
    """Columns as DDL."""
    return ", ".join(f"{quoted(column.name)} {column.type} COMMENT {literal(column.comment)}" for column in columns)


def pairs(values: Mapping[str, str]) -> str:
    """Properties as DDL."""
    return ", ".join(f"{literal(key)}={literal(value)}" for key, value in values.items())


def _order(name: str, table: Table) -> list[str]:
    if not table.sort:
        return []
    return [f"ALTER TABLE {name} WRITE ORDERED BY {', '.join(map(quoted, table.sort))}"]


def _transform(text: str) -> str:
    """`bucket(16, sales_order)` and `truncate(4, id)` with the column quoted; a bare column is quoted too."""
    match = TRANSFORM.fullmatch(text)
    return f"{match[1]}({match[2]}, {quoted(match[3])})" if match else quoted(text)
