"""What the tests' Spark session runs on: this process alone, or a cluster of processes as on Glue."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark
from pyspark.traceback_utils import SCCallSiteSync

from local.spark import CATALOG, session
from local.toolchain.install import ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[2]
VARIABLE = "LAKE_SPARK_TESTS"
"""The variable of the environment that asks for a cluster."""
CLUSTER = "cluster"
EXECUTORS = 2
FILES = "files"
"""A second catalog, whose tables are files below the session's folder wherever the session runs."""
SMALL_DATA = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.optimizer.runtime.rowLevelOperationGroupFilter.enabled": "false",
    "spark.sql.iceberg.distribution-mode": "none",
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.sql.ui.explainMode": "simple",
}
"""With a dozen rows, planning and compiling a query costs more than running it."""
ONE_PROCESS = {
    f"{CATALOG}.catalog-impl": "org.apache.iceberg.inmemory.InMemoryCatalog",
    f"{CATALOG}.warehouse": "memory:",
    "spark.driver.memory": "640m",
    "spark.default.parallelism": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.broadcast.blockSize": "64k",
    "spark.broadcast.compress": "false",
    "spark.buffer.pageSize": "64k",
    "spark.shuffle.compress": "false",
    "spark.shuffle.checksum.enabled": "false",
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    "spark.sql.sources.bucketing.autoBucketedScan.enabled": "false",
}
"""Nothing is shared with another process: tables in memory (on a disk Hadoop starts a process for each file, to set its mode),
and one task a stage. 200 MB are in use then."""
LARGE_DATA = {
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.coalescePartitions.minPartitionSize": "1b",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
}
"""With a dozen rows, adaptive execution would run each query as one task: these have each executor take a part, and rows
shuffled where they are joined."""


def is_cluster() -> bool:
    """Whether the tests are to run on a cluster."""
    return os.environ.get(VARIABLE) == CLUSTER


def words() -> str:
    """What the tests run on."""
    if is_cluster():
        return f"local-cluster of {EXECUTORS} executors, with adaptive execution and code generation"
    return "one process, without adaptive execution and code generation"


@contextmanager
def opened(folder: Path) -> Iterator[SparkSession]:
    """The session of the tests, whose warehouse is in this empty folder."""
    spark = cluster(folder) if is_cluster() else small(folder)
    # Spark names the call that each step of a query comes from, and walks the stack for it where nobody has said.
    spark.sparkContext.setLocalProperty("callSite.long", "a test")
    with SCCallSiteSync(spark.sparkContext):
        yield spark
    spark.stop()


def small(folder: Path) -> SparkSession:
    """A session in this process, for few rows."""
    spark = session(folder / "warehouse", ROOT / ".lake", ONE_PROCESS | _files(folder))
    for name, value in SMALL_DATA.items():
        spark.conf.set(name, value)
    return spark


def _files(folder: Path) -> dict[str, str]:
    catalog = f"spark.sql.catalog.{FILES}"
    return {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "hadoop",
        f"{catalog}.warehouse": str(folder / FILES),
    }


@contextmanager
def as_for_large_data(spark: Any) -> Iterator[None]:
    """Within it, what is switched off for few rows is on, and rows are shuffled where they are joined."""
    before = {name: spark.conf.get(name, None) for name in SMALL_DATA | LARGE_DATA}
    for name in SMALL_DATA:
        spark.conf.unset(name)
    for name, value in LARGE_DATA.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, value)


def cluster(folder: Path) -> SparkSession:
    """A session whose queries run on executors that are processes of their own.

    Spark's workers write below SPARK_HOME, which the JVM has from this process's environment.
    """
    home, package = folder / "spark", Path(pyspark.__file__).parent
    home.mkdir()
    for name in ("bin", "jars"):
        (home / name).symlink_to(package / name)
    os.environ["SPARK_HOME"] = str(home)
    settings = {
        "spark.master": f"local-cluster[{EXECUTORS},1,1024]",
        "spark.executor.extraClassPath": ready(ROOT / ".lake").class_path(),
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    }
    return session(folder / "warehouse", ROOT / ".lake", settings | LARGE_DATA | _files(folder))


def tasks(spark: Any) -> dict[str, int]:
    """How many tasks each process has run; raises where executors are missing, for it was no cluster then."""
    listed = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    found = {listed.apply(place).id(): int(listed.apply(place).totalTasks()) for place in range(listed.size())}
    if is_cluster() and len(found.keys() - {"driver"}) < EXECUTORS:
        raise RuntimeError(f"{EXECUTORS} executors were to run tasks; there were {found}")
    return {name: number for name, number in found.items() if number}
