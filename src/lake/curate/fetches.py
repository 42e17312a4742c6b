"""Fetch lists: keys that a finished sweep saw and the lake lacks, for the next extraction to read by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lake.curate.key_texts import key_of_bad, key_of_sent, key_of_typed
from lake.curate.keys import seen_keys
from lake.curate.sweeps import instant, loads_of, sweep_of
from lake.raw.layout import fetches_key

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.ledger import Ledger
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store
    from lake.curate.tables import Tables

MOST = 100_000
"""Keys in a list. What it leaves out is still lacking when the next sweep has been read, and is on that one's list."""


def want(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    ledger: Ledger,
    plan: Plan,
    shape: Layout,
    sweep: Manifest,
    most: int = MOST,
) -> int:
    """Write down which keys the sweep saw and the merged tables lack. Returns how many they are."""
    lacks = lacking(spark, tables, store, plan, shape, sweep).localCheckpoint()
    found = int(lacks.count())
    if found:
        keys = [list(row["_sent"]) for row in lacks.orderBy("_key").limit(most).collect()]
        place = fetches_key(plan.entity, sweep.load)
        text = {
            "entity": plan.entity,
            "load": sweep.load,
            "sweep": sweep_of(sweep).id,
            "keys": keys,
            "left_out": found - len(keys),
        }
        store.put(place, json.dumps(text).encode())
        ledger.wanted(plan.entity, place, len(keys))
    return found


def lacking(spark: SparkSession, tables: Tables, store: Store, plan: Plan, shape: Layout, sweep: Manifest) -> DataFrame:
    """`_key` and `_sent`, arrays of texts: the keys that the sweep saw, of which neither current nor quarantine holds a version
    that no tombstone has ended, and which have not ended since the sweep began.

    Compared are the texts of values in today's types, or what was sent where it is not of them. A row without a key cannot
    be asked for.
    """
    seen = seen_keys(spark, store, plan, loads_of(store, plan, sweep)).select(key_of_sent(plan), "_sent")
    dead = tables.read(shape.deleted).select(key_of_typed(plan), "deleted_at")
    since = dead.where(f"deleted_at >= {instant(sweep_of(sweep).started_at)}")
    held = held_keys(tables, shape, plan).select("_key").union(since.select("_key"))
    asked = seen.where("NOT exists(_key, text -> text IS NULL)").dropDuplicates(["_key"])
    return asked.join(held, "_key", "left_anti")


def held_keys(tables: Tables, shape: Layout, plan: Plan) -> DataFrame:
    """`_key` (array of texts) and `_observed_at` of the versions in current, and of those in quarantine that no tombstone has
    ended."""
    dead = tables.read(shape.deleted).select(key_of_typed(plan), "deleted_at")
    current = tables.read(shape.current).select(key_of_typed(plan), "_observed_at")
    quarantined = tables.read(shape.quarantine).select(key_of_bad(plan), "_observed_at")
    bad = quarantined.join(dead, "_key", "left").where("deleted_at IS NULL OR deleted_at <= _observed_at")
    return current.union(bad.select("_key", "_observed_at"))
