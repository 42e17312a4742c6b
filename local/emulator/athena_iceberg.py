"""Athena on Iceberg tables: DuckDB reads them as the catalog's `metadata_location` says.

Queries are written in Athena's dialect and translated; results are printed as Athena prints them.
"""

import asyncio
import shutil
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from ministack.services import athena, glue

from local.emulator.athena_values import athena_type, printed
from local.emulator.settings import ADMIN_KEY, ADMIN_SECRET, REGION, EmulatorSettings
from local.toolchain.jvm import Toolchain

TableData = dict[str, Any]


@dataclass(frozen=True)
class IcebergReader:
    """Runs one query in a DuckDB of its own."""

    settings: EmulatorSettings
    toolchain: Toolchain

    async def run(self, query: str, database: str, catalog: str | None = None) -> dict[str, Any]:
        """Columns, their Athena types, and rows of texts (None for NULL), as the emulator wants them."""
        rewritten, _, workdirs = await athena._rewrite_data_paths(translated(query), database, catalog)
        try:
            return await asyncio.to_thread(self._execute, rewritten)
        finally:
            for workdir in workdirs:
                shutil.rmtree(workdir, ignore_errors=True)

    def _execute(self, query: str) -> dict[str, Any]:
        config: dict[str, str | bool | int | float | list[str]] = {
            "extension_directory": str(self.toolchain.duckdb_extensions),
            "autoinstall_known_extensions": False,
            "threads": 2,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            for statement in self._preparation():
                connection.execute(statement)
            result = connection.execute(query)
            columns = result.description or []
            types = [str(column[1]) for column in columns]
            return {
                "columns": [column[0] for column in columns],
                "column_types": [athena_type(name) for name in types],
                "rows": [
                    [printed(value, name) for value, name in zip(row, types, strict=True)] for row in result.fetchall()
                ],
            }

    def _preparation(self) -> tuple[str, ...]:
        host = self.settings.endpoint.removeprefix("http://")
        secret = (
            f"TYPE s3, KEY_ID '{ADMIN_KEY}', SECRET '{ADMIN_SECRET}', REGION '{REGION}', "
            f"ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false"
        )
        return (
            "LOAD httpfs",
            "LOAD avro",
            "LOAD iceberg",
            "SET TimeZone = 'UTC'",
            f"CREATE SECRET lake ({secret})",
        )


def translated(query: str) -> str:
    """Athena's SQL in DuckDB's dialect. Raises ValueError where it is not one statement of SQL."""
    try:
        statements = sqlglot.parse(query, read="athena")
    except sqlglot.errors.ParseError as error:
        first = error.errors[0]
        where = f"line {first['line']}:{first['col']}"
        raise ValueError(f"SYNTAX_ERROR: {where}: {first['description']}") from error
    if len(statements) != 1:
        raise ValueError("SYNTAX_ERROR: one statement a query")
    return str(_with_named_columns(statements[0]).sql(dialect="duckdb"))


def _with_named_columns(statement: Any) -> Any:
    """Athena calls an expression without a name `_col<position>`."""
    named = (sqlglot.exp.Alias, sqlglot.exp.Column, sqlglot.exp.Star)
    for position, column in enumerate(statement.selects if isinstance(statement, sqlglot.exp.Select) else ()):
        if not isinstance(column, named):
            column.replace(sqlglot.exp.alias_(column.copy(), f"_col{position}"))
    return statement


def is_iceberg(table: TableData) -> bool:
    return str((table.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG"


def relation(table: TableData) -> str:
    """The table as its current metadata file describes it.

    The scheme is written `s3n`: the emulator would take `s3` for a path on its own disk.
    """
    location = str(table["Parameters"]["metadata_location"])
    scheme, _, path = location.partition("://")
    if scheme not in ("s3", "s3a", "s3n"):
        raise ValueError(f"the table {table.get('Name')} has no metadata on S3: {location}")
    return "iceberg_scan('s3n://{}')".format(path.replace("'", "''"))


def install(settings: EmulatorSettings, toolchain: Toolchain) -> None:
    """The emulator lists a table's files, then asks for a relation over them; Iceberg tables have their own list."""
    files_below, relation_over = athena._materialize_table_files, athena._table_relation

    def materialize(location: str, workdirs: list[str]) -> list[str]:
        return [location] if _is_iceberg_location(location) else list(files_below(location, workdirs))

    def table_relation(table: TableData, files: list[str]) -> str:
        return relation(table) if is_iceberg(table) else str(relation_over(table, files))

    athena._materialize_table_files, athena._table_relation = materialize, table_relation
    athena._run_duckdb = IcebergReader(settings, toolchain).run


def _is_iceberg_location(location: str) -> bool:
    tables = [table for table in list(glue._tables.values()) if is_iceberg(table)]
    return any((table.get("StorageDescriptor") or {}).get("Location") == location for table in tables)
