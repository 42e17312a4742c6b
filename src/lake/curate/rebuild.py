"""Rebuild: an entity's tables made anew from raw beside the old ones, compared with them, and put in their place."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.entity import curate_into
from lake.curate.errors import RawDamaged
from lake.curate.layout import Layout, Table, layout
from lake.curate.quarantine import with_trail
from lake.curate.tables import LAST_SWEEP, THROUGH
from lake.curate.work import through

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Plan
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables

SUFFIX = "__rebuild"
OWN_CLOCK = ("closed_at",)
"""Columns that say when the lake did something: a rebuild does it later."""
POINTER = ("_load", "_row")
SAMPLE = 5
PROGRESS = (THROUGH, LAST_SWEEP)
WORDS = {"only_before": "were only there before", "only_rebuilt": "are new", "different": "differ"}


def rebuild(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Make the entity's tables anew from all of its loads. Returns the record (docs/formats.md).

    Readers see the old rows of a table until the one commit that replaces them, and the table keeps its name, its earlier
    snapshots, its tags and its grants. After a crash anywhere it is run again: what lies beside is made from the beginning.
    Raises RawDamaged where raw holds less than the tables were made of; nothing is replaced then.
    """
    del ledger  # what sweeps lacked was asked for when they were finished
    shape = layout(plan)
    fresh = beside(shape)
    for table in shape.all:
        tables.ensure(table)
    for table in fresh.all:
        tables.drop(table)
    before = through(tables, shape)
    made = curate_into(spark, tables, store, None, plan, fresh, passed=frozenset(range(1, before + 1)))
    if made["through_load"] < before:
        raise RawDamaged(
            f"the tables of {plan.entity} hold loads up to {before}, but the manifests end with {made['through_load']}; nothing "
            "was replaced",
            "restore the manifests from their noncurrent versions, then rebuild again",
        )
    found = {
        old.name: _replace(tables, old, new, on)
        for old, new, on in zip(shape.all, fresh.all, _identities(shape, plan), strict=True)
    }
    for table in fresh.all:
        tables.drop(table)
    return {
        "entity": plan.entity,
        "task": "rebuild",
        "through_load": made["through_load"],
        "live_rows": made["live_rows"],
        "keyless": made["keyless"],
        "tables": found,
        "notes": [note for name, said in found.items() for note in _notes(name, said)],
    }


def beside(shape: Layout) -> Layout:
    """The tables that are made beside those of an entity."""
    return Layout(**{member.name: _beside(getattr(shape, member.name)) for member in fields(shape)})


def _beside(member: Table | tuple[Table, ...] | None) -> Any:
    if isinstance(member, Table):
        return replace(member, name=f"{member.name}{SUFFIX}")
    return tuple(map(_beside, member)) if member else member


def _identities(shape: Layout, plan: Plan) -> list[tuple[str, ...]]:
    """The columns that tell the rows of each table apart, in the order of `shape.all`."""
    known = {
        shape.current.name: plan.key,
        shape.deleted.name: plan.key,
        shape.quarantine.name: ("_record",),
        **{table.name: child.key for table, child in zip(shape.children, plan.children, strict=True)},
    }
    return [known.get(table.name, (*plan.key, *POINTER)) for table in shape.all]


def _replace(tables: Tables, old: Table, new: Table, on: Sequence[str]) -> dict[str, Any]:
    """Compare two tables and put the rows of the new one in place of the old one's, with their progress. Returns what differs."""
    seen = tables.snapshot(old)
    rows = _with_retired(tables.read(old), tables.read(new), on)
    if "replayed_by" in rows.columns:
        rows = with_trail(tables.read(old), rows)
    found = compared(tables.read(old), rows, on)
    if any(found[kind] for kind in WORDS) or found["repeated"]:
        tables.overwrite(old, rows, seen)
    progress = {name: tables.property_of(new, name) for name in PROGRESS}
    tables.note(old, {name: value for name, value in progress.items() if value is not None})
    return found


def compared(before: DataFrame, after: DataFrame, on: Sequence[str]) -> dict[str, Any]:
    """How many rows are `same`, `only_before`, `only_rebuilt` or `different`, and some keys of those that are not the same;
    `repeated`: rows that stood there more than once before."""
    names = [quoted(name) for name in after.columns if name not in on and name not in OWN_CLOCK]
    old = before.select(*on, F.struct(*names, F.lit(True)).alias("_before"))
    new = after.select(*on, F.struct(*names, F.lit(True)).alias("_after"))
    kind = (
        F.when(F.isnull("_after"), "only_before")
        .when(F.isnull("_before"), "only_rebuilt")
        .when(F.expr("_before = _after"), "same")
        .otherwise("different")
    )
    judged = old.join(new, list(on), "full").select(*on, kind.alias("_kind"))
    counts = {row["_kind"]: row["count"] for row in judged.groupBy("_kind").count().collect()}
    others = judged.where("_kind <> 'same'").limit(SAMPLE).collect() if counts.keys() - {"same"} else []
    return {
        **{name: counts.get(name, 0) for name in ("same", *WORDS)},
        "repeated": before.count() - before.select(*on).distinct().count(),
        "sample": [{"kind": row["_kind"], "key": [str(row[name]) for name in on]} for row in others],
    }


def _with_retired(before: DataFrame, after: DataFrame, on: Sequence[str]) -> DataFrame:
    """The new rows in the old table's columns. Columns that the contract no longer has keep their values where the row is the
    same version: nothing that was in the table is lost."""
    retired = [name for name in before.columns if name not in after.columns]
    if not retired:
        return after.select(*map(quoted, before.columns))
    same = list(dict.fromkeys((*on, *(name for name in POINTER if name in before.columns))))
    joined = after.join(before.select(*same, *map(quoted, retired)), same, "left")
    return joined.select(*map(quoted, before.columns))


def _notes(name: str, found: dict[str, Any]) -> list[str]:
    differ = [f"{found[kind]:,} rows {text}" for kind, text in WORDS.items() if found[kind]]
    if found["repeated"]:
        differ.append("its rows stood there more than once")
    return [f"{name} was replaced: {', '.join(differ)}"] if differ else []
