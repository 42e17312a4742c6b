"""Spark sessions for tests: with the settings that the jobs have on Glue, on a local folder or on the local stack.

A process has one JVM; a second session closes the first.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from local.toolchain.install import ready
from local.toolchain.jvm import local_settings, s3_settings, write_properties

CLASSES = ("functions", "org.apache.spark.sql.functions", "PythonUtils", "org.apache.iceberg.spark.Spark3Util")
"""What PySpark and curate ask the JVM for at nearly each call, under these names. It looks for a short name in all jars first."""
CATALOG = "spark.sql.catalog.glue_catalog"
ICEBERG = {
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    CATALOG: "org.apache.iceberg.spark.SparkCatalog",
}


def session(
    warehouse: Path, toolchain: Path = Path(".lake"), settings: Mapping[str, str] = MappingProxyType({})
) -> SparkSession:
    """`glue_catalog` on a local folder: what a job's unit tests need. `settings` go before all others."""
    folder = {
        f"{CATALOG}.catalog-impl": "org.apache.iceberg.hadoop.HadoopCatalog",
        f"{CATALOG}.warehouse": str(warehouse),
    }
    return _open(toolchain, {**ICEBERG, **folder, **settings})


def glue_session(environment: Mapping[str, str], warehouse: str, toolchain: Path = Path(".lake")) -> SparkSession:
    """`glue_catalog` as the jobs have it, on the stack whose `env()` is given; `warehouse` is `s3://<curated bucket>/`.

    It reads each table anew at each statement, for other sessions write them.
    """
    endpoint, region = environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]
    _start_jvm(toolchain)
    jvm: Any = SparkContext._jvm
    for name, value in (
        ("aws.endpointUrl", endpoint),
        ("aws.region", region),
        ("aws.accessKeyId", environment["AWS_ACCESS_KEY_ID"]),
        ("aws.secretAccessKey", environment["AWS_SECRET_ACCESS_KEY"]),
    ):
        jvm.java.lang.System.setProperty(name, value)
    return _open(
        toolchain,
        {
            **ICEBERG,
            **s3_settings(endpoint, region),
            f"{CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{CATALOG}.warehouse": warehouse,
            f"{CATALOG}.client.region": region,
            f"{CATALOG}.cache-enabled": "false",
        },
    )


def _open(toolchain: Path, settings: Mapping[str, str]) -> SparkSession:
    _start_jvm(toolchain, settings)
    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _start_jvm(toolchain: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
    """Start the process's JVM, unless it is there already: what of `settings` is the JVM's own comes too late then."""
    if SparkContext._gateway is not None:
        return
    tools = ready(toolchain.resolve())
    scratch = Path(tempfile.mkdtemp(prefix="lake-spark-"))
    properties = write_properties(scratch / "spark.properties", {**local_settings(tools, scratch), **settings})
    os.environ.update(tools.environment(properties))
    SparkContext._ensure_initialized()
    keep_classes(SparkContext._jvm)


def keep_classes(jvm: Any) -> None:
    """Has Python look for them once in this process."""
    for name in CLASSES:
        setattr(jvm, name, getattr(jvm, name))
