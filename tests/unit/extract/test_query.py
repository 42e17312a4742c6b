"""Queries, and how two protocols write them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sql import AstToSqliteSqlVisitor

from lake.contract.plan import Deletes
from lake.extract.passes import key_pass, page_query, window_passes
from lake.extract.protocols import odata, salesforce
from lake.extract.protocols.odata_versions import V4
from lake.extract.query import (
    EVERY_ROW,
    Column,
    Compare,
    Either,
    Every,
    IsNull,
    Query,
    Verbatim,
    compare_all,
)
from lake.extract.window import Window
from tests.support.model_source import meets
from tests.support.source_plans import FINE_PLAN, SPLIT_PLAN, WINDOW, source


def sql(condition: Any) -> str:
    """An OData filter as SQLite's SQL."""
    tree = ODataParser().parse(ODataLexer().tokenize(V4.words.write(condition)))
    return str(AstToSqliteSqlVisitor().visit(tree))


rows = st.tuples(*[st.integers(0, 3)] * 3)


@given(rows, rows, st.sampled_from(["gt", "ge", "lt"]), st.integers(1, 3))
def test_compare_all_orders_as_tuples_do(
    row: tuple[int, ...], bound: tuple[int, ...], operator: Any, width: int
) -> None:
    columns = tuple(Column(name, "int64") for name in "abc"[:width])
    condition = compare_all(columns, operator, tuple(str(value) for value in bound[:width]))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", row)
        (found,) = connection.execute(f"SELECT count(*) FROM t WHERE {sql(condition)}").fetchone()  # noqa: S608
    left, right = row[:width], bound[:width]
    assert bool(found) == {"gt": left > right, "ge": left >= right, "lt": left < right}[operator]


days = st.sampled_from([None, "2026-11-15", "2026-11-16", "2026-11-17"])
times = st.sampled_from([None, "00:00:00", "06:45:00", "23:59:59"])


@given(st.tuples(days, times, days, times))
def test_each_row_is_read_by_exactly_one_pass_of_the_first_window(row: tuple[str | None, ...]) -> None:
    """Rows with half a stamp too: of two columns compared one after the other, a null would meet no bound."""
    passes = window_passes(SPLIT_PLAN, Window(None, datetime(2026, 11, 18, tzinfo=UTC)))
    values = dict(zip(("D", "T", "CD", "CT"), row, strict=True))
    found = [all(meets(values, item) for item in page_query(SPLIT_PLAN, reading, None).where) for reading in passes]
    assert found.count(True) == 1


def test_the_passes_of_a_window_follow_the_plans_nulls() -> None:
    assert [p.name for p in window_passes(SPLIT_PLAN, WINDOW)] == ["stamped", "stand_in", "stampless"]
    assert [p.name for p in window_passes(FINE_PLAN, WINDOW)] == ["stamped", "stampless"]
    never = replace(FINE_PLAN, cursor=replace(FINE_PLAN.cursor, nulls="never"))
    assert [p.name for p in window_passes(never, WINDOW)] == ["stamped"]


def test_a_page_is_asked_for_behind_the_last_row() -> None:
    stamped, stampless = window_passes(FINE_PLAN, WINDOW)
    first = page_query(FINE_PLAN, stamped, None)
    assert first.where == (
        Compare("Fine", "ge", "2026-11-16T05:30:00.000000Z", "timestamp(7)"),
        Compare("Fine", "lt", "2026-11-16T06:00:00.000000Z", "timestamp(7)"),
    )
    assert [column.field for column in first.order] == ["Fine", "Key"]
    later = page_query(FINE_PLAN, stamped, ("2026-11-16T05:45:00.1234567Z", "k"))
    assert later.where[0] == Either(
        (
            Compare("Fine", "gt", "2026-11-16T05:45:00.1234567Z", "timestamp(7)"),
            Every(
                (
                    Compare("Fine", "eq", "2026-11-16T05:45:00.1234567Z", "timestamp(7)"),
                    Compare("Key", "gt", "k", "string"),
                )
            ),
        )
    )
    assert page_query(FINE_PLAN, stampless, ("k",)).where == (IsNull("Fine"), Compare("Key", "gt", "k", "string"))


