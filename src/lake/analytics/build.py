"""Builds the marts: each in one commit, and only where something that it is made of has changed."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.analytics.model import Model, ModelError, Reference, in_order, parse
from lake.curate.columns import quoted
from lake.curate.keeping import ALWAYS
from lake.curate.layout import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from lake.curate.tables import Tables

INPUTS = "lake.inputs"
OVERRIDES = Table(
    "customer_override",
    "What people decided about accounts and business partners; rule 0 of customer_xref reads it",
    (
        Column("account_id", "STRING", "The CRM's id of the account"),
        Column("business_partner", "STRING", "The ERP's number of the business partner"),
        Column("action", "STRING", "link or forbid; of several decisions on a pair the latest counts"),
        Column("who", "STRING", "Who decided"),
        Column("at", "TIMESTAMP", "When"),
        Column("why", "STRING", "Why"),
    ),
)

logger = logging.getLogger(__name__)


def build_marts(
    spark: SparkSession, curated: Tables, analytics: Tables, texts: Mapping[str, str], zone: str
) -> dict[str, int]:
    """Build what has changed, in dependency order. Returns the rows of each mart, also of those left as they were.

    A mart that reads a table which no run has made yet waits for a later run and is not among them. Raises ModelError.
    """
    analytics.ensure(OVERRIDES)
    rows = {}
    for model in in_order({name: parse(name, sql) for name, sql in texts.items()}):
        mart = Table(model.name, model.comment, ())
        state = _state(model, curated, analytics, zone)
        if state is None:
            logger.warning("%s waits for tables that no run has made yet", model.name)
            continue
        if not analytics.exists(mart) or analytics.property_of(mart, INPUTS) != state:
            _replace(spark, model, curated, analytics, zone, state)
        rows[model.name] = analytics.read(mart).count()
        logger.info("%s holds %d rows", model.name, rows[model.name])
    return rows


def _state(model: Model, curated: Tables, analytics: Tables, zone: str) -> str | None:
    """One hash of all that the mart is made of: its SQL, the zone, the snapshots that it reads. None where one is missing."""
    snapshots = {}
    for reference in sorted(model.references):
        tables, table = _table(reference, curated, analytics)
        if not tables.exists(table):
            return None
        snapshots[f"{reference.layer}.{reference.table}"] = tables.snapshot(table)
    canonical = json.dumps({"sql": model.sql, "zone": zone, "snapshots": snapshots}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _table(reference: Reference, curated: Tables, analytics: Tables) -> tuple[Tables, Table]:
    return (curated if reference.layer == "curated" else analytics), Table(reference.table, "", ())


def _replace(spark: SparkSession, model: Model, curated: Tables, analytics: Tables, zone: str, state: str) -> None:
    """Write the mart anew; readers see the old rows until the one commit."""
    values = {"curated": curated.database, "analytics": analytics.database, "zone": zone}
    rows = _described(spark.sql(model.render(values)), model)
    writer = rows.writeTo(analytics.name(Table(model.name, "", ()))).using("iceberg")
    for key, value in {**ALWAYS, "comment": model.comment, INPUTS: state}.items():
        writer = writer.tableProperty(key, value)
    writer.createOrReplace()


def _described(rows: DataFrame, model: Model) -> DataFrame:
    """The rows with each column's meaning, which the catalog shows; raises ModelError where the lists differ."""
    if rows.columns != list(model.columns):
        raise ModelError(
            f"{model.name}.sql describes {list(model.columns)} but selects {rows.columns}: make them equal"
        )
    described = (
        F.col(quoted(name)).alias(name, metadata={"comment": meaning}) for name, meaning in model.columns.items()
    )
    return rows.select(*described)
