"""Who merges a change: curating as the job does it, and a bare MERGE of rows that are clean already."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from bench.checking import OtherWork
from bench.curate_rows import Totals
from bench.measuring import Sample
from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.keeping import create, definitions
from lake.curate.layout import layout
from lake.curate.tables import SETTINGS as MERGING
from lake.curate.tables import Tables
from local.spark import CATALOG, ICEBERG
from local.toolchain.install import ready
from local.toolchain.jvm import local_settings, write_properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.curate_rows import Change
    from bench.curate_store import FolderStore

WAREHOUSE = "tables"
CONTRACTS = Path(__file__).parent / "contracts"
JVM = ("-XX:+UseParallelGC", "-Xss4m")
SETTINGS = {"spark.driver.memory": "6g", "spark.sql.shuffle.partitions": "8", "spark.default.parallelism": "8"}
"""A worker's memory, and partitions that fit into it."""


def session(home: Path) -> SparkSession:
    """Spark on two cores, compiling as a server does, with `glue_catalog` in a folder."""
    scratch = Path(tempfile.mkdtemp(prefix="spark-", dir=home))
    tools = ready((Path(__file__).parents[1] / ".lake").resolve())
    properties = write_properties(scratch / "spark.properties", local_settings(tools, scratch) | SETTINGS)
    os.environ.update(tools.environment(properties, JVM))
    builder = SparkSession.builder
    for name, value in {
        **ICEBERG,
        **MERGING,
        f"{CATALOG}.type": "hadoop",
        f"{CATALOG}.warehouse": str(home / WAREHOUSE),
    }.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def item_plan(*, history: bool) -> Plan:
    """The benchmark's entity, with or without history, each with tables and loads of its own."""
    plan = Plan.load(compile_folder(CONTRACTS)["tables.item.json"])
    if not history:
        return plan
    kept = replace(plan.curated, history=True)
    return replace(plan, name="item_kept", entity="tables.item_kept", curated=kept)


class NoSweeps:
    """The ledger of loads that finish no sweep: progress is the tables' own."""

    def curated(self, entity: str, through: int, live_rows: int | None, keyless: int) -> None:
        """Nothing asks."""

    def wanted(self, entity: str, place: str, keys: int) -> None:
        """No sweep, so nothing is lacking."""

    def suspected(self, entity: str, place: str, keys: int) -> None:
        """No sweep, so nothing is suspect."""

    def record(self, run_id: str, entity: str, record: dict[str, Any]) -> None:
        """Nothing asks."""


class Side(Protocol):
    """One way to merge a change. `table`: the table's identifier."""

    name: str
    table: str

    def take(self, change: Change) -> None:
        """Get the change ready."""

    def merge(self) -> None:
        """Merge what was taken: this is measured."""


class Ours:
    """Curating: validation, quarantine, dedup, merge, balance."""

    def __init__(self, spark: SparkSession, database: str, store: FolderStore, *, history: bool = False) -> None:
        self.name = "ours, with history" if history else "ours"
        self._spark, self._store = spark, store
        self.plan = item_plan(history=history)
        self.tables = Tables(spark, database)
        self.shape = layout(self.plan)
        self.table = self.tables.name(self.shape.current)

    def take(self, change: Change) -> None:
        """Commit it to raw."""
        self._store.commit(self.plan, change)

    def merge(self) -> None:
        """What the job does for an entity."""
        curate(self._spark, self.tables, self._store, NoSweeps(), self.plan)


class Bare:
    """`MERGE INTO` by key from a file of clean, typed rows, one a key; nothing else.

    `same`: into a table like the lake's, with the columns that say where each row is from, in files that hold ranges of the
    key, which the MERGE keeps so; else into a table of the contract's columns as Iceberg makes it by itself.
    """

    def __init__(self, spark: SparkSession, like: Ours, *, same: bool) -> None:
        self.name = "bare MERGE, the same table" if same else "bare MERGE"
        self._spark, self._clean = spark, Path()
        fields = {field.name for field in like.plan.fields}
        columns = tuple(column for column in like.shape.current.columns if same or column.name in fields)
        table = replace(like.shape.current, name="bare_same" if same else "bare", columns=columns)
        self.table = like.tables.name(table)
        self._key = like.plan.key
        if not same:
            spark.sql(f"CREATE TABLE {self.table} ({definitions(columns)}) USING iceberg")
            return
        for statement in create(self.table, table):
            spark.sql(statement)
        spark.sql(f"ALTER TABLE {self.table} SET TBLPROPERTIES ('write.merge.distribution-mode'='range')")

    def take(self, change: Change) -> None:
        """Keep where its clean rows lie."""
        self._clean = change.clean

    def merge(self) -> None:
        """One statement."""
        on = " AND ".join(f"t.{name} = s.{name}" for name in self._key)
        self._spark.sql(
            f"MERGE INTO {self.table} t USING parquet.`{self._clean}` s ON {on} "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )


def timed(work: Callable[[], object]) -> Sample:
    """Seconds on the clock and of CPU, the JVM's and this process's, of one piece of work."""
    clock, cpu = time.perf_counter(), _cpu()
    work()
    return Sample(time.perf_counter() - clock, _cpu() - cpu, 0.0)


def check(spark: SparkSession, side: Side, totals: Totals) -> None:
    """Raise OtherWork where the side's table does not add up to these totals."""
    found = spark.table(side.table).agg(F.count(F.lit(1)), F.sum("requested_quantity"), F.sum("net_amount")).collect()
    if (there := Totals(*found[0])) != totals:
        raise OtherWork(f"{side.name}: the table holds {there}, not {totals}")


def _cpu() -> float:
    jvm: Any = SparkContext._jvm
    pid = jvm.java.lang.ProcessHandle.current().pid()
    ticks = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()
