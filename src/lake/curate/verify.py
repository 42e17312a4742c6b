"""Verify: all that raw says of an entity's keys, held against its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.balance import living
from lake.curate.brake import verify_parts
from lake.curate.columns import quoted
from lake.curate.endings import deletions, endings
from lake.curate.keys import told_keys
from lake.curate.layout import Table, layout
from lake.curate.quarantine import latest_bad
from lake.curate.reading import versions
from lake.curate.sweeps import swept_keys
from lake.curate.work import past_work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan, Relationship
    from lake.curate.layout import Layout
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work

ORDER = ("_observed_at", "_cursor")
SAMPLE = 5
DIFFER = {
    "only_in_raw": "_by_raw AND NOT _in_tables",
    "only_in_tables": "_in_tables AND NOT _by_raw",
    "older": "_in_current AND _by_raw AND _newest > _held",
}
"""What may be wrong with a key, as conditions over `keys_of`."""


def verify(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Hold the entity's tables against all loads that they were made of, key by key. Returns the record (docs/formats.md).

    Reads every load, and changes nothing. Raises RawDamaged, PlanLost.
    """
    del ledger
    shape = layout(plan)
    for table in shape.all:
        tables.ensure(table)
    work = past_work(tables, store, plan, shape)
    verify_parts(store, work.taken)
    batch = versions(spark, store, plan, work.rows).persist()
    try:
        dead = dead_by_raw(spark, store, plan, work, batch)
        keys = keys_of(tables, shape, plan, batch, dead).localCheckpoint()
        counted = keys.agg(
            F.count_if("_by_raw").alias("live_by_raw"),
            F.count_if("_in_tables").alias("live_in_tables"),
            *(F.expr(f"count_if({condition})").alias(name) for name, condition in DIFFER.items()),
        )
        figures = counted.collect()[0].asDict()
        others = keys.where(" OR ".join(f"({text})" for text in DIFFER.values())).limit(SAMPLE).collect()
        held = living(tables, shape, plan, keys.select(*plan.key), few=False)
    finally:
        batch.unpersist()
    orphans = {each.name: orphans_of(tables, shape, plan, each) for each in plan.relationships}
    return {
        "entity": plan.entity,
        "task": "verify",
        **figures,
        "live_rows": held["live_rows"],
        "keyless": held["keyless"],
        "sample": [[str(row[name]) for name in plan.key] for row in others],
        "orphans": {name: number for name, number in orphans.items() if number is not None},
        "notes": [f"{number:,} rows break the relationship {name}" for name, number in orphans.items() if number],
        "problems": _problems(plan, figures),
    }


def dead_by_raw(spark: SparkSession, store: Store, plan: Plan, work: Work, batch: DataFrame) -> DataFrame:
    """Key columns and `deleted_at` of the keys that are gone, by all loads at once."""
    keys = list(plan.key)
    known = (
        batch.dropna(how="any", subset=keys)
        .withColumn("_good", F.size("_reasons") == 0)
        .select(*keys, "_observed_at", "_good")
    )
    nothing = known.where("false").select(*keys, F.col("_observed_at").alias("_told_at"))
    told = told_keys(spark, store, plan, work.tombstones) if work.tombstones else nothing
    unseen = nothing.select(*keys, F.array("_told_at").alias("_seen"))
    swept = swept_keys(spark, store, plan, work.sweeps) if work.sweeps else unseen
    dead = nothing.withColumnRenamed("_told_at", "deleted_at")
    return deletions(known, dead, told, endings(known, dead, told, swept, work.sweeps, plan), plan)


def keys_of(tables: Tables, shape: Layout, plan: Plan, batch: DataFrame, dead: DataFrame) -> DataFrame:
    """A row for each key that raw or the tables know: `_by_raw` (it lives by what raw says), `_newest` (version order of its
    newest good version), `_in_current`, `_held` (version order of its row there), `_in_tables`.

    `dead`: key columns and `deleted_at`, by raw.
    """
    keys = list(plan.key)
    good = F.when(F.size("_reasons") == 0, F.struct(*ORDER))
    versions = batch.dropna(how="any", subset=keys).groupBy(*keys)
    known = versions.agg(F.max(good).alias("_newest"), F.max("_observed_at").alias("_seen_at")).join(dead, keys, "left")
    current = tables.read(shape.current).select(*keys, F.struct(*ORDER).alias("_held"))
    bad = latest_bad(tables, shape, plan)
    return (
        known.join(current, keys, "full")
        .join(bad, keys, "full")
        .select(
            *keys,
            F.expr("coalesce(_seen_at >= coalesce(deleted_at, _seen_at), false)").alias("_by_raw"),
            F.expr("IF(deleted_at IS NULL OR _newest._observed_at >= deleted_at, _newest, NULL)").alias("_newest"),
            F.expr("_held IS NOT NULL").alias("_in_current"),
            "_held",
            F.expr("_held IS NOT NULL OR _bad_at IS NOT NULL").alias("_in_tables"),
        )
    )


def orphans_of(tables: Tables, shape: Layout, plan: Plan, rule: Relationship) -> int | None:
    """Rows that name a row which the lake lacks; None where it has no table of such rows. A row that names none is no orphan."""
    named = Table(rule.entity.replace(".", "_"), "", ())
    if not tables.exists(named):
        return None
    children = dict(zip((child.name for child in plan.children), shape.children, strict=True))
    rows = tables.read(children[rule.child] if rule.child else shape.current)
    texts = [F.col(quoted(own)).alias(theirs) for own, theirs in zip(rule.columns, rule.references, strict=True)]
    naming = rows.select(*texts).dropna(how="any")
    return int(naming.join(tables.read(named), list(rule.references), "left_anti").count())


def _problems(plan: Plan, figures: dict[str, int]) -> list[dict[str, str]]:
    if not figures["older"]:
        return []
    return [
        {
            "error": "OlderVersions",
            "cause": f"the tables hold an older version of {figures['older']:,} keys than the newest in raw that fits today's "
            "contract",
            "remedy": f"where the contract was mended: lake quarantine replay {plan.entity}; else: lake rebuild {plan.entity}",
        }
    ]
