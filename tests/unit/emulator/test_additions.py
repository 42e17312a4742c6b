"""The additions' pure parts: values as Athena prints them, definitions in YAML, Glue's arguments."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local.emulator.athena_iceberg import relation, translated
from local.emulator.athena_values import athena_type, printed
from local.emulator.glue_runtime.awsglue.utils import GlueArgumentError, getResolvedOptions
from local.emulator.state_machine_yaml import as_json

INSTANT = datetime(2026, 11, 23, 6, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "VARCHAR", None),
        (True, "BOOLEAN", "true"),
        (Decimal("1E+3"), "DECIMAL(19,2)", "1000"),
        (Decimal("0.10"), "DECIMAL(19,2)", "0.10"),
        (date(2026, 11, 23), "DATE", "2026-11-23"),
        (INSTANT, "TIMESTAMP WITH TIME ZONE", "2026-11-23 06:00:00.123 UTC"),
        (INSTANT.replace(tzinfo=None), "TIMESTAMP", "2026-11-23 06:00:00.123"),
        ([{"a": 1, "b": None}], "STRUCT(a INTEGER, b INTEGER)[]", "[{a=1, b=null}]"),
    ],
)
def test_a_value_is_printed_as_athena_prints_it(value: Any, kind: str, text: str | None) -> None:
    assert printed(value, kind) == text


@pytest.mark.parametrize(
    ("duckdb", "athena"),
    [
        ("DECIMAL(19,2)", "decimal"),
        ("BIGINT", "bigint"),
        ("INTEGER[]", "array"),
        ("STRUCT(a INTEGER)", "row"),
        ("UUID", "varchar"),
    ],
)
def test_a_type_has_athenas_name(duckdb: str, athena: str) -> None:
    assert athena_type(duckdb) == athena


def test_a_query_is_read_in_athenas_dialect() -> None:
    assert "STRFTIME" in translated("SELECT date_format(d, '%Y-%m') FROM t").upper()


def test_an_expression_without_a_name_has_athenas() -> None:
    assert translated("SELECT id, count(*), sum(n) AS total FROM t GROUP BY id") == (
        "SELECT id, COUNT(*) AS _col1, SUM(n) AS total FROM t GROUP BY id"
    )


@pytest.mark.parametrize("query", ["SELECT sum( FROM t", "SELECT 1; SELECT 2"])
def test_what_is_not_one_statement_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="SYNTAX_ERROR"):
        translated(query)


def test_an_iceberg_table_is_read_at_its_current_metadata() -> None:
    table = {"Name": "t", "Parameters": {"metadata_location": "s3://curated/o'brien/metadata/1.json"}}

    assert relation(table) == "iceberg_scan('s3n://curated/o''brien/metadata/1.json')"


def test_an_iceberg_table_without_metadata_on_s3_is_refused() -> None:
    with pytest.raises(ValueError, match="no metadata on S3"):
        relation({"Name": "t", "Parameters": {"metadata_location": "file:///tmp/1.json"}})


def test_a_definition_in_yaml_becomes_json_and_json_stays() -> None:
    assert json.loads(as_json("StartAt: A\nStates: {A: {Type: Succeed}}")) == {
        "StartAt": "A",
        "States": {"A": {"Type": "Succeed"}},
    }
    assert as_json('{"StartAt":  "A"}') == '{"StartAt":  "A"}'


def test_arguments_come_with_full_names_in_both_forms() -> None:
    words = ["job.py", "--run_id", "r1", "--entities=crm.account", "--flag", "--amount", "-1"]

    assert getResolvedOptions(words, ["run_id", "entities", "amount"]) == {
        "run_id": "r1",
        "entities": "crm.account",
        "amount": "-1",
    }


def test_an_argument_that_was_not_given_is_named() -> None:
    with pytest.raises(GlueArgumentError, match="--entities"):
        getResolvedOptions(["job.py", "--run_id", "r1"], ["run_id", "entities"])
