"""The Glue job that merges new loads into the curated tables, or does another task with them. Arguments: docs/formats.md,
"Glue jobs"."""

import sys

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

from lake.contract.packaged import plans
from lake.curate.job import curate_entities
from lake.curate.ledger import StateTable
from lake.curate.log import log_as_json
from lake.curate.store import S3Store
from lake.curate.tables import Tables

options = getResolvedOptions(sys.argv, ["run_id", "task", "entities", "raw_bucket", "state_table", "curated_database"])
log_as_json()
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
curate_entities(
    spark,
    Tables(spark, f"glue_catalog.{options['curated_database']}"),
    S3Store(boto3.client("s3"), options["raw_bucket"]),
    StateTable(boto3.client("dynamodb"), options["state_table"]),
    plans(),
    options["entities"].split(","),
    options["run_id"],
    options["task"],
)
