"""The merges, table by table. Each may be repeated; each leaves its table alone when there is nothing to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.fates import ORDER, current_rows
from lake.curate.merging import Change, Judged, from_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from lake.contract.plan import Child, Plan
    from lake.curate.layout import Table
    from lake.curate.tables import Tables

POINTER = ("_load", "_row")


def merge_deleted(tables: Tables, table: Table, plan: Plan, gone: DataFrame) -> None:
    """Add tombstones; of two instants of one key the later stays."""
    values = from_rows(*plan.key, "deleted_at")
    tables.merge(table, Change(gone, plan.key, (("s.deleted_at > t.deleted_at", values),), values))


def forget_deleted(tables: Tables, table: Table, plan: Plan, fates: DataFrame) -> None:
    """Take out the keys that live again: their newest version was seen after the tombstone, which says no more than that."""
    alive = fates.where("_wins AND deleted_at IS NOT NULL").select(
        *plan.key, F.col("_winner._observed_at").alias("_seen")
    )
    tables.merge(table, Change(alive, plan.key, (("s._seen >= t.deleted_at", None),)))


def merge_current(tables: Tables, table: Table, plan: Plan, fates: DataFrame, judged: Judged) -> None:
    """Put winners in and take ended keys out."""
    ended = "s._ends AND t._observed_at < s._gone_at"
    newer = f"NOT s._ends AND struct({_columns('s', ORDER)}) > struct({_columns('t', ORDER)})"
    values = _values(tables, table)
    matched = ((ended, None), (newer, values))
    tables.merge(table, Change(current_rows(fates, plan), plan.key, matched, values, "NOT s._ends", judged))


def item_changes(
    tables: Tables, table: Table, child: Child, plan: Plan, fates: DataFrame, dead: DataFrame
) -> DataFrame:
    """What has to change in a child's table: the rows of the winners' items, `_fresh` where it has none of their key, and
    items that are gone (`_gone`).

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
        .select(*names, F.expr("_new IS NULL").alias("_gone"), F.expr("_old IS NULL").alias("_fresh"))
    )


def merge_items(tables: Tables, table: Table, child: Child, changes: DataFrame, judged: Judged) -> None:
    """Bring a child's table to what `item_changes` found."""
    values = _values(tables, table)
    matched = (("s._gone", None), (None, values))
    tables.merge(table, Change(changes, child.key, matched, values, "NOT s._gone", judged))


def _as_parents(keys: DataFrame, plan: Plan, child: Child) -> DataFrame:
    return keys.select(
        *(F.col(own).alias(theirs) for own, theirs in zip(plan.key, child.parent_key, strict=True)), "_since"
    )


def _columns(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def _values(tables: Tables, table: Table) -> dict[str, str]:
    """The table's columns from those of the source; null where the contract has a column no more: so has the new version."""
    own = from_rows(*(column.name for column in table.columns))
    return own | {name: "NULL" for name in tables.read(table).columns if name not in own}
