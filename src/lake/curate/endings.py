"""Which keys end: those that the source said are gone, and those that a sweep did not find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.keys import told_keys
from lake.curate.quarantine import typed_keys
from lake.curate.sweeps import Toll, brake, instant, sweep_of, swept_keys
from lake.curate.writing import merge_deleted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def end_keys(
    spark: SparkSession, tables: Tables, store: Store, plan: Plan, shape: Layout, work: Work, batch: DataFrame
) -> int:
    """Write the deletions that this work brings. Returns how many keys have ended.

    Raises SweepBrake or RawDamaged before anything is written.
    """
    if not (work.sweeps or work.tombstones):
        return 0
    dead, known = tables.read(shape.deleted), _known(tables, plan, shape, batch)
    told = (
        told_keys(spark, store, plan, work.tombstones).localCheckpoint() if work.tombstones else _none_told(dead, plan)
    )
    if work.sweeps:
        swept = swept_keys(spark, store, plan, work.sweeps)
    else:
        swept = told.where("false").select(*plan.key, F.array("_told_at").alias("_seen"))
    if not (work.sweeps or work.suspects):  # no brake counts what lives on: only keys that were named are looked at
        known = known.join(told, list(plan.key), "left_semi")
    judged = endings(known, dead, told, swept, work.sweeps, plan).localCheckpoint()
    ended, gone, alive = figures(judged)
    swept_by = {sweep_of(sweep).started_at: sweep.load for sweep in work.sweeps}
    tolls = [Toll(at, swept_by[at], keys) for at, keys in gone.items()]
    tolls += [_of_suspects(spark, store, plan, work.suspects, judged)] if work.suspects else []
    brake(plan, tolls, alive, work.accepted)
    missing = deletions(known, dead, told, judged, plan).localCheckpoint()
    if not missing.isEmpty():
        merge_deleted(tables, shape.deleted, plan, missing)
    return ended


def _of_suspects(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest], judged: DataFrame) -> Toll:
    """The keys that end with loads of suspects: those of one list, however many invocations asked for them."""
    told = told_keys(spark, store, plan, loads)
    ended = told.join(judged, list(plan.key)).where("deleted_at = _told_at").count()
    last = loads[-1]
    return Toll(last.first_observed or last.committed_at, last.load, ended)


def _none_told(dead: DataFrame, plan: Plan) -> DataFrame:
    return dead.where("false").select(*plan.key, F.col("deleted_at").alias("_told_at"))


def _known(tables: Tables, plan: Plan, shape: Layout, batch: DataFrame) -> DataFrame:
    """Key columns, `_observed_at` and `_good` of all versions that may end."""
    columns = (*plan.key, "_observed_at", "_good")
    current = tables.read(shape.current).withColumn("_good", F.lit(True))
    arrived = batch.dropna(how="any", subset=list(plan.key)).withColumn("_good", F.size("_reasons") == 0)
    bad = typed_keys(tables, shape, plan).withColumn("_good", F.lit(False))
    return current.select(*columns).union(arrived.select(*columns)).union(bad.select(*columns))


def endings(
    known: DataFrame, dead: DataFrame, told: DataFrame, swept: DataFrame, sweeps: Sequence[Manifest], plan: Plan
) -> DataFrame:
    """Key columns, `deleted_at` (null: alive) and `_swept_at` (null: no sweep ended it) of all keys that are not dead already.

    `known`: key columns, `_observed_at` and `_good` of the versions that the lake has; `dead`: the table of deletions as
    it is; `told`: key columns and `_told_at`. A key ends when the source said so, else with the first sweep after its newest
    good version that did not find it; and so does each bad version of it: one that was seen later does not keep an earlier
    one alive, good or bad.
    """
    instants = ", ".join(instant(sweep_of(manifest).started_at) for manifest in sweeps)
    unseen = "s > _observed_at AND NOT array_contains(coalesce(_seen, array()), s)"
    missed = f"array_min(filter(CAST(array({instants}) AS ARRAY<TIMESTAMP>), s -> {unseen}))"
    each_bad = F.expr("IF(_good, NULL, _observed_at)").alias("_bad_at")
    newest = known.groupBy(*plan.key, "_good", each_bad).agg(F.max("_observed_at").alias("_observed_at"))
    alive = newest.join(dead.withColumnRenamed("deleted_at", "_dead_at"), list(plan.key), "left").where(
        "_dead_at IS NULL OR _dead_at <= _observed_at"
    )
    judged = alive.join(told, list(plan.key), "left").join(swept, list(plan.key), "left")
    ends = judged.withColumn("_said_at", F.expr("IF(_told_at > _observed_at, _told_at, NULL)")).withColumn(
        "_missed_at", F.expr(f"IF(_said_at IS NULL, {missed}, NULL)")
    )
    last = ends.withColumn("_ends_at", F.coalesce("_said_at", "_missed_at"))
    return last.groupBy(*plan.key).agg(
        F.expr("IF(bool_or(_good AND _ends_at IS NULL), NULL, max(_ends_at))").alias("deleted_at"),
        F.max("_missed_at").alias("_swept_at"),
    )


def figures(endings: DataFrame) -> tuple[int, dict[datetime, int], int]:
    """How many keys end, how many of them end with each sweep, and how many live on."""
    found = (
        endings.groupBy(F.isnull("deleted_at").alias("alive"), F.unix_micros("_swept_at").alias("at")).count().collect()
    )
    gone = {
        EPOCH + timedelta(microseconds=row["at"]): row["count"]
        for row in found
        if not row["alive"] and row["at"] is not None
    }
    ended = sum(row["count"] for row in found if not row["alive"])
    return ended, gone, sum(row["count"] for row in found if row["alive"])


def deletions(known: DataFrame, dead: DataFrame, told: DataFrame, endings: DataFrame, plan: Plan) -> DataFrame:
    """Key columns and `deleted_at` of what the table of deletions lacks.

    What the source said of a key stays there though the lake has no version of it: one that was observed before may still
    come. Only a good version that was observed later makes it void.
    """
    good = known.where("_good").groupBy(*plan.key).agg(F.max("_observed_at").alias("_good_at"))
    said = (
        told.join(good, list(plan.key), "left")
        .where("_good_at IS NULL OR _good_at < _told_at")
        .join(dead, list(plan.key), "left")
        .where("deleted_at IS NULL OR deleted_at < _told_at")
        .select(*plan.key, F.col("_told_at").alias("deleted_at"))
    )
    ended = endings.where("deleted_at IS NOT NULL").select(*plan.key, "deleted_at")
    return said.union(ended).groupBy(*plan.key).agg(F.max("deleted_at").alias("deleted_at"))
