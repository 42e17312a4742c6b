"""Sweeps, of keys alone or of all rows: which of them act, what they saw, and the brake that keeps a broken one from
emptying a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.errors import RawDamaged, SweepBrake
from lake.curate.keys import seen_keys
from lake.curate.manifests import read_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.manifests import Manifest, Sweep
    from lake.curate.store import Store


MAX_FRACTION, MIN_ROWS = 0.05, 100
"""The brake where the contract declares no `key_sweep`."""


@dataclass(frozen=True, slots=True, order=True)
class Toll:
    """How many keys a sweep ends, as of the instant at which it began. `load`: the one that ends the sweep. A load of suspects
    counts as a sweep that began when they were asked for."""

    at: datetime
    load: int
    keys: int


def sweeps_to_hold(batch: Sequence[Manifest], earlier: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """The finished sweeps that this batch is held against, the earliest first.

    Those that end in the batch; and of the earlier ones those before which rows of the batch were observed: they were
    overtaken on their way.
    """
    overtaking = (manifest for manifest in earlier if _overtaken(batch, _started(manifest)))
    found = {manifest.load: manifest for manifest in (*batch, *overtaking) if manifest.ends_sweep}
    return tuple(sorted(found.values(), key=_started))


def latest(sweeps: Iterable[Manifest]) -> Manifest | None:
    """The manifest that ends the sweep which began last."""
    return max(sweeps, key=_started, default=None)


def _started(manifest: Manifest) -> datetime:
    return sweep_of(manifest).started_at


def sweep_of(manifest: Manifest) -> Sweep:
    """The manifest's sweep; raises RawDamaged where it has none."""
    if manifest.sweep is None:
        raise RawDamaged(
            f"load {manifest.load} holds keys but names no sweep", "compare its manifest with docs/formats.md"
        )
    return manifest.sweep


def _overtaken(batch: Sequence[Manifest], started_at: datetime) -> bool:
    rows = (load for load in batch if load.kind == "rows")
    return any(load.first_observed is not None and load.first_observed < started_at for load in rows)


def swept_keys(spark: SparkSession, store: Store, plan: Plan, sweeps: Sequence[Manifest]) -> DataFrame:
    """The key columns and `_seen`: the instants of the sweeps that found the key."""
    found = [
        seen_keys(spark, store, plan, loads_of(store, plan, manifest))
        .select(*plan.key, F.expr(instant(_started(manifest))).alias("_swept_at"))
        .dropna(how="any", subset=list(plan.key))
        for manifest in sweeps
    ]
    union = reduce(lambda left, right: left.union(right), found)
    return union.groupBy(*plan.key).agg(F.collect_set("_swept_at").alias("_seen"))


def loads_of(store: Store, plan: Plan, manifest: Manifest) -> list[Manifest]:
    """The loads of the sweep that this manifest ends; raises RawDamaged where they do not hold all that the sweep saw."""
    return [_load_of(store, plan, manifest, number) for number in sweep_of(manifest).loads]


def _load_of(store: Store, plan: Plan, manifest: Manifest, number: int) -> Manifest:
    found = manifest if number == manifest.load else read_manifest(store, plan.entity, number)
    if found is None:
        raise RawDamaged(
            f"the sweep that ends in load {manifest.load} names load {number}, which has no manifest",
            "restore the manifest from its noncurrent versions: without it the sweep is not whole",
        )
    if found.kind == "rows" and found.left_out:
        raise RawDamaged(
            f"load {number} of the full refresh that ends in load {manifest.load} leaves out {found.left_out} rows that the "
            "source sent: what is not in it is not gone",
            "refresh once more with a release that lands every row of a full refresh",
        )
    return found


def brake(plan: Plan, tolls: Iterable[Toll], alive: int, accepted: Collection[int]) -> None:
    """Raise SweepBrake where one sweep ends more of the keys that lived before it than the contract allows, or all of them
    however few they are, and nobody has accepted it.

    `alive`: keys that outlive all of these sweeps. Of 100 keys a sweep that ends 6 is stopped, of 3 one that ends all.
    """
    most, fewest = _limits(plan)
    ordered = sorted(tolls)
    before = alive + sum(toll.keys for toll in ordered)
    for toll in ordered:
        stops = before >= fewest or toll.keys == before > 1
        if toll.load not in accepted and stops and toll.keys > most * before:
            raise SweepBrake(
                f"load {toll.load}: the sweep of {plan.entity} that began at {toll.at.isoformat()} did not find {toll.keys} of "
                f"{before} keys, more than the {most:.0%} that its contract allows; nothing was written",
                "see whether the source really lost them: if so, let them end "
                f"(lake accept {plan.entity} {toll.load} --why ...); if not, the sweep read an incomplete list: leave it out "
                f"(lake discard {plan.entity} {toll.load} --why ...); then run again",
            )
        before -= toll.keys


def _limits(plan: Plan) -> tuple[float, int]:
    """The largest share of keys that a sweep may end, and from how many keys on."""
    rule = plan.strategy("key_sweep")
    if rule is None or rule.max_fraction is None:
        return MAX_FRACTION, MIN_ROWS
    return rule.max_fraction, rule.min_rows or 0


def instant(at: datetime) -> str:
    """An aware instant as a SQL literal."""
    return f"TIMESTAMP '{at.isoformat()}'"
