"""Maintenance: few files, the promised time travel, no orphans; writers go first."""

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lake.contract.plan import Curated, Plan
from lake.curate import maintain as maintenance
from lake.curate.layout import Column, Layout, Table, layout
from lake.curate.maintain import compact, expire, maintain, remove_orphans, tend
from lake.curate.merging import Change, from_rows
from lake.curate.tables import BRANCH, Tables
from lake.curate.tasks import TASKS
from lake.instants import now
from tests.spark.notebook import Notebook
from tests.spark.partners import account
from tests.spark.raw_loads import RawFolder

THINGS = Table("things", "", (Column("id", "STRING", ""),), sort=("id",), snapshots_s=0)
NEIGHBOUR = Table("things_item", "", (Column("id", "STRING", ""),))
DAYS_4 = 4 * 24 * 3600


def add(tables: Tables, table: Table, keys: list[int]) -> None:
    change = SparkSession.active().createDataFrame([(str(key),) for key in keys], "id STRING")
    tables.merge(table, Change(change, ("id",), inserted=from_rows("id")))


def files(tables: Tables, table: Table) -> int:
    return int(tables.iceberg(table).currentSnapshot().summary().get("total-data-files"))


def folder(tables: Tables, table: Table) -> Path:
    return Path(tables.iceberg(table).location().removeprefix("file:"))


def test_small_files_become_few_and_what_no_promised_instant_needs_goes(spark: Any, tables: Tables) -> None:
    for table in (THINGS, NEIGHBOUR):
        tables.ensure(table)
    for key in range(4):
        add(tables, THINGS, [key, 100 + key])
    add(tables, NEIGHBOUR, [1])
    before = now()
    scattered = files(tables, THINGS)

    shape = Layout(THINGS, THINGS, THINGS, ())
    tend(spark, tables, shape)
    assert files(tables, THINGS) == scattered  # not many enough for a run to care
    assert compact(spark, tables, THINGS) == scattered
    assert files(tables, THINGS) == 1

    week = replace(THINGS, snapshots_s=7 * 24 * 3600)
    assert expire(tables, week, now()) == 0
    later = now() + timedelta(seconds=week.snapshots_s)
    add(tables, THINGS, [999])
    for name in (f"{BRANCH}of_a_job_that_died", "somebodys"):
        tables.iceberg(THINGS).manageSnapshots().createBranch(name).commit()
    count = len(list(tables.iceberg(THINGS).snapshots()))
    assert expire(tables, week, later) == count - 2  # the last one before the promised week stays, and the one after it
    assert set(tables.iceberg(THINGS).refs()) == {"main", "somebodys"}
    then = spark.sql(f"SELECT * FROM {tables.name(THINGS)} TIMESTAMP AS OF {(later.timestamp() - week.snapshots_s):f}")  # noqa: S608
    assert then.count() == 8
    assert tables.read(THINGS).count() == 9
    assert before < later

    stray = [folder(tables, table) / "data" / "stray.parquet" for table in (THINGS, NEIGHBOUR)]
    for path in stray:
        path.write_bytes(b"of a job that died")
    young = folder(tables, THINGS) / "data" / "young.parquet"
    young.write_bytes(b"of a job that is at work")
    for path in [path for table in (THINGS, NEIGHBOUR) for path in folder(tables, table).rglob("*") if path != young]:
        os.utime(path, (time.time() - DAYS_4,) * 2)
    assert remove_orphans(spark, tables, THINGS, now()) >= 1  # the local file system has check sums beside the files
    assert [path.exists() for path in (*stray, young)] == [False, True, True]
    assert (tables.read(THINGS).count(), tables.read(NEIGHBOUR).count()) == (9, 1)


def test_a_run_maintains_what_is_due_and_yields_to_a_writer(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MANY_FILES", 1)
    plan = replace(plans["crm.account"], curated=Curated(snapshots_s=60))
    table = layout(plan).current
    for number in range(2):
        raw.rows(plan, [account(f"{number}{letter}", "Adler") for letter in "abcdefgh"])
        TASKS["curate"](spark, tables, raw, Notebook(), plan)
    assert files(tables, table) == 1
    assert tables.read(table).count() == 16

    def faster(spark: Any, tables: Tables, table: Table) -> int:
        raise PySparkException("org.apache.iceberg.exceptions.ValidationException: Missing required files to delete")

    monkeypatch.setattr(maintenance, "compact", faster)
    said = maintain(spark, tables, raw, Notebook(), plan)
    assert {found["compacted"] for found in said["tables"].values()} == {0}
