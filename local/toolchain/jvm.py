"""How a Spark JVM is started here: class path, memory, the archive of loaded classes."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# A short life on few cores: the cheap compiler only, and a collector without helper threads for small pauses.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m", "-XX:+UseParallelGC", "-Xss4m")

NO_RECORD = {
    "spark.ui.liveUpdate.period": "-1",
    "spark.ui.retainedJobs": "1",
    "spark.ui.retainedStages": "1",
    "spark.ui.retainedTasks": "1",
    "spark.sql.ui.retainedExecutions": "1",
}
"""Nobody looks at Spark's own pages here: without these it keeps each of the last thousand queries, with its plans."""


@dataclass(frozen=True)
class Toolchain:
    """What `install` has put in place."""

    java_home: Path
    jars: tuple[Path, ...]
    duckdb_extensions: Path
    class_archive: Path

    def class_path(self) -> str:
        return os.pathsep.join(str(jar) for jar in self.jars)

    def quick_start(self) -> tuple[str, ...]:
        """The JVM's options; a JVM that finds the archive unfit (another runtime, another class path) goes without."""
        archive = (f"-XX:SharedArchiveFile={self.class_archive}",) if self.class_archive.exists() else ()
        return (*archive, "-Xshare:auto", "-Xlog:disable", "-Xlog:all=off", *QUICK_START)

    def environment(self, properties: Path, options: tuple[str, ...] | None = None) -> dict[str, str]:
        """The variables for a Python process that starts a Spark JVM with the given properties file."""
        return {
            "JAVA_HOME": str(self.java_home),
            "SPARK_SUBMIT_OPTS": " ".join(self.quick_start() if options is None else options),
            "PYSPARK_SUBMIT_ARGS": f'--properties-file "{properties}" pyspark-shell',
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }


def write_properties(path: Path, settings: Mapping[str, str]) -> Path:
    """A properties file as spark-submit reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name} {value}\n" for name, value in sorted(settings.items())), encoding="utf-8")
    return path


def local_settings(toolchain: Toolchain, scratch: Path) -> dict[str, str]:
    """Spark on two cores of a laptop, with Glue's time zone; what a job sets itself goes before it."""
    return {
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraClassPath": toolchain.class_path(),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **NO_RECORD,
        "spark.default.parallelism": "2",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        # A broadcast takes whole blocks of memory, by default of 4 MB: most of what the collector had to do.
        "spark.broadcast.blockSize": "256k",
        # PySpark asks the JVM five times more at each operator, so that an error names the line that called it.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.codegen.cache.maxEntries": "1000",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.local.dir": str(scratch),
    }


def s3_settings(endpoint: str, region: str) -> dict[str, str]:
    """What makes S3A and Iceberg's S3FileIO speak to the local endpoint; credentials come from the SDK's own chain."""
    provider = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
    return {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": region,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.aws.credentials.provider": provider,
        "spark.sql.catalog.glue_catalog.s3.path-style-access": "true",
    }
