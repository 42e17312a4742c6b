"""What quarantine holds: each bad record once, whether it still counts, and what a run changes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import literal, quoted
from lake.curate.keys import from_text
from lake.curate.merging import Change, from_rows
from lake.curate.sweeps import instant

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.tables import Tables

OPEN, REPLAYED, SUPERSEDED = "open", "replayed", "superseded"
SIGHTING = ("_observed_at", "_cursor", "_load", "_row")
"""Which of two sightings of one bad record is newer: version order, the pointer to break ties."""
POINTER = ("_load", "_row")
JUDGED = ("reasons", "row", "plan", "contract")
STANDING = ("status", "closed_at", "replayed_by")


def open_rows(tables: Tables, layout: Layout) -> DataFrame:
    """The bad records that nothing newer has taken the place of: those that count."""
    return tables.read(layout.quarantine).where(F.col("status") == OPEN)


def typed_keys(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Key columns in the types of current and `_observed_at` of open rows: when each was first and last seen. Those without a
    key are left out."""
    typed = (F.expr(from_text(field, f"`{field.name}`")).alias(field.name) for field in plan.key_fields)
    seen = F.explode(F.array_distinct(F.array("first_seen", "_observed_at"))).alias("_observed_at")
    return open_rows(tables, layout).select(*typed, seen).dropna(how="any", subset=list(plan.key))


