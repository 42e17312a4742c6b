"""Keys as raw holds them: those that a sweep saw, and those that the source said are gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import json_member, quoted, raw_type, typed, written_as
from lake.curate.errors import PlanLost, RawDamaged
from lake.curate.reading import by_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from lake.contract.plan import Field, Plan
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of today's key: the SQL of its value (null where what was sent is not of its type) and of its text as sent."""

    name: str
    value: str
    sent: str


def seen_keys(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest]) -> DataFrame:
    """The keys of a sweep's loads, a row each: the key columns and `_sent`, an array of their texts as sent.

    A full refresh is a sweep whose keys are those of its rows. Raises RawDamaged.
    """
    found = []
    for written, group in by_plan(store, loads):
        for kind, form in (("keys", _of_texts), ("rows", _of_rows)):
            if some := [load for load in group if load.kind == kind]:
                schema, columns = form(written, plan)
                parts = _parts(spark, store, some, schema)
                found.append(parts.select(*_values(columns), F.expr(_array(columns)).alias("_sent")))
    return reduce(lambda left, right: left.union(right), found)


def told_keys(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest]) -> DataFrame:
    """The key columns and `_told_at`: when the source last said that the key is gone. Raises RawDamaged."""
    return _told(spark, store, plan, loads).groupBy(*plan.key).agg(F.max("_observed_at").alias("_told_at"))


def told_instants(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest]) -> DataFrame:
    """The key columns and `_gone`: all instants at which the source said that the key is gone. Raises RawDamaged."""
    return _told(spark, store, plan, loads).groupBy(*plan.key).agg(F.collect_set("_observed_at").alias("_gone"))


def _told(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest]) -> DataFrame:
    """The key columns and `_observed_at` of tombstones. A key that is not of its type has no version that could end."""
    found = []
    for written, group in by_plan(store, loads):
        schema, columns = _of_texts(written, plan)
        parts = _parts(spark, store, group, f"{schema}, _observed_at TIMESTAMP")
        found.append(parts.select(*_values(columns), "_observed_at"))
    return reduce(lambda left, right: left.union(right), found).dropna(how="any", subset=list(plan.key))


def from_text(field: Field, text: str) -> str:
    """The SQL of a field's value from the text that was sent; null where that is not of its type."""
    return typed(replace(field, type="string"), field, text)


def unfit_text(field: str, unfit: str) -> str:
    """The SQL of what was sent for an API field, from the JSON of the values that were not of their types."""
    return json_member(unfit, field)


def _of_texts(written: Plan, plan: Plan) -> tuple[str, list[KeyColumn]]:
    """Schema and key of files that hold keys as texts."""
    columns = []
    for field in plan.key_fields:
        there = quoted(_of_key(written, field).raw)
        columns.append(KeyColumn(field.name, from_text(field, there), there))
    return ", ".join(f"{column.sent} STRING" for column in columns), columns


def _of_rows(written: Plan, plan: Plan) -> tuple[str, list[KeyColumn]]:
    """Schema and key of files of rows: typed, or among the values that were not of their types."""
    columns = [_of_row(_of_key(written, field), field) for field in plan.key_fields]
    schema = ", ".join(f"{quoted(field.raw)} {raw_type(field)}" for field in written.key_fields)
    return f"{schema}, _unfit STRING", columns


def _of_key(written: Plan, today: Field) -> Field:
    """The field of an earlier key that is today's; raises PlanLost where the key was another one."""
    found = written_as(written.key_fields, today)
    if found is None:
        raise PlanLost(
            f"{written.entity} had no {today.name} in its key, {', '.join(written.key)}, when version {written.version} of its "
            "contract was in force",
            "another key is another entity: give it a contract of its own",
        )
    return found


def _of_row(written: Field, today: Field) -> KeyColumn:
    there, unfit = quoted(written.raw), unfit_text(written.field, "_unfit")
    value = f"coalesce({typed(written, today, there)}, {from_text(today, unfit)})"
    return KeyColumn(today.name, value, f"coalesce(CAST({there} AS STRING), {unfit})")


def _values(columns: Sequence[KeyColumn]) -> list[Column]:
    return [F.expr(column.value).alias(column.name) for column in columns]


def _array(columns: Sequence[KeyColumn]) -> str:
    return f"array({', '.join(column.sent for column in columns)})"


def _parts(spark: SparkSession, store: Store, loads: Sequence[Manifest], schema: str) -> DataFrame:
    """The parts of the loads; raises RawDamaged where they do not hold as many keys as the manifests say."""
    paths = [store.path(part.key) for load in loads for part in load.parts]
    keys = spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)
    said, there = sum(load.rows for load in loads), keys.count() if paths else 0
    if said != there:
        numbers = ", ".join(str(load.load) for load in loads)
        raise RawDamaged(
            f"loads {numbers}: their manifests count {said} keys, their parts hold {there}",
            "restore the parts from their noncurrent versions: a sweep with too few keys would delete what still lives",
        )
    return keys
