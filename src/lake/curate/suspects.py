"""Suspects: keys that the lake has and a sweep by counted pages did not see. Pages shift, so that they may live: the next
extraction asks for them by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lake.curate.fetches import held_keys
from lake.curate.key_texts import key_of_sent, key_of_typed
from lake.curate.keys import seen_keys
from lake.curate.sweeps import instant, loads_of, sweep_of
from lake.raw.layout import suspects_key

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.ledger import Ledger
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store
    from lake.curate.tables import Tables

MOST = 10_000
"""Keys in a list: each costs a fiftieth of a request. A sweep that misses more proves nothing."""


def suspect(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    ledger: Ledger,
    plan: Plan,
    shape: Layout,
    sweep: Manifest,
    most: int = MOST,
) -> list[dict[str, Any]]:
    """Write down which keys live by the merged tables and were not seen by the sweep. Returns problems for the run's report:
    one where they are too many to be asked for, or where no witness can be asked for with them, and none is."""
    seen = (
        seen_keys(spark, store, plan, loads_of(store, plan, sweep))
        .select(*plan.key, key_of_sent(plan))
        .localCheckpoint()
    )
    missed = _missed(tables, shape, plan, sweep, seen).localCheckpoint()
    found = int(missed.count())
    if not found:
        return []
    if found > most:
        return [_too_many(plan, sweep, found, most)]
    witness = _witness(tables, shape, plan, seen)
    if witness is None:
        return [_no_witness(plan, sweep, found)]
    place = suspects_key(plan.entity, sweep.load)
    text = {
        "entity": plan.entity,
        "load": sweep.load,
        "sweep": sweep_of(sweep).id,
        "keys": [list(row["_key"]) for row in missed.orderBy("_key").collect()],
        "witness": witness,
    }
    store.put(place, json.dumps(text).encode())
    ledger.suspected(plan.entity, place, found)
    return []


def _witness(tables: Tables, shape: Layout, plan: Plan, seen: DataFrame) -> list[str] | None:
    """A key that the sweep saw and current holds: of a good row all parts are of their types, and come back as such."""
    keys = list(plan.key)
    both = seen.select(*keys).join(tables.read(shape.current).select(*keys), keys, "left_semi")
    first = both.select(key_of_typed(plan)).orderBy("_key").limit(1).collect()
    return list(first[0]["_key"]) if first else None


def _missed(tables: Tables, shape: Layout, plan: Plan, sweep: Manifest, seen: DataFrame) -> DataFrame:
    """`_key` of the keys of which nothing was seen since the sweep began, nor by it. Rows without a key are left out."""
    held = held_keys(tables, shape, plan)
    since = held.where(f"_observed_at >= {instant(sweep_of(sweep).started_at)}")
    before = held.where("NOT exists(_key, text -> text IS NULL)").select("_key").dropDuplicates(["_key"])
    return before.join(since.select("_key").union(seen.select("_key")), "_key", "left_anti")


def _no_witness(plan: Plan, sweep: Manifest, found: int) -> dict[str, Any]:
    return {
        "error": "WitnessMissing",
        "cause": f"the sweep of {plan.entity} that ends in load {sweep.load} did not see {found:,} keys that the lake has, and "
        "its pages are counted: it saw no key of a good row in the lake that could be asked for with them, so that none is, and "
        "nothing was ended",
        "remedy": f"see in the source whether all these rows are gone (lake source compare {plan.entity})",
    }


def _too_many(plan: Plan, sweep: Manifest, found: int, most: int) -> dict[str, Any]:
    return {
        "error": "TooManySuspects",
        "cause": f"the sweep of {plan.entity} that ends in load {sweep.load} did not see {found:,} keys that the lake has, and "
        f"its pages are counted: of more than {most:,} none is asked for by key, and nothing was ended",
        "remedy": f"see in the source whether they are gone (lake source compare {plan.entity}); page it by `keyset` or `key`, "
        "or read it while nobody changes it",
    }
