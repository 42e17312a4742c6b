"""One entity: the loads that its tables lack, merged into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate import balance, writing
from lake.curate.fates import contenders, counts, fates
from lake.curate.layout import Layout, layout
from lake.curate.manifests import Manifest, manifests_after, read_manifest
from lake.curate.reading import versions
from lake.curate.sweeps import brake, latest, sweeps_to_hold, swept_keys, tombstones
from lake.curate.tables import LAST_SWEEP, THROUGH, Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Child, Plan
    from lake.curate.layout import Table
    from lake.curate.store import Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do: the loads after `through`, and the sweeps that they are held against."""

    through: int
    loads: tuple[Manifest, ...]
    sweeps: tuple[Manifest, ...]

    @property
    def rows(self) -> tuple[Manifest, ...]:
        """The loads that bring versions."""
        return tuple(load for load in self.loads if load.kind == "rows" and load.rows)

    @property
    def last(self) -> int:
        """How far the tables are after this work."""
        return self.loads[-1].load if self.loads else self.through


def curate(spark: SparkSession, tables: Tables, store: Store, plan: Plan) -> dict[str, Any]:
    """Bring the entity's tables up to its last committed load. Returns the run's record (docs/formats.md).

    Safe to repeat after a crash anywhere: each merge takes what it has not got yet, and progress is noted after it.
    Raises CurateError where raw or a sweep can't be trusted; nothing is written then.
    """
    shape = layout(plan)
    for table in shape.all:
        tables.ensure(table)
    work = _work(tables, store, plan, shape)
    batch = versions(spark, store, plan, work.rows).persist()
    try:
        tally = balance.tally(batch, plan, work.rows)
        tombstoned = _end_keys(spark, tables, store, plan, shape, work, batch)
        figures, items = _merge(tables, plan, shape, work, batch, tally)
    finally:
        batch.unpersist()
    return {
        "entity": plan.entity,
        "from_load": work.through + 1,
        "through_load": work.last,
        "landed": sum(load.rows for load in work.rows),
        "quarantined": tally.quarantined,
        "tombstoned": tombstoned,
        "warnings": tally.warnings,
        "broken": tally.broken,
        "items": items,
        **figures,
    }


def through(tables: Tables, shape: Layout) -> int:
    """The last load that all of the entity's tables hold; 0 where there is none yet."""
    return min(int(tables.properties(table).get(THROUGH, "0")) for table in shape.all)


def _work(tables: Tables, store: Store, plan: Plan, shape: Layout) -> Work:
    done = through(tables, shape)
    loads = tuple(manifests_after(store, plan.entity, done))
    number = tables.properties(shape.deleted).get(LAST_SWEEP)
    last = read_manifest(store, plan.entity, int(number)) if number else None
    return Work(done, loads, sweeps_to_hold(loads, last))


def _end_keys(
    spark: SparkSession, tables: Tables, store: Store, plan: Plan, shape: Layout, work: Work, batch: DataFrame
) -> int:
    """Write the tombstones of the sweeps first, for the other merges read them. Returns how many keys have ended."""
    ended = 0
    if work.sweeps:
        swept = swept_keys(spark, store, plan, work.sweeps)
        known = _known(tables, plan, shape, batch)
        judged = tombstones(known, tables.read(shape.deleted), swept, work.sweeps, plan).localCheckpoint(eager=False)
        found = judged.groupBy(F.unix_micros("deleted_at").alias("at")).count().collect()
        gone = {EPOCH + timedelta(microseconds=row["at"]): row["count"] for row in found if row["at"] is not None}
        ended = sum(gone.values())
        brake(plan, gone, sum(row["count"] for row in found) - ended)
        if ended:
            writing.merge_deleted(tables, shape.deleted, plan, judged.where("deleted_at IS NOT NULL"))
    sweep = latest(work.sweeps)
    _note(tables, shape.deleted, work, {LAST_SWEEP: str(sweep)} if sweep else {})
    return ended


def _known(tables: Tables, plan: Plan, shape: Layout, batch: DataFrame) -> DataFrame:
    """Key columns, `_observed_at` and `_good` of all versions that may end."""
    columns = (*plan.key, "_observed_at", "_good")
    current = tables.read(shape.current).withColumn("_good", F.lit(True))
    arrived = batch.dropna(how="any", subset=list(plan.key)).withColumn("_good", F.size("_reasons") == 0)
    bad = _typed_keys(tables, shape, plan).withColumn("_good", F.lit(False))
    return current.select(*columns).union(arrived.select(*columns)).union(bad.select(*columns))


def _typed_keys(tables: Tables, shape: Layout, plan: Plan) -> DataFrame:
    """Quarantine with its keys in the types of current; versions without a key left out."""
    types = {column.name: column.type for column in shape.current.columns}
    bad = tables.read(shape.quarantine)
    typed = {name: F.expr(f"TRY_CAST(`{name}` AS {types[name]})") for name in plan.key}
    return bad.withColumns(typed).dropna(how="any", subset=list(plan.key))


def _bad(tables: Tables, shape: Layout, plan: Plan) -> DataFrame:
    """Key columns and `_bad_at`: when quarantine last got a version of the key."""
    return _typed_keys(tables, shape, plan).groupBy(*plan.key).agg(F.max("_observed_at").alias("_bad_at"))


def _merge(
    tables: Tables, plan: Plan, shape: Layout, work: Work, batch: DataFrame, tally: balance.Tally
) -> tuple[dict[str, int], dict[str, int]]:
    """Current, items, quarantine, each with its progress behind it. Returns the figures, and items written by child."""
    facts = fates(
        contenders(batch, plan), tables.read(shape.deleted), tables.read(shape.current), _bad(tables, shape, plan), plan
    )
    # Judged once, on the tables as they were: a cached plan would be computed anew after each merge into them.
    judged = facts.localCheckpoint(eager=False)
    figures = judged.agg(*counts()).collect()[0].asDict()
    if figures.pop("revived"):
        writing.forget_deleted(tables, shape.deleted, plan, judged)
    if figures.pop("written") + figures.pop("ended"):
        writing.merge_current(tables, shape.current, plan, judged)
    _note(tables, shape.current, work)
    items = {}
    for child, table in zip(plan.children, shape.children, strict=True):
        items[child.name] = _merge_items(tables, table, child, plan, judged)
        _note(tables, table, work)
    if tally.quarantined:
        writing.merge_quarantine(tables, shape.quarantine, plan, batch)
    _note(tables, shape.quarantine, work)
    return figures | balance.living(tables, shape, plan, judged.select(*plan.key)), items


def _merge_items(tables: Tables, table: Table, child: Child, plan: Plan, judged: DataFrame) -> int:
    dead = tables.read(layout(plan).deleted)
    changes = writing.item_changes(tables, table, child, plan, judged, dead).localCheckpoint(eager=False)
    numbers = {row["_gone"]: row["count"] for row in changes.groupBy("_gone").count().collect()}
    if numbers:
        writing.merge_items(tables, table, child, changes)
    return int(numbers.get(False, 0))


def _note(tables: Tables, table: Table, work: Work, more: Mapping[str, str] | None = None) -> None:
    """The table holds all that this work brought."""
    if work.loads:
        tables.note(table, {THROUGH: str(work.last), **(more or {})})
