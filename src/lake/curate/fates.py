"""What becomes of each key that a batch touches: which version wins, what it replaces, whether the key has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lake.contract.plan import Plan

ORDER = ("_observed_at", "_cursor", "_content", "_load", "_row")
"""Version order. Content and pointer only break ties, so that any order of arrival ends in the same row."""


def contenders(batch: DataFrame, plan: Plan) -> DataFrame:
    """One row for each key of the batch.

    `_winner`: the newest good version, a struct of the version order, the fields and the children; null where all are
    bad. `_good`: how many are good. `_newest`: when any of them was last observed. `_newest_bad`: order of the newest
    bad one.
    """
    good = F.size("_reasons") == 0
    fields = (field.name for field in plan.fields if field.name not in plan.key)
    version = F.struct(*ORDER, *fields, *(child.name for child in plan.children))
    return (
        batch.dropna(how="any", subset=list(plan.key))
        .groupBy(*plan.key)
        .agg(
            F.max(F.when(good, version)).alias("_winner"),
            F.count_if(good).alias("_good"),
            F.max("_observed_at").alias("_newest"),
            F.max(F.when(~good, F.struct(*ORDER))).alias("_newest_bad"),
        )
    )


def fates(contenders: DataFrame, dead: DataFrame, current: DataFrame, bad: DataFrame, plan: Plan) -> DataFrame:
    """The contenders beside what the tables hold of their keys, and keys of current that have ended.

    `dead`: all deletions, those of this batch included; `current`: at least its rows of the keys of both; `bad`: key
    columns and `_bad_at`, the latest observation in quarantine. Adds `deleted_at`, `_held` (order of the current row) and
    the flags `_newer` (the winner goes into current), `_wins` (so does it, or it is there already), `_equal` (with the
    content that was there) and `_ends` (the key leaves current).
    """
    held = current.select(*plan.key, F.struct(*ORDER).alias("_held"))
    facts = contenders.join(held, list(plan.key), "full").join(dead, list(plan.key), "left")
    alive = F.expr("_winner IS NOT NULL AND (deleted_at IS NULL OR _winner._observed_at >= deleted_at)")
    order = F.when(alive, F.struct(*(F.col(f"_winner.{name}").alias(name) for name in ORDER)))
    judged = facts.withColumn("_order", order).withColumns(
        {
            "_newer": F.expr("_order IS NOT NULL AND (_held IS NULL OR _order > _held)"),
            "_wins": F.expr("_order IS NOT NULL AND (_held IS NULL OR _order >= _held)"),
            "_equal": F.expr("coalesce(_order._content = _held._content, false)"),
        }
    )
    ended = judged.withColumn("_ends", F.expr("coalesce(_held._observed_at < deleted_at, false) AND NOT _newer"))
    touched = ended.where("_newest IS NOT NULL OR _ends")
    return touched.join(bad, list(plan.key), "left")


def counts() -> tuple[Column, ...]:
    """The figures over all fates, one row."""
    live = "greatest(_newest, _held._observed_at, _bad_at) >= coalesce(deleted_at, TIMESTAMP '0001-01-01 00:00:00Z')"
    figures = {
        "written": "count_if(_newer)",
        "fresh": "count_if(_newer AND _held IS NULL)",
        "ended": "count_if(_ends)",
        "revived": "count_if(_wins AND deleted_at IS NOT NULL)",
        "merged": "count_if(_newer AND NOT _equal)",
        "unchanged": "count_if(_wins AND _equal)",
        "superseded": "coalesce(sum(_good - IF(_wins, 1, 0)), 0)",
        "held_back": "count_if(_newest_bad > CASE WHEN _wins THEN _order WHEN NOT _ends THEN _held END)",
        "touched": "count(1)",
        "live_by_raw": f"count_if({live})",
    }
    return tuple(F.expr(f"CAST({text} AS BIGINT)").alias(name) for name, text in figures.items())


def current_rows(fates: DataFrame, plan: Plan) -> DataFrame:
    """The rows that the current table merges: winners that are newer, `_fresh` where it has none of their key, and keys to
    delete (`_ends`: as of `_gone_at`)."""
    fields = (field.name for field in plan.fields if field.name not in plan.key)
    columns = (F.col(f"_winner.{quoted(name)}").alias(name) for name in (*fields, *ORDER))
    return fates.where("_newer OR _ends").select(
        *plan.key, *columns, "_ends", F.col("deleted_at").alias("_gone_at"), F.expr("_held IS NULL").alias("_fresh")
    )
