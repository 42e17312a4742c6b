"""Chains: what history says of a key, from what was seen of it and when it was gone.

A key's chain is a function of these two sets alone, whatever order they came in (docs/decisions/0035).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.fates import ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from lake.contract.plan import Plan

POINTER = ("_load", "_row")
SPAN = ("valid_from", "valid_to", "_ended", "_seen")
MOST = 100
"""Earlier observations that a row of history keeps: the first, and the latest of the others."""

_LAST = "get(done, size(done) - 1)"
_BEGUN = "CAST(array() AS ARRAY<STRUCT<since: TIMESTAMP, gone: TIMESTAMP>>)"
_BELIEVED = f"coalesce(row._stamp >= {_LAST}.gone, row._stamp > {_LAST}.since, true)"
_BEGINS = f"struct(IF({_BELIEVED}, row._stamp, row._first) AS since, row._gone AS gone)"
BEGINS = f"aggregate(array_sort(_all), {_BEGUN}, (done, row) -> concat(done, array({_BEGINS})))"
"""When the rows of a chain begin, one after the other: at the stamp where it is later than the row before, else when seen."""

_EARLIER = f"""IF(size(_observations) <= {MOST + 1}, slice(_observations, 1, size(_observations) - 1),
    concat(slice(_observations, 1, 1), slice(_observations, size(_observations) - {MOST - 1}, {MOST - 1})))"""
CHAIN = {
    "valid_to": "coalesce(_gone, _next)",
    "_ended": "_gone IS NOT NULL",
    "_seen": f"transform({_EARLIER}, o -> struct(o._observed_at, o._cursor, o._load, o._row))",
    "_last": "element_at(_observations, -1)",
}
CHANGED = """_was IS NULL OR NOT (
    _was.valid_from <=> valid_from AND _was.valid_to <=> valid_to AND _was._ended <=> _ended
    AND _was._load = _last._load AND _was._row = _last._row AND _was._seen <=> _seen)"""
"""The condition that a row of a chain is not in the table as it should be."""


def chains(known: Sequence[DataFrame], plan: Plan) -> DataFrame:
    """The rows of the chains that follow from what is known, as far as the table has them otherwise.

    Key columns, `valid_from`, `valid_to`, `_ended`, `_seen`, `_last` (the newest observation), `_was` (the row as it is held),
    `_new` (the values of a version of it that came), `_split` (pointer of the held row that it was a part of).
    """
    keys = list(plan.key)
    rows = _rows(reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), known), keys)
    of_key = Window.partitionBy(*keys)
    order = of_key.orderBy("_span")
    believed = F.coalesce(
        F.col("_stamp") >= F.lag("_gone").over(order), F.col("_stamp") > F.lag("_stamp").over(order), F.lit(True)
    )
    strange = rows.withColumn("_believed", believed).withColumn("_strange", ~F.min("_believed").over(of_key))
    begun = strange.withColumn(
        "_all", F.collect_list(F.expr("IF(_strange, struct(_span, _stamp, _first, _gone), NULL)")).over(of_key)
    ).withColumn("valid_from", F.expr(f"IF(_strange, get({BEGINS}, _span - 1).since, _stamp)"))
    chain = begun.withColumn("_next", F.lead("valid_from").over(order))
    whole = chain.withColumns({name: F.expr(text) for name, text in CHAIN.items()}).where(CHANGED)
    split = F.expr("IF(_was IS NULL AND _new IS NULL, _part, NULL)").alias("_split")
    return whole.select(*keys, *SPAN, "_last", "_was", "_new", split)


def _rows(events: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows of the chains: key columns, `_span` (from 1), `_observations` in version order, `_gone` (when the key was first
    gone after them), `_first` (when they were first seen), `_stamp` (that of the first; one that was still to come is not
    believed), and of what they were made.
    """
    order = Window.partitionBy(*keys).orderBy(
        "_at", "_here", *(name for name in ORDER if name != "_observed_at"), "_came"
    )
    before = {name: F.lag(name).over(order) for name in ("_here", "_content", *POINTER)}
    same = {name: F.coalesce(before["_here"] & (before[name] == F.col(name)), F.lit(False)) for name in before}
    again = same["_load"] & same["_row"]
    starts = F.col("_here") & ~same["_content"]
    marked = events.withColumns({"_again": again, "_starts": starts.cast("int")})
    spans = marked.withColumn("_span", F.sum("_starts").over(order)).where("_span > 0")
    observation = f"IF(_here AND NOT _again, struct(_at AS _observed_at, {', '.join(ORDER[1:])}), NULL)"
    rows = spans.groupBy(*keys, "_span").agg(
        F.array_sort(F.collect_list(F.expr(observation))).alias("_observations"),
        F.min(F.expr("IF(_here, NULL, _at)")).alias("_gone"),
        *(F.first(name, ignorenulls=True).alias(name) for name in ("_was", "_part", "_new")),
    )
    stamp = "TRY_CAST(concat(substr(_observations[0]._cursor, 1, 26), 'Z') AS TIMESTAMP)"
    return rows.withColumn("_first", F.expr("_observations[0]._observed_at")).withColumn(
        "_stamp", F.expr(f"least({stamp}, _first)")
    )


def of_table(held: DataFrame, plan: Plan) -> list[DataFrame]:
    """What the table knows of keys: the observations of its rows, and when those ended."""
    earlier = "transform(_seen, o -> struct(o._observed_at, o._cursor, o._load, o._row, false AS last))"
    last = "array(struct(_observed_at, _cursor, _load, _row, true AS last))"
    row = f"struct({', '.join((*POINTER, *SPAN))})"
    seen = held.select(
        *plan.key,
        "_content",
        F.expr(row).alias("_held"),
        F.explode(F.expr(f"concat({earlier}, {last})")).alias("_o"),
    )
    observed = seen.select(
        *plan.key,
        *_event("_o._observed_at", here=True, came=False),
        "_o._cursor",
        "_content",
        *(f"_o.{name}" for name in POINTER),
        F.expr("IF(_o.last, _held, NULL)").alias("_was"),
        F.expr(f"struct({', '.join(f'_held.{name}' for name in POINTER)})").alias("_part"),
    )
    ended = held.where("_ended").select(*plan.key, *_event("valid_to", here=False, came=False))
    return [observed, ended]


def of_batch(good: DataFrame, plan: Plan) -> DataFrame:
    """What good versions say of keys. Items are sorted: equal content may come with its items in any order."""
    fields = [quoted(field.name) for field in plan.fields if field.name not in plan.key]
    children = [f"array_sort({quoted(child.name)}) AS {quoted(child.name)}" for child in plan.children]
    return good.select(
        *plan.key,
        *_event("_observed_at", here=True, came=True),
        *ORDER[1:],
        F.expr(f"struct({', '.join((*fields, *children))})").alias("_new"),
    )


def of_absences(gone: DataFrame, plan: Plan) -> DataFrame:
    """What instants at which keys were gone (`_gone`, an array) say of them."""
    return gone.select(*plan.key, F.explode("_gone").alias("_at")).select(
        *plan.key, *_event("_at", here=False, came=True)
    )


def _event(at: str, *, here: bool, came: bool) -> tuple[Column, ...]:
    """Of one instant, that a key was gone comes first, for it ends what was seen before; what is held comes before what came."""
    return F.col(at).alias("_at"), F.lit(here).alias("_here"), F.lit(came).alias("_came")
