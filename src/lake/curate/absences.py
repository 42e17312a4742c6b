"""When keys were gone, as history wants to know it: all instants, not the last one alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.decisions import decisions, loads_with
from lake.curate.keys import told_instants
from lake.curate.manifests import read_manifest
from lake.curate.sweeps import instant, sweep_of, swept_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Table
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work

CLOCKS = timedelta(minutes=15)
"""How far the clocks of two invocations may be apart."""


def absences(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    plan: Plan,
    table: Table,
    work: Work,
    good: DataFrame,
    seen_since: datetime | None,
) -> DataFrame | None:
    """Key columns and `_gone`: the instants at which a key was gone that may change its chain. None: there are none.

    They are those that this work brings, and, where it brings versions that were overtaken on their way, those that are
    known already and came after these were seen. `seen_since`: when the first of the good versions was seen.
    """
    discarded = loads_with("discard", decisions(store, plan.entity))
    known = [*work.loads, *(gone_since(store, plan, work.through, seen_since) if seen_since else ())]
    swept, sweeps = ended_in(work.loads, discarded), ended_in(known, discarded)
    tombstones = [load for load in known if load.kind == "tombstones" and load.rows and load.load not in discarded]
    parts = []
    if sweeps:
        keys = good.select(*plan.key)
        if swept:
            keys = keys.union(_may_have_gone(tables.read(table), swept).select(*plan.key))
        found = swept_keys(spark, store, plan, sweeps)
        instants = ", ".join(instant(sweep_of(manifest).started_at) for manifest in sweeps)
        missed = f"filter(array({instants}), at -> NOT array_contains(coalesce(_seen, CAST(array() AS ARRAY<TIMESTAMP>)), at))"
        parts.append(
            keys.distinct().join(found, list(plan.key), "left").select(*plan.key, F.expr(missed).alias("_gone"))
        )
    if tombstones:
        parts.append(told_instants(spark, store, plan, tombstones))
    if not parts:
        return None
    both = parts[0].union(parts[1]) if len(parts) > 1 else parts[0]
    return both.where(F.size("_gone") > 0).localCheckpoint()


def _may_have_gone(held: DataFrame, sweeps: Sequence[Manifest]) -> DataFrame:
    """The rows that a sweep may end or split: open ones, those that ended later, and where something was seen after it all
    that were there before it."""
    first = "coalesce(get(_seen, 0)._observed_at, _observed_at)"
    started = sorted(sweep_of(manifest).started_at for manifest in sweeps)
    newest, oldest = instant(started[-1]), instant(started[0])
    overtaken = not held.where(f"_observed_at >= {oldest}").isEmpty()
    open_then = f"valid_to IS NULL OR (_ended AND valid_to > {oldest})"
    return held.where(f"{first} < {newest}" if overtaken else f"{first} < {newest} AND ({open_then})")


def gone_since(store: Store, plan: Plan, through: int, seen_since: datetime) -> list[Manifest]:
    """The loads up to `through` that may say what was gone after that instant. Raises RawDamaged.

    Going back, they end with the first that was committed before it: what a load says was so before its commit.
    """
    known = []
    number = through
    while number and (before := read_manifest(store, plan.entity, number)):
        if before.committed_at < seen_since - CLOCKS:
            break
        known.append(before)
        number -= 1
    return known


def ended_in(loads: Sequence[Manifest], discarded: frozenset[int]) -> list[Manifest]:
    """The sweeps that end in these loads, and of which nobody has discarded a load."""
    ends = [load for load in loads if load.ends_sweep]
    return [load for load in ends if not discarded.intersection(sweep_of(load).loads)]
