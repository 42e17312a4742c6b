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


def how_many(tables: Tables, table: Table) -> int:
    return int(tables.iceberg(table).currentSnapshot().summary().get("total-data-files"))


def folder(tables: Tables, table: Table) -> Path:
    return Path(tables.iceberg(table).location().removeprefix("file:"))


def test_small_files_become_few_and_what_no_promised_instant_needs_goes(spark: Any, files: Tables) -> None:
    for table in (THINGS, NEIGHBOUR):
        files.ensure(table)
    for key in range(4):
        add(files, THINGS, [key, 100 + key])
    add(files, NEIGHBOUR, [1])
    before = now()
    scattered = how_many(files, THINGS)

    shape = Layout(THINGS, THINGS, THINGS, ())
    tend(spark, files, shape)
    assert how_many(files, THINGS) == scattered  # not many enough for a run to care
    assert compact(spark, files, THINGS) == scattered
    assert how_many(files, THINGS) == 1

    week = replace(THINGS, snapshots_s=7 * 24 * 3600)
    assert expire(files, week, now()) == 0
    later = now() + timedelta(seconds=week.snapshots_s)
    add(files, THINGS, [999])
    for name in (f"{BRANCH}of_a_job_that_died", "somebodys"):
        files.iceberg(THINGS).manageSnapshots().createBranch(name).commit()
    count = len(list(files.iceberg(THINGS).snapshots()))
    assert expire(files, week, later) == count - 2  # the last one before the promised week stays, and the one after it
    assert set(files.iceberg(THINGS).refs()) == {"main", "somebodys"}
    then = spark.sql(f"SELECT * FROM {files.name(THINGS)} TIMESTAMP AS OF {(later.timestamp() - week.snapshots_s):f}")  # noqa: S608
    assert then.count() == 8
    assert files.read(THINGS).count() == 9
    assert before < later

    stray = [folder(files, table) / "data" / "stray.parquet" for table in (THINGS, NEIGHBOUR)]
    for path in stray:
        path.write_bytes(b"of a job that died")
    young = folder(files, THINGS) / "data" / "young.parquet"
    young.write_bytes(b"of a job that is at work")
    for path in [path for table in (THINGS, NEIGHBOUR) for path in folder(files, table).rglob("*") if path != young]:
        os.utime(path, (time.time() - DAYS_4,) * 2)
    assert remove_orphans(spark, files, THINGS, now()) >= 1  # the local file system has check sums beside the files
    assert [path.exists() for path in (*stray, young)] == [False, True, True]
    assert (files.read(THINGS).count(), files.read(NEIGHBOUR).count()) == (9, 1)


def test_a_run_maintains_what_is_due_and_yields_to_a_writer(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], files: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MANY_FILES", 1)
    plan = replace(plans["crm.account"], curated=Curated(snapshots_s=60))
    table = layout(plan).current
    for number in range(2):
        raw.rows(plan, [account(f"{number}{letter}", "Adler") for letter in "abcdefgh"])
        TASKS["curate"](spark, files, raw, Notebook(), plan)
    assert how_many(files, table) == 1
    assert files.read(table).count() == 16

    def faster(spark: Any, tables: Tables, table: Table) -> int:
        raise PySparkException("org.apache.iceberg.exceptions.ValidationException: Missing required files to delete")

    monkeypatch.setattr(maintenance, "compact", faster)
    said = maintain(spark, files, raw, Notebook(), plan)
    assert {found["compacted"] for found in said["tables"].values()} == {0}