def test_a_sweep_asks_for_keys_alone_and_keeps_the_contracts_filter() -> None:
    filtered = replace(FINE_PLAN, filter="Text ne 'x'", deletes=(Deletes("soft_flag", "Flag"),))
    query = page_query(filtered, key_pass(filtered), None)
    assert (query.select, query.expand, query.where) == (("Key",), (), (Verbatim("Text ne 'x'"),))
    assert query.deleted


def test_salesforce_writes_a_page() -> None:
    query = Query(
        path="Account",
        select=("Id", "Name"),
        expand=(),
        where=(
            compare_all(
                (Column("M", "timestamp(0)"), Column("Id", "string")), "gt", ("2026-11-16T06:00:00.000000Z", "a'b\\")
            ),
            Compare("M", "lt", "2026-11-16T06:00:00.120000Z", "timestamp(3)"),
            Every((IsNull("A"), Compare("N", "ge", "3", "int64"))),
            Verbatim("Type != null"),
        ),
        order=(Column("M", "timestamp(0)"), Column("Id", "string")),
        limit=50,
        deleted=True,
    )
    request = salesforce.pages(source("salesforce"), FINE_PLAN, query)[0]
    assert request.path == "/base/queryAll"
    assert dict(request.params)["q"] == (
        "SELECT Id, Name FROM Account WHERE (M > 2026-11-16T06:00:00Z OR (M = 2026-11-16T06:00:00Z AND Id > 'a\\'b\\\\')) "
        "AND M < 2026-11-16T06:00:00.120Z AND (A = null AND N >= 3) AND (Type != null) ORDER BY M, Id LIMIT 50"
    )
    assert dict(request.headers)["Sforce-Query-Options"] == "batchSize=200"
    assert (
        salesforce.pages(source("salesforce"), FINE_PLAN, replace(query, deleted=False, where=()))[0].path
        == "/base/query"
    )


def test_a_salesforce_link_is_followed_on_the_configured_base_alone() -> None:
    query = page_query(FINE_PLAN, key_pass(FINE_PLAN), None)
    request = salesforce.link(source(), FINE_PLAN, query, "https://evil.example/services/data/query/01g-2000")
    assert request.target == "/services/data/query/01g-2000"


def test_counts_are_asked_for_and_read() -> None:
    filtered = replace(FINE_PLAN, filter="Text ne 'x'")
    soql = dict(salesforce.count(source("salesforce"), filtered, EVERY_ROW).params)["q"]
    assert soql == "SELECT COUNT() FROM Thing WHERE Text ne 'x'"
    assert dict(salesforce.count(source(), FINE_PLAN, EVERY_ROW).params)["q"] == "SELECT COUNT() FROM Thing"
    assert salesforce.read_count(source(), FINE_PLAN, b'{"totalSize":7,"done":true}') == 7


@pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>"])
def test_a_count_that_is_none_is_refused(body: bytes) -> None:
    for dialect in (odata, salesforce):
        with pytest.raises(ValueError):
            dialect.read_count(source(), FINE_PLAN, body)


@pytest.mark.parametrize(
    ("status", "body", "reached"),
    [
        (403, b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]', True),
        (403, b'[{"errorCode":"INSUFFICIENT_ACCESS"}]', False),
        (403, b"<html>", False),
        (403, b'{"error":1}', False),
        (200, b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]', False),
    ],
)
def test_a_used_up_quota_is_recognised(status: int, body: bytes, reached: bool) -> None:
    response = requests.Response()
    response.status_code, response._content = status, body
    assert salesforce.quota_reached(source("salesforce"), response) is reached
    assert not odata.DIALECT.quota_reached(source(), response)
