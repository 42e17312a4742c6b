"""What quarantine holds: the keys of its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.keys import from_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.tables import Tables


def typed_keys(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Quarantine with its keys in the types of current; versions without a key left out."""
    typed = {field.name: F.expr(from_text(field, f"`{field.name}`")) for field in plan.key_fields}
    return tables.read(layout.quarantine).withColumns(typed).dropna(how="any", subset=list(plan.key))


def latest_bad(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Key columns and `_bad_at`: when quarantine last got a version of the key."""
    return typed_keys(tables, layout, plan).groupBy(*plan.key).agg(F.max("_observed_at").alias("_bad_at"))


def only_in_quarantine(tables: Tables, layout: Layout, plan: Plan) -> DataFrame:
    """Keys as strings, `_bad_at` and `_row`: what quarantine holds of keys that no tombstone has ended, newest version each."""
    keys = list(plan.key)
    bad = tables.read(layout.quarantine).dropna(how="any", subset=keys)
    newest = bad.groupBy(*keys).agg(
        F.max("_observed_at").alias("_bad_at"), F.max_by("row", F.struct("_observed_at", "_cursor")).alias("_raw")
    )
    dead = tables.read(layout.deleted).select(*(F.col(name).cast("string").alias(name) for name in keys), "deleted_at")
    return newest.join(dead, keys, "left").where("deleted_at IS NULL OR _bad_at >= deleted_at").drop("deleted_at")
