"""Replay: what quarantine still holds, read again and judged by today's contract."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate import balance
from lake.curate.brake import verify_parts
from lake.curate.columns import quoted
from lake.curate.endings import EPOCH, end_keys
from lake.curate.entity import merge
from lake.curate.errors import RawDamaged
from lake.curate.layout import layout
from lake.curate.manifests import read_manifest
from lake.curate.quarantine import open_rows
from lake.curate.reading import versions
from lake.curate.work import late_work

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.ledger import Ledger
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store
    from lake.curate.tables import Tables

POINTER = ("_load", "_row")


def replay(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Put the open rows of quarantine through today's plan. Returns the record (docs/formats.md).

    Good ones are merged by version order, as if they had just come, and are closed as `replayed`, or as `superseded` where
    something newer stands; bad ones stay open, with today's reasons. Safe to repeat after a crash anywhere: rows are closed
    last. Raises RawDamaged, PlanLost.
    """
    del ledger  # progress stays where it is
    shape = layout(plan)
    for table in shape.all:
        tables.ensure(table)
    waiting = open_rows(tables, shape).select(*POINTER, _without_key(plan).alias("_keyless")).localCheckpoint()
    loads = [
        _manifest(store, plan, row["_load"]) for row in waiting.select("_load").distinct().orderBy("_load").collect()
    ]
    verify_parts(store, loads)
    batch = versions(spark, store, plan, loads).join(waiting, list(POINTER)).persist()
    try:
        tally = balance.tally(batch, plan, ())
        work = late_work(tables, store, plan, shape, _seen_since(batch))
        tombstoned = end_keys(spark, tables, store, plan, shape, work, batch)
        figures = merge(spark, tables, store, plan, shape, work, batch, tally)
        landed = batch.count()
    finally:
        batch.unpersist()
    good = landed - tally.quarantined
    return {
        "entity": plan.entity,
        "task": "replay",
        "from_load": work.through + 1,
        "through_load": work.through,
        "landed": landed,
        "discarded": 0,
        "replayed": good,
        "tombstoned": tombstoned,
        "lacking": 0,
        "notes": [
            f"{good:,} of {landed:,} open rows of quarantine are good by contract {plan.version} and were merged."
        ],
        **figures,
    }


def _without_key(plan: Plan) -> Column:
    return F.expr(" OR ".join(f"{quoted(name)} IS NULL" for name in plan.key))


def _manifest(store: Store, plan: Plan, load: int) -> Manifest:
    found = read_manifest(store, plan.entity, load)
    if found is None:
        raise RawDamaged(
            f"quarantine holds rows of load {load} of {plan.entity}, which has no manifest",
            "restore the manifest from its noncurrent versions",
        )
    return found


def _seen_since(batch: DataFrame) -> datetime | None:
    """When the first of the rows was seen that have got their key only now; None where there is none."""
    late = batch.where("_keyless").where(F.size("_reasons") == 0)
    first = late.agg(F.unix_micros(F.min("_observed_at"))).collect()[0][0]
    return None if first is None else EPOCH + timedelta(microseconds=first)
