"""The Glue job that builds the marts. Arguments: docs/formats.md, "Glue jobs"."""

import sys

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

from lake.analytics.inputs import models
from lake.analytics.job import StateTable, build_analytics
from lake.contract.packaged import plans
from lake.curate.log import log_as_json
from lake.curate.tables import Tables

options = getResolvedOptions(sys.argv, ["run_id", "state_table", "curated_database", "analytics_database", "zone"])
log_as_json()
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
build_analytics(
    spark,
    Tables(spark, f"glue_catalog.{options['curated_database']}"),
    Tables(spark, f"glue_catalog.{options['analytics_database']}"),
    StateTable(boto3.client("dynamodb"), options["state_table"]),
    plans(),
    models(),
    options["zone"],
    options["run_id"],
)
