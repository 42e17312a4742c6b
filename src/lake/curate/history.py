"""History: every version that was seen, a row for each stretch of equal content, with the time in which it was valid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.absences import absences
from lake.curate.chains import POINTER, SPAN, chains, of_absences, of_batch, of_table
from lake.curate.columns import quoted
from lake.curate.endings import EPOCH
from lake.curate.fates import ORDER
from lake.curate.merging import Change, Judged, from_rows
from lake.curate.tables import BROADCAST

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Table
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work


def merge_history(
    spark: SparkSession, tables: Tables, store: Store, plan: Plan, table: Table, work: Work, batch: DataFrame
) -> int:
    """Bring the history of all keys that this work touches up to date. Returns how many rows were written.

    Raises RawDamaged. May be repeated: a chain is a function of what was seen of its key.
    """
    good = batch.dropna(how="any", subset=list(plan.key)).where(F.size("_reasons") == 0)
    versions, first = good.agg(F.count(F.lit(1)), F.unix_micros(F.min("_observed_at"))).collect()[0]
    if not (versions or work.loads):
        return 0
    seen_since = None if first is None else EPOCH + timedelta(microseconds=first)
    gone = absences(spark, tables, store, plan, table, work, good, seen_since)
    keys = list(plan.key)
    touched = good.select(*keys) if gone is None else good.select(*keys).union(gone.select(*keys))
    seen = tables.snapshot(table)
    held = tables.matching(table, touched, keys, few=gone is None and versions <= BROADCAST)
    found = changes(held, good, gone, plan).localCheckpoint(eager=False)
    counted = found.agg(F.count(F.lit(1)), F.count_if(F.isnull("_was")), F.count_if(F.isnotnull("_split"))).collect()
    written, fresh, split = counted[0]
    if written:
        judged = Judged(seen, "_fresh", written - fresh, fresh)
        _merge(tables, plan, table, _whole(tables, plan, table, found) if split else found, judged)
    return int(written)


def changes(held: DataFrame, good: DataFrame, gone: DataFrame | None, plan: Plan) -> DataFrame:
    """What `chains` finds of the held rows of some keys, good versions, and instants at which keys were gone."""
    absent = [] if gone is None else [of_absences(gone, plan)]
    return chains([of_batch(good, plan), *of_table(held, plan), *absent], plan)


def _whole(tables: Tables, plan: Plan, table: Table, changes: DataFrame) -> DataFrame:
    """The changes, with the values of those that are a part of a held row."""
    names = _values(plan)
    there = tables.read(table).select(*plan.key, F.struct(*POINTER).alias("_at"), F.struct(*names).alias("_there"))
    parts = changes.withColumn("_at", F.col("_split")).join(there, [*plan.key, "_at"], "left")
    values = (F.coalesce(F.col(f"_new.{quoted(name)}"), F.col(f"_there.{quoted(name)}")).alias(name) for name in names)
    whole = parts.withColumn("_new", F.when(F.expr("_was IS NULL"), F.struct(*values)))
    # Spark 4.1 cannot plan a MERGE whose rows are still to be read from a table: the filter of files that it adds has no plan.
    return whole.localCheckpoint(eager=False)


def _merge(tables: Tables, plan: Plan, table: Table, changes: DataFrame, judged: Judged) -> None:
    """Rows are found by the newest observation that they had: a merge that runs again finds what it has written."""
    last = {name: F.col(f"_last.{name}").alias(f"_to{name}") for name in ORDER}
    at = (F.expr(f"coalesce(_was.{name}, _last.{name})").alias(name) for name in POINTER)
    new = (F.col(f"_new.{quoted(name)}").alias(name) for name in _values(plan))
    source = changes.select(*plan.key, *at, *SPAN, *last.values(), *new, F.expr("_was IS NULL").alias("_fresh"))
    moved = from_rows(*SPAN) | {name: f"s._to{name}" for name in ORDER}
    values = from_rows(*plan.key, *_values(plan)) | moved
    values |= {name: "NULL" for name in tables.read(table).columns if name not in values}
    tables.merge(table, Change(source, (*plan.key, *POINTER), ((None, moved),), values, "s._fresh", judged))


def _values(plan: Plan) -> list[str]:
    """The columns that hold a version's values beside its key."""
    fields = (field.name for field in plan.fields if field.name not in plan.key)
    return [*fields, *(child.name for child in plan.children)]
