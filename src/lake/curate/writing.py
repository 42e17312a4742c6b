"""The merges, table by table. Each may be repeated; each leaves its table alone when there is nothing to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.fates import ORDER, current_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from lake.contract.plan import Child, Plan
    from lake.curate.layout import Table
    from lake.curate.tables import Tables

POINTER = ("_load", "_row")


def merge_deleted(tables: Tables, table: Table, plan: Plan, gone: DataFrame) -> None:
    """Add tombstones; of two instants of one key the later stays."""
    later = F.expr(f"s.deleted_at > {quoted(table.name)}.deleted_at")
    tables.merge(table, gone, plan.key, lambda merge: merge.whenMatched(later).updateAll().whenNotMatched().insertAll())


def forget_deleted(tables: Tables, table: Table, plan: Plan, fates: DataFrame) -> None:
    """Take out the keys that live again: their newest version was seen after the tombstone, which says no more than that."""
    alive = fates.where("_wins AND deleted_at IS NOT NULL").select(
        *plan.key, F.col("_winner._observed_at").alias("_seen")
    )
    since = F.expr(f"s._seen >= {quoted(table.name)}.deleted_at")
    tables.merge(table, alive, plan.key, lambda merge: merge.whenMatched(since).delete())


def merge_current(tables: Tables, table: Table, plan: Plan, fates: DataFrame) -> None:
    """Put winners in and take ended keys out. The conditions stand in the merge as well, for it may run a second time."""
    target = quoted(table.name)
    ended = F.expr(f"s._ends AND {target}._observed_at < s.deleted_at")
    newer = F.expr(f"NOT s._ends AND struct({_columns('s', ORDER)}) > struct({_columns(target, ORDER)})")
    values = _values(tables, table)
    tables.merge(
        table,
        current_rows(fates, plan),
        plan.key,
        lambda merge: (
            merge.whenMatched(ended)
            .delete()
            .whenMatched(newer)
            .update(values)
            .whenNotMatched(F.expr("NOT s._ends"))
            .insert(values)
        ),
    )


def item_changes(
    tables: Tables, table: Table, child: Child, plan: Plan, fates: DataFrame, dead: DataFrame
) -> DataFrame:
    """What has to change in a child's table: the rows of the winners' items, and items that are gone (`_gone`).

    The items of a winning version replace all that their parent had; those of an ended key go.
    """
    names = [column.name for column in table.columns]
    winners = fates.where("_wins")
    fresh = winners.select(
        *(F.col(f"_winner.{name}").alias(name) for name in ("_load", "_row", "_observed_at")),
        F.posexplode(f"_winner.{quoted(child.name)}").alias("_item", "_of"),
    ).select("_of.*", "_load", "_row", "_observed_at", "_item")
    parents = _as_parents(winners.select(*plan.key, F.col("_winner._observed_at").alias("_since")), plan, child)
    ended = _as_parents(dead.withColumnRenamed("deleted_at", "_since"), plan, child)
    there = tables.near(table, parents.union(ended), child.parent_key)
    replaced = there.join(parents, list(child.parent_key)).where("_observed_at <= _since").drop("_since")
    orphaned = there.join(ended, list(child.parent_key)).where("_observed_at < _since").drop("_since")
    old = replaced.union(orphaned).select(*child.key, F.struct(*POINTER).alias("_old")).dropDuplicates(list(child.key))
    new = fresh.withColumn("_new", F.struct(*POINTER))
    return (
        new.join(old, list(child.key), "full")
        .where("_old IS NULL OR _new IS NULL OR _old <> _new")
        .select(*names, F.expr("_new IS NULL").alias("_gone"))
    )


def merge_items(tables: Tables, table: Table, child: Child, changes: DataFrame) -> None:
    """Bring a child's table to what `item_changes` found."""
    values = _values(tables, table)
    tables.merge(
        table,
        changes,
        child.key,
        lambda merge: (
            merge.whenMatched(F.expr("s._gone"))
            .delete()
            .whenMatched()
            .update(values)
            .whenNotMatched(F.expr("NOT s._gone"))
            .insert(values)
        ),
    )


def _as_parents(keys: DataFrame, plan: Plan, child: Child) -> DataFrame:
    return keys.select(
        *(F.col(own).alias(theirs) for own, theirs in zip(plan.key, child.parent_key, strict=True)), "_since"
    )


def _columns(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def _values(tables: Tables, table: Table) -> dict[str, Column]:
    """The table's columns from those of the source; null where the contract has a column no more: so has the new version."""
    own = {column.name: F.col(f"s.{quoted(column.name)}") for column in table.columns}
    return own | {name: F.lit(None) for name in tables.read(table).columns if name not in own}
