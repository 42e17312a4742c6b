"""A crawler on the emulator makes tables of Parquet files, under its own role."""

import io
import json
import time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.emulator import Emulator

pytestmark = pytest.mark.stack

CRAWLER_ACTIONS = (
    "s3:GetObject",
    "s3:ListBucket",
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:GetPartitions",
    "glue:BatchCreatePartition",
)
FOLDERS_OF_LEVEL_4 = {"Version": 1.0, "Grouping": {"TableLevelConfiguration": 4}}


def test_folders_of_the_level_become_tables_and_folders_of_values_partitions(emulator: Emulator) -> None:
    _crawler(emulator, "crm", CRAWLER_ACTIONS)
    _land(emulator, "account", "2026-11-22", {"Id": ["a"], "Revenue": [Decimal("1.10")]})

    first = _crawled(emulator, "crm")
    _land(emulator, "account", "2026-11-23", {"Id": ["b"], "Revenue": [Decimal("2.20")], "_row": [0]})
    second = _crawled(emulator, "crm")

    assert (first["Status"], second["Status"]) == ("SUCCEEDED", "SUCCEEDED")
    table = emulator.client("glue").get_table(DatabaseName="lake_raw", Name="crm_account")["Table"]
    assert [key["Name"] for key in table["PartitionKeys"]] == ["major", "loaded_on"]
    columns = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
    assert columns == [("id", "string"), ("revenue", "decimal(19,2)"), ("_row", "bigint")]
    assert table["StorageDescriptor"]["Location"] == "s3://raw/data/crm/account/"
    partitions = emulator.client("glue").get_partitions(DatabaseName="lake_raw", TableName="crm_account")["Partitions"]
    assert {tuple(partition["Values"]) for partition in partitions} == {("1", "2026-11-22"), ("1", "2026-11-23")}


def test_a_crawler_without_a_permission_fails_and_names_it(emulator: Emulator) -> None:
    _crawler(emulator, "crippled", tuple(action for action in CRAWLER_ACTIONS if action != "glue:CreateTable"))
    _land(emulator, "contact", "2026-11-22", {"Id": ["a"]})

    last = _crawled(emulator, "crippled")

    assert last["Status"] == "FAILED"
    assert "glue:CreateTable" in last["ErrorMessage"]


def _crawler(emulator: Emulator, name: str, actions: tuple[str, ...]) -> None:
    emulator.client("glue").create_crawler(
        Name=name,
        Role=emulator.role(f"crawler-{name}", actions),
        DatabaseName="lake_raw",
        TablePrefix="crm_",
        Targets={"S3Targets": [{"Path": "s3://raw/data/crm/"}]},
        Configuration=json.dumps(FOLDERS_OF_LEVEL_4),
    )


def _land(emulator: Emulator, entity: str, day: str, columns: dict[str, list[Any]]) -> None:
    types = {"Revenue": pa.decimal128(19, 2), "_row": pa.int64()}
    arrays = {name: pa.array(values, type=types.get(name, pa.string())) for name, values in columns.items()}
    file = io.BytesIO()
    pq.write_table(pa.table(arrays), file)
    key = f"data/crm/{entity}/major=1/loaded_on={day}/part.parquet"
    emulator.client("s3").put_object(Bucket="raw", Key=key, Body=file.getvalue())


def _crawled(emulator: Emulator, name: str) -> dict[str, Any]:
    glue = emulator.client("glue")
    glue.start_crawler(Name=name)
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        found = glue.get_crawler(Name=name)["Crawler"]
        if found["State"] == "READY":
            last: dict[str, Any] = found["LastCrawl"]
            return last
        time.sleep(0.1)
    raise AssertionError(f"{name} did not end")
