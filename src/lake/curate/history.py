"""History: every version that was seen, a row for each stretch of equal content, with the time in which it was valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.absences import absences
from lake.curate.chains import CHANGED, GONE, HELD, OBSERVATIONS, STEPS
from lake.curate.columns import quoted
from lake.curate.fates import ORDER

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Table
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work

POINTER = ("_load", "_row")
SPAN = ("valid_from", "valid_to", "_ended", "_seen")
BROADCAST = 1_000_000
"""So many keys may be sent to each worker, which spares the history a shuffle."""


def merge_history(
    spark: SparkSession, tables: Tables, store: Store, plan: Plan, table: Table, work: Work, batch: DataFrame
) -> int:
    """Bring the history of all keys that this work touches up to date. Returns how many rows were written.

    Raises RawDamaged. May be repeated: a chain is a function of what was seen of its key.
    """
    good = batch.dropna(how="any", subset=list(plan.key)).where(F.size("_reasons") == 0)
    gone = absences(spark, tables, store, plan, table, work, good)
    few = gone is None and sum(load.rows for load in work.rows) <= BROADCAST
    found = changes(tables.read(table), good, gone, plan, few=few).localCheckpoint(eager=False)
    written, split = found.agg(F.count(F.lit(1)), F.count_if(F.isnotnull("_split"))).collect()[0]
    if written:
        _merge(tables, plan, table, _whole(tables, plan, table, found) if split else found)
    return int(written)


def changes(held: DataFrame, good: DataFrame, gone: DataFrame | None, plan: Plan, *, few: bool = False) -> DataFrame:
    """The rows of the chains that the table lacks or has otherwise.

    Key columns, `valid_from`, `valid_to`, `_ended`, `_seen`, `_last` (the newest observation), `_was` (the row as the table
    has it), `_new` (a struct of the values, where a version of it has just come), `_split` (the held row that it is a part
    of: its values are there). `few`: the keys may be sent to each worker.
    """
    keys = list(plan.key)
    touched = (good.select(*keys) if gone is None else good.select(*keys).union(gone.select(*keys))).distinct()
    held = held.join(F.broadcast(touched) if few else touched, keys, "left_semi")
    parts = _of_table(held, plan).unionByName(_of_batch(good, plan), allowMissingColumns=True)
    if gone is not None:
        parts = parts.unionByName(gone, allowMissingColumns=True)
    names = ("_observations", "_gone", "_held", "_brought")
    known = parts.groupBy(*keys).agg(*(F.flatten(F.collect_list(name)).alias(name) for name in names))
    chains = known.where(F.size("_observations") > 0)
    for name, expression in STEPS:
        chains = chains.withColumn(name, F.expr(expression))
    rows = chains.select(*keys, F.explode("_rows").alias("_of")).select(*keys, "_of.*")
    return rows.where(CHANGED).withColumn("_split", F.expr("IF(_was IS NULL AND _new IS NULL, _split, NULL)"))


def _of_table(held: DataFrame, plan: Plan) -> DataFrame:
    """What the table knows of keys."""
    earlier = "transform(_seen, o -> struct(o._observed_at, o._cursor, _content, o._load, o._row))"
    return held.select(
        *plan.key,
        F.expr(f"CAST(concat({earlier}, array(struct({', '.join(ORDER)}))) AS {OBSERVATIONS})").alias("_observations"),
        F.expr(f"CAST(IF(_ended, array(valid_to), array()) AS {GONE})").alias("_gone"),
        F.expr(f"CAST(array(struct({', '.join((*POINTER, *SPAN))})) AS {HELD})").alias("_held"),
    )


def _of_batch(good: DataFrame, plan: Plan) -> DataFrame:
    """What a batch knows of keys. Items are sorted: equal content may come with its items in any order."""
    fields = [quoted(field.name) for field in plan.fields if field.name not in plan.key]
    children = [f"array_sort({quoted(child.name)}) AS {quoted(child.name)}" for child in plan.children]
    return good.select(
        *plan.key,
        F.expr(f"CAST(array(struct({', '.join(ORDER)})) AS {OBSERVATIONS})").alias("_observations"),
        F.expr(f"array(struct({', '.join((*POINTER, *fields, *children))}))").alias("_brought"),
    )


def _whole(tables: Tables, plan: Plan, table: Table, changes: DataFrame) -> DataFrame:
    """The changes, with the values of those that are a part of a held row."""
    names = _values(plan)
    there = tables.read(table).select(*plan.key, F.struct(*POINTER).alias("_at"), F.struct(*names).alias("_there"))
    parts = changes.withColumn("_at", F.expr("struct(_split._load, _split._row)")).join(
        there, [*plan.key, "_at"], "left"
    )
    values = (F.coalesce(F.col(f"_new.{name}"), F.col(f"_there.{name}")).alias(name) for name in names)
    return parts.withColumn("_new", F.when(F.expr("_was IS NULL"), F.struct(*values)))


def _merge(tables: Tables, plan: Plan, table: Table, changes: DataFrame) -> None:
    """Rows are found by the newest observation that they had: a merge that runs again finds what it has written."""
    last = {name: F.col(f"_last.{name}").alias(f"_to{name}") for name in ORDER}
    at = (F.expr(f"coalesce(_was.{name}, _last.{name})").alias(name) for name in POINTER)
    new = (F.col(f"_new.{quoted(name)}").alias(name) for name in _values(plan))
    source = changes.select(*plan.key, *at, *SPAN, *last.values(), *new, F.expr("_was IS NULL").alias("_insert"))
    moved = {name: F.col(f"s.{name}") for name in SPAN} | {name: F.col(f"s._to{name}") for name in ORDER}
    values = {name: F.col(f"s.{quoted(name)}") for name in (*plan.key, *_values(plan))}
    tables.merge(
        table,
        source,
        (*plan.key, *POINTER),
        lambda merge: merge.whenMatched().update(moved).whenNotMatched(F.expr("s._insert")).insert(values | moved),
    )


def _values(plan: Plan) -> list[str]:
    """The columns that hold a version's values beside its key."""
    fields = (field.name for field in plan.fields if field.name not in plan.key)
    return [*fields, *(child.name for child in plan.children)]