def latest_bad(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Key columns and `_bad_at`: when an open version of the key was last seen."""
    return typed_keys(tables, layout, plan).groupBy(*plan.key).agg(F.max("_observed_at").alias("_bad_at"))


def only_in_quarantine(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Keys as strings, `_bad_at` and `_raw` of the newest open row of each key."""
    keys = list(plan.key)
    bad = open_rows(tables, layout).dropna(how="any", subset=keys)
    return bad.groupBy(*keys).agg(
        F.max("_observed_at").alias("_bad_at"), F.max_by("row", F.struct("_observed_at", "_cursor")).alias("_raw")
    )


def settle(tables: Tables, layout: Layout, plan: Plan, batch: DataFrame, judged: DataFrame, at: datetime) -> None:
    """Bring quarantine to what the batch and the merged tables say: bad records that came, and those that count no more.

    `judged`: the fates of the batch's keys. `at` becomes `closed_at` of what is closed now.
    """
    table = layout.quarantine
    stored = with_keys(tables.read(table), batch, plan)
    found = changes(stored, arrived(batch, plan), after(judged, plan), tables.read(layout.deleted), plan, at)
    changed = found.localCheckpoint()
    if changed.isEmpty():
        return
    values = from_rows(*(column.name for column in table.columns))
    tables.merge(table, Change(changed, ("_record",), ((None, values),), values))


def with_keys(stored: DataFrame, batch: DataFrame, plan: Plan) -> DataFrame:
    """Quarantine, where open rows that had no key have the one that a good version of the batch has got for them: what was read
    again by a contract that takes it is closed like any other."""
    without = " OR ".join(f"{quoted(name)} IS NULL" for name in plan.key)
    unnamed = stored.where(F.col("status") == OPEN).where(without).select(*POINTER)
    good = batch.where(F.size("_reasons") == 0).join(F.broadcast(unnamed), list(POINTER), "left_semi")
    keys = F.struct(*(F.col(name).cast("string").alias(name) for name in plan.key)).alias("_good")
    named = stored.join(F.broadcast(good.select(*POINTER, keys)), list(POINTER), "left")
    found = {name: F.coalesce(F.col(name), F.col(f"_good.{quoted(name)}")).alias(name) for name in plan.key}
    return named.select(*(found.get(name, F.col(name)) for name in stored.columns))


def with_trail(before: DataFrame, after: DataFrame) -> DataFrame:
    """Quarantine made anew, and what was replayed of the old one: today's contract takes it, but that it was held back stays."""
    replayed = before.where(F.col("status") == REPLAYED).join(after, "_record", "left_anti")
    return after.unionByName(replayed.select(*after.columns))


def arrived(batch: DataFrame, plan: Plan) -> DataFrame:
    """The bad records of a batch, each once, with its newest sighting and `first_seen`."""
    keys = (F.col(name).cast("string").alias(name) for name in plan.key)
    judged = (F.col("_reasons").alias("reasons"), F.col("_raw").alias("row"), F.col("_plan").alias("plan"))
    bad = batch.where(F.size("_reasons") > 0).select("_record", *SIGHTING, *keys, *judged)
    rest = (name for name in bad.columns if name not in ("_record", *SIGHTING))
    newest = F.max(F.struct(*SIGHTING, *rest)).alias("_newest")
    once = bad.groupBy("_record").agg(newest, F.min("_observed_at").alias("first_seen"))
    return once.select("_record", "first_seen", "_newest.*", F.lit(plan.version).alias("contract"))


def after(judged: DataFrame, plan: Plan) -> DataFrame:
    """Keys as strings and `_after`, the order of the row that current holds once the batch is merged (null: none)."""
    keys = (F.col(name).cast("string").alias(name) for name in plan.key)
    return judged.select(*keys, F.expr("CASE WHEN _wins THEN _order WHEN NOT _ends THEN _held END").alias("_after"))


def changes(
    stored: DataFrame, arrived: DataFrame, after: DataFrame, dead: DataFrame, plan: Plan, at: datetime
) -> DataFrame:
    """The rows of quarantine as they are to be, as far as they differ from what is stored.

    A record is open until current holds a newer version of its key, or a tombstone came after it was last seen
    (`superseded`), or current holds this very version, which a later contract has found good (`replayed`). Seen again it is
    open again.
    """
    came = arrived.select("_record", F.struct(*(name for name in arrived.columns if name != "_record")).alias("_new"))
    was = stored.where("_record IS NOT NULL").select("_record", F.struct(*stored.columns).alias("_old"))
    both = came.join(was, "_record", "full").where(f"_new IS NOT NULL OR _old.status = {literal(OPEN)}")
    newer = f"_new IS NOT NULL AND (_old IS NULL OR {_sighting('_new')} >= {_sighting('_old')})"
    seen = both.withColumn("_takes", F.expr(newer)).select(
        "_record",
        "_old",
        "_takes",
        *(_either(name).alias(name) for name in (*SIGHTING, *plan.key, *JUDGED)),
        F.expr("least(_new.first_seen, _old.first_seen)").alias("first_seen"),
    )
    keys = list(plan.key)
    gone = dead.select(*(F.col(name).cast("string").alias(name) for name in keys), "deleted_at")
    known = seen.join(after, keys, "left").join(gone, keys, "left").withColumn("status", F.expr(_status()))
    same = F.expr("_old IS NOT NULL AND _old.status = status")
    closed = F.when(same, F.col("_old.closed_at")).when(F.col("status") != OPEN, F.expr(instant(at)))
    by = F.when(same, F.col("_old.replayed_by")).when(F.col("status") == REPLAYED, F.lit(plan.sha256))
    rows = known.withColumns({"closed_at": closed, "replayed_by": by})
    compared = (*SIGHTING, *JUDGED, *STANDING, "first_seen")
    differs = " OR ".join(f"NOT ({name} <=> _old.{name})" for name in compared)
    return rows.where(f"_old IS NULL OR {differs}").select(*stored.columns)


def _either(name: str) -> Column:
    return F.expr(f"IF(_takes, _new.{quoted(name)}, _old.{quoted(name)})")


def _sighting(side: str) -> str:
    return f"struct({', '.join(f'{side}.{name}' for name in SIGHTING)})"


def _status() -> str:
    """A record that came as a bad one is not the good one that current holds under its pointer."""
    itself = "NOT _takes AND _after._load = _load AND _after._row = _row"
    newer = "struct(_after._observed_at, _after._cursor) >= struct(_observed_at, _cursor)"
    overtaken = f"(_after IS NOT NULL AND NOT (_after._load = _load AND _after._row = _row) AND {newer})"
    stays = f"NOT _takes AND _old.status <> {literal(OPEN)}"
    return f"""CASE WHEN {stays} THEN _old.status
        WHEN {itself} THEN {literal(REPLAYED)}
        WHEN {overtaken} OR deleted_at > _observed_at THEN {literal(SUPERSEDED)}
        ELSE {literal(OPEN)} END"""
