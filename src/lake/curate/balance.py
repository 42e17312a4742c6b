"""Counting: what a batch holds, and what the tables hold afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.checking import error_rules, warning_rules
from lake.curate.columns import json_member
from lake.curate.errors import RawDamaged
from lake.curate.keyless import keyless
from lake.curate.quarantine import only_in_quarantine, typed_keys
from lake.curate.tables import BROADCAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout
    from lake.curate.manifests import Manifest
    from lake.curate.tables import Tables


@dataclass(frozen=True, slots=True)
class Tally:
    """What a batch holds: versions, bad ones, those of each load, and versions by the rule that they break (`broken_in`: by
    load)."""

    rows: int
    quarantined: int
    bad: dict[int, int]
    broken: dict[str, int]
    broken_in: dict[int, dict[str, int]]
    warnings: dict[str, int]


def tally(batch: DataFrame, plan: Plan, loads: Sequence[Manifest]) -> Tally:
    """Count the batch in one pass; raises RawDamaged where a load doesn't hold what its manifest says."""
    errors = [rule.name for rule in error_rules(plan)]
    warnings = [rule.name for rule in warning_rules(plan)]
    rows = (
        batch.groupBy("_load")
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.count_if(F.size("_reasons") > 0).alias("bad"),
            F.array(*(F.sum(F.size(child.name)) for child in plan.children)).alias("items"),
            F.array(*(F.count_if(F.array_contains("_reasons", name)) for name in errors)).alias("errors"),
            F.array(*(F.count_if(F.array_contains("_warnings", name)) for name in warnings)).alias("warnings"),
        )
        .collect()
    )
    found = {row["_load"]: row for row in rows}
    for load in loads:
        row = found.get(load.load)
        _verify(load, row["rows"] if row else 0, _named(plan, row["items"] if row else ()))
    return Tally(
        rows=sum(row["rows"] for row in rows),
        quarantined=sum(row["bad"] for row in rows),
        bad={row["_load"]: row["bad"] for row in rows},
        broken=_sums(errors, [row["errors"] for row in rows]),
        broken_in={row["_load"]: _sums(errors, [row["errors"]]) for row in rows},
        warnings=_sums(warnings, [row["warnings"] for row in rows]),
    )


def _named(plan: Plan, items: Sequence[int]) -> dict[str, int]:
    return dict(zip((child.field for child in plan.children), items, strict=False))


def _verify(load: Manifest, rows: int, items: dict[str, int]) -> None:
    said = {"rows": load.rows} | {field: number for field, number in load.items.items() if field in items}
    there = {"rows": rows} | items
    for what, number in said.items():
        if number != there[what]:
            raise RawDamaged(
                f"load {load.load}: its manifest counts {number} ({what}), its parts hold {there[what]}",
                "restore the parts from their noncurrent versions; their checksums stand in the manifest",
            )


def _sums(names: Sequence[str], counts: Sequence[Sequence[int]]) -> dict[str, int]:
    """The counts by name, those of 0 left out."""
    total: Counter[str] = Counter()
    for numbers in counts:
        total.update(dict(zip(names, numbers, strict=True)))
    return dict(sorted((+total).items()))


def living(tables: Tables, layout: Layout, plan: Plan, touched: DataFrame, *, few: bool) -> dict[str, int]:
    """Read the tables once more: `live_in_tables`, how many touched keys are in current or only in quarantine;
    `live_rows`, rows of current that the source counts and keys that only quarantine holds; `keyless`, rows that it counts of
    which only bad records without a usable key tell. `few`: of touched keys."""
    keys = list(plan.key)
    texts = [F.col(name).cast("string").alias(name) for name in keys]
    current = tables.read(layout.current)
    soft = plan.strategy("soft_flag")
    flag = next((field for field in plan.fields if soft and field.field == soft.field), None)
    counted = current.where(~F.coalesce(F.col(flag.name), F.lit(False))) if flag else current
    parts = [
        ("live_rows", counted),
        ("live_in_tables", tables.matching(layout.current, touched.select(*keys), keys, few=few)),
    ]
    if not tables.is_empty(layout.quarantine):
        few = tables.rows(layout.quarantine) <= BROADCAST
        held = tables.matching(layout.current, typed_keys(tables, layout, plan), keys, few=few).select(*texts)
        only = only_in_quarantine(tables, layout, plan).join(held, keys, "left_anti")
        shown = F.expr(json_member("_raw", flag.raw)).eqNullSafe("true") if flag else F.lit(False)
        parts.append(("live_rows", only.where(~shown)))
        if (unnamed := keyless(tables, layout, plan)) is not None:
            parts.append(("keyless", unnamed.where(~shown)))
        parts.append(("live_in_tables", touched.select(*texts).join(only, keys, "left_semi")))
    sums = (part.agg(F.lit(name).alias("name"), F.count(F.lit(1)).alias("n")) for name, part in parts)
    result: Counter[str] = Counter({"keyless": 0})
    for row in reduce(lambda left, right: left.union(right), sums).collect():
        result[row["name"]] += row["n"]
    return dict(result)
