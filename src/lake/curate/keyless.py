"""Bad records without a usable key: no key column tells what they are versions of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.key_texts import key_of_bad, values_of_bad
from lake.curate.quarantine import open_rows, typed_keys
from lake.curate.tables import BROADCAST

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.tables import Tables

SIGHTING = ("_observed_at", "_cursor", "_load", "_row")


def keyless(tables: Tables, layout: Layout, plan: Plan) -> DataFrame | None:
    """`_raw` of the newest record of each row of the source that only such records tell of; None: there are none.

    A key that was sent, but not as its type wants it, is one row however often its content changed, and none where the lake
    holds that key or it ended since. Records to which no key was sent cannot be told apart but by their content: each is a
    row.
    """
    keys = list(plan.key)
    without = " OR ".join(f"{quoted(name)} IS NULL" for name in keys)
    values = zip(values_of_bad(plan), keys, strict=True)
    seen = F.struct(*SIGHTING, F.col("row").alias("_raw"), *(F.expr(value).alias(name) for value, name in values))
    bad = open_rows(tables, layout).where(without).select(key_of_bad(plan), seen.alias("_seen")).localCheckpoint()
    if bad.isEmpty():
        return None
    nothing_sent = "exists(_key, text -> text IS NULL)"
    nameless = bad.where(nothing_sent).select("_seen._raw")
    newest = bad.where(f"NOT {nothing_sent}").groupBy("_key").agg(F.max("_seen").alias("_seen"))
    named = newest.select("_seen._raw", "_seen._observed_at", *(f"_seen.{quoted(name)}" for name in keys))
    few = tables.rows(layout.quarantine) <= BROADCAST
    held = tables.matching(layout.current, named.select(*keys).dropna(how="any"), keys, few=few).select(*keys)
    known = held.union(typed_keys(tables, layout, plan).select(*keys))
    alone = named.join(known, keys, "left_anti").join(tables.read(layout.deleted), keys, "left")
    return nameless.union(alone.where("deleted_at IS NULL OR deleted_at <= _observed_at").select("_raw"))
