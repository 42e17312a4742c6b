"""`lake query`: SQL, a table's name, or nothing (which tables are there), through Athena."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from rich.text import Text

from lake.cli.answer import Answer
from lake.cli.aws import Stack, client, find_stack
from lake.cli.errors import OperatorError, code_of
from lake.cli.pictures import number, plain_table

NAME = re.compile(r"^[a-z_][a-z0-9_]*$")
NUMERIC = ("tinyint", "smallint", "int", "integer", "bigint", "float", "double", "real", "decimal")
FIRST_POLL_S, LONGEST_POLL_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Result:
    """A query's columns, their Athena types, its rows as texts (None for NULL); whether there were more than asked for."""

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]
    more: bool
    scanned_bytes: int
    took_ms: int


def query(stack_name: str, text: str | None, limit: int) -> Answer:
    """The answer to SQL; the first rows of a table that is named; all tables where nothing is."""
    stack = find_stack(stack_name)
    if text is None:
        return list_tables(stack)
    result = execute(stack, _as_sql(stack, text.strip(), limit), limit)
    document = {
        "columns": [{"name": name, "type": kind} for name, kind in zip(result.columns, result.types, strict=True)],
        "rows": [dict(zip(result.columns, row, strict=True)) for row in result.rows],
        "more": result.more,
    }
    return Answer(document, [_table(result), _footer(result)], paged=True)


def list_tables(stack: Stack) -> Answer:
    """What can be asked: marts and curated tables, each with its description."""
    table = plain_table("table", "database", "what it is")
    found = []
    for output in ("AnalyticsDatabaseName", "CuratedDatabaseName", "RawDatabaseName"):
        database = stack.output(output)
        for item in _tables(database):
            about = item.get("Description") or item.get("Parameters", {}).get("comment", "")
            found.append({"database": database, "table": item["Name"], "description": about})
            table.add_row(item["Name"], database, about)
    if not found:
        return Answer({"tables": []}, ["No tables yet: the first run makes them. Start it: lake run"])
    return Answer({"tables": found}, [table, 'Ask one: lake query <table>, or lake query "SELECT ..."'])


def execute(stack: Stack, sql: str, limit: int) -> Result:
    """Runs one query to its end; OperatorError with Athena's reason where it fails."""
    athena = client("athena")
    execution = _run(athena, stack, sql)
    return _read(athena, execution["QueryExecutionId"], limit, execution.get("Statistics", {}))


def row_pages(stack: Stack, sql: str) -> Iterator[list[list[str | None]]]:
    """All rows of a query, page by page, as texts (None for NULL); OperatorError with Athena's reason where it fails."""
    athena = client("athena")
    execution = _run(athena, stack, sql)
    for _, rows in _pages(athena, execution["QueryExecutionId"]):
        yield rows


def _run(athena: Any, stack: Stack, sql: str) -> dict[str, Any]:
    """The execution of a query that has succeeded."""
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": stack.output("AnalyticsDatabaseName"), "Catalog": "AwsDataCatalog"},
        WorkGroup=stack.output("WorkGroupName"),
    )
    query_id = started["QueryExecutionId"]
    try:
        execution = _wait(athena, query_id)
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=query_id)
        raise
    state = execution["Status"]["State"]
    if state != "SUCCEEDED":
        reason = execution["Status"].get("StateChangeReason", "no reason was given")
        raise OperatorError(
            f"The query {state.lower()}: {reason}", "`lake query` lists tables; Athena speaks Trino's SQL."
        )
    return execution | {"QueryExecutionId": query_id}


def _wait(athena: Any, query_id: str) -> dict[str, Any]:
    pause = FIRST_POLL_S
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_S)


def _read(athena: Any, query_id: str, limit: int, statistics: dict[str, Any]) -> Result:
    """At most `limit` rows."""
    columns: list[dict[str, Any]] = []
    rows: list[list[str | None]] = []
    for described, page in _pages(athena, query_id):
        columns = described
        rows += page
        if len(rows) > limit:
            break
    return Result(
        columns=[column["Name"] for column in columns],
        types=[column["Type"] for column in columns],
        rows=rows[:limit],
        more=len(rows) > limit,
        scanned_bytes=int(statistics.get("DataScannedInBytes", 0)),
        took_ms=int(statistics.get("TotalExecutionTimeInMillis", 0)),
    )


def _pages(athena: Any, query_id: str) -> Iterator[tuple[list[dict[str, Any]], list[list[str | None]]]]:
    """What Athena says of the columns, and the rows, page by page; the first row of the first page is the heading."""
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    for number_of_page, page in enumerate(pages):
        columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        data = page["ResultSet"]["Rows"]
        heading = [column["Name"] for column in columns]
        cells = [[cell.get("VarCharValue") for cell in row["Data"]] for row in data]
        yield columns, cells[1:] if number_of_page == 0 and cells and cells[0] == heading else cells


def _as_sql(stack: Stack, text: str, limit: int) -> str:
    """SQL as it is; of a table's name (`database.table`, or looked for in analytics, curated, raw) its first rows."""
    database, dot, table = text.rpartition(".")
    if not NAME.match(table) or (dot and not NAME.match(database)):
        return text
    homes = [stack.output(f"{layer}DatabaseName") for layer in ("Analytics", "Curated", "Raw")]
    for home in [database] if dot else homes:
        if _exists(home, table):
            # One row more than is shown, to know whether there are more.
            return f'SELECT * FROM "{home}"."{table}" LIMIT {limit + 1}'  # noqa: S608 (both names match NAME)
    raise OperatorError(f"There is no table {text}.", "`lake query` without anything lists the tables.")


def _exists(database: str, table: str) -> bool:
    try:
        client("glue").get_table(DatabaseName=database, Name=table)
    except ClientError as error:
        if code_of(error) == "EntityNotFoundException":
            return False
        raise
    return True


def tables_of(database: str) -> list[str]:
    """The names of a database's tables."""
    return [str(item["Name"]) for item in _tables(database)]


def _tables(database: str) -> list[dict[str, Any]]:
    try:
        pages = list(client("glue").get_paginator("get_tables").paginate(DatabaseName=database))
    except ClientError as error:
        if code_of(error) == "EntityNotFoundException":
            return []
        raise
    return sorted((item for page in pages for item in page["TableList"]), key=lambda item: str(item["Name"]))


def _table(result: Result) -> Any:
    figures = [name for name, kind in zip(result.columns, result.types, strict=True) if kind.startswith(NUMERIC)]
    table = plain_table(*result.columns, numbers=figures)
    for row in result.rows:
        table.add_row(*(Text("NULL", style="dim") if cell is None else Text(cell) for cell in row))
    return table


def _footer(result: Result) -> Text:
    count = f"{number(len(result.rows))} row{'' if len(result.rows) == 1 else 's'}"
    more = ", and there are more (--limit)" if result.more else ""
    return Text(f"{count}{more}, {result.took_ms / 1000:.1f} s", style="dim")
