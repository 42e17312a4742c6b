"""Key sweeps: which keys the source no longer had, and the brake that keeps a broken sweep from emptying a table."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import curated_type, quoted
from lake.curate.errors import RawDamaged, SweepBrake
from lake.curate.manifests import read_manifest
from lake.curate.reading import plan_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.manifests import Manifest, Sweep
    from lake.curate.store import Store


def sweeps_to_hold(batch: Sequence[Manifest], last: Manifest | None) -> tuple[Manifest, ...]:
    """The finished sweeps that this batch is held against, the earliest first.

    Those that end in the batch; and the last one before, where the batch brings rows that were observed before it: they
    were overtaken on their way.
    """
    found = {manifest.load: manifest for manifest in batch if manifest.ends_sweep}
    if last is not None and last.sweep is not None and _overtaken(batch, last.sweep.started_at):
        found[last.load] = last
    return tuple(sorted(found.values(), key=_started))


def latest(sweeps: Sequence[Manifest]) -> int | None:
    """The number of the manifest that ends the sweep which began last."""
    return max(sweeps, key=_started).load if sweeps else None


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
    return any(load.first_observed is not None and load.first_observed < started_at for load in batch)


def swept_keys(spark: SparkSession, store: Store, plan: Plan, sweeps: Sequence[Manifest]) -> DataFrame:
    """The key columns and `_seen`: the instants of the sweeps that found the key."""
    found = [_keys_of(spark, store, plan, manifest) for manifest in sweeps]
    union = reduce(lambda left, right: left.unionByName(right), found)
    return union.groupBy(*plan.key).agg(F.collect_set("_swept_at").alias("_seen"))


def _keys_of(spark: SparkSession, store: Store, plan: Plan, manifest: Manifest) -> DataFrame:
    loads = [_load_of(store, plan, manifest, number) for number in sweep_of(manifest).loads]
    written = {field.name: field.field for field in plan_of(store, manifest).key_fields}
    schema = ", ".join(f"{quoted(name)} STRING" for name in written.values())
    paths = [store.path(part.key) for load in loads for part in load.parts]
    keys = spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)
    said = sum(load.rows for load in loads)
    if (there := keys.count()) != said:
        raise RawDamaged(
            f"the sweep that ends in load {manifest.load}: its manifests count {said} keys, its parts hold {there}",
            "restore the parts from their noncurrent versions; a sweep with too few keys would delete what still lives",
        )
    columns = (
        F.expr(f"CAST({quoted(written[field.name])} AS {curated_type(field)})").alias(field.name)
        for field in plan.key_fields
    )
    return keys.select(*columns, F.expr(instant(_started(manifest))).alias("_swept_at"))


def _load_of(store: Store, plan: Plan, manifest: Manifest, number: int) -> Manifest:
    found = manifest if number == manifest.load else read_manifest(store, plan.entity, number)
    if found is None:
        raise RawDamaged(
            f"the sweep that ends in load {manifest.load} names load {number}, which has no manifest",
            "restore the manifest from its noncurrent versions: without it the sweep is not whole",
        )
    return found


def tombstones(
    known: DataFrame, dead: DataFrame, swept: DataFrame, sweeps: Sequence[Manifest], plan: Plan
) -> DataFrame:
    """Key columns and `deleted_at` (null: alive) of all keys that are not dead already.

    `known`: key columns, `_observed_at` and `_good` of the versions that the lake has; `dead`: the table of deletions as
    it is. A key ends with the first sweep after its newest good version that did not find it, and so does what
    quarantine holds of it: a bad version that was seen later does not keep an earlier good one alive.
    """
    instants = ", ".join(instant(_started(manifest)) for manifest in sweeps)
    unseen = "s > _observed_at AND NOT array_contains(coalesce(_seen, array()), s)"
    first = F.expr(f"array_min(filter(array({instants}), s -> {unseen}))")
    newest = known.groupBy(*plan.key, "_good").agg(F.max("_observed_at").alias("_observed_at"))
    alive = newest.join(dead.withColumnRenamed("deleted_at", "_dead_at"), list(plan.key), "left").where(
        "_dead_at IS NULL OR _dead_at <= _observed_at"
    )
    return alive.join(swept, list(plan.key), "left").groupBy(*plan.key).agg(F.max(first).alias("deleted_at"))


def brake(plan: Plan, gone: Mapping[datetime, int], alive: int) -> None:
    """Raise SweepBrake where one sweep ends more of the keys that lived before it than the contract allows.

    `gone`: keys by the instant that ends them; `alive`: keys that outlive all of these sweeps.
    """
    rule = plan.strategy("key_sweep")
    if rule is None or rule.max_fraction is None:
        return
    before = alive + sum(gone.values())
    for started_at in sorted(gone):
        ended = gone[started_at]
        if before >= (rule.min_rows or 0) and ended > rule.max_fraction * before:
            raise SweepBrake(
                f"the sweep of {plan.entity} that began at {started_at.isoformat()} did not find {ended} of {before} keys, "
                f"more than the {rule.max_fraction:.0%} that its contract allows; nothing was written",
                "see whether the source really lost them: if so, raise max_fraction in the contract, deploy, run, and set it "
                "back; if not, the sweep read an incomplete list, and the entity waits until its manifest is decided upon",
            )
        before -= ended


def instant(at: datetime) -> str:
    """An aware instant as a SQL literal."""
    return f"TIMESTAMP '{at.isoformat()}'"
