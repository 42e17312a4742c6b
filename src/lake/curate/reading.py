"""Raw loads as one batch of typed and checked versions."""

from __future__ import annotations

from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 (the name that all of Spark's users know)

from lake.contract.plan import Plan
from lake.curate.checking import error_rules, names_of_broken, warning_rules
from lake.curate.columns import (
    LINEAGE_IN_RAW,
    content,
    curated_type,
    from_source,
    literal,
    misfit,
    quoted,
    raw_schema,
    typed,
    written_as,
)
from lake.curate.errors import PlanLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from lake.contract.plan import Child, Field
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store

JSON_OPTIONS = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "ignoreNullFields": "false"}
JSON_OF_VALUES = JSON_OPTIONS | {"ignoreNullFields": "true"}
"""Without nulls: a field that a later plan brings makes no record look new."""


def plan_of(store: Store, manifest: Manifest) -> Plan:
    """The plan that wrote a load; raises PlanLost."""
    text = store.get(f"plans/{manifest.plan}.json")
    if text is None:
        raise PlanLost(
            f"load {manifest.load} was written under plan {manifest.plan}, which plans/ in the raw bucket doesn't hold",
            "restore its noncurrent version, or deploy the release that wrote the load once more: it copies its plans there",
        )
    return Plan.load(text.decode())


def by_plan(store: Store, loads: Sequence[Manifest]) -> list[tuple[Plan, list[Manifest]]]:
    """The loads by the plan that wrote them; raises PlanLost."""
    ordered = sorted(loads, key=lambda load: load.plan)
    groups = [list(group) for _, group in groupby(ordered, key=lambda load: load.plan)]
    return [(plan_of(store, group[0]), group) for group in groups]


def versions(spark: SparkSession, store: Store, plan: Plan, loads: Sequence[Manifest]) -> DataFrame:
    """All versions of the loads in today's columns, one row each.

    Beside the fields and an array for each child: `_load`, `_row`, `_observed_at`, `_cursor`, `_content`, `_plan` (hash of the
    plan that wrote it), `_reasons` and `_warnings` (names of broken rules); where there are reasons, `_raw` (the record as
    JSON) and `_record` (SHA-256 of what was sent, wherever and whenever it came).
    """
    parts = [
        _checked(_today(_raw(spark, store, group, written), written, plan), plan)
        for written, group in by_plan(store, loads)
    ]
    return reduce(
        lambda left, right: left.unionByName(right),
        parts or [_checked(_today(_nothing(spark, plan), plan, plan), plan)],
    )


def _checked(rows: DataFrame, plan: Plan) -> DataFrame:
    """What the rules say of rows in today's columns."""
    bad = F.size("_reasons") > 0
    return (
        rows.withColumns(
            {
                "_reasons": F.expr(names_of_broken(error_rules(plan))),
                "_warnings": F.expr(names_of_broken(warning_rules(plan))),
                "_content": F.expr(content(plan)),
            }
        )
        .withColumns(
            {
                "_raw": F.when(bad, F.to_json("_source", JSON_OPTIONS)),
                "_record": F.when(bad, F.sha2(F.to_json("_sent", JSON_OF_VALUES), 256)),
            }
        )
        .drop("_source", "_sent", "_misfit")
    )


def _raw(spark: SparkSession, store: Store, loads: list[Manifest], written: Plan) -> DataFrame:
    """The loads of one plan as they lie in raw, the source's columns called as by `from_source`, and `_load`."""
    paths = [store.path(part.key) for load in loads for part in load.parts]
    files = ", ".join(f"({literal(part.file)}, {load.load}L)" for load in loads for part in load.parts)
    numbers = spark.sql(f"SELECT * FROM VALUES {files} AS loads(_file, _load)")  # noqa: S608 (escaped literals)
    raw = spark.read.schema(raw_schema(written)).parquet(*paths)
    file = raw.metadataColumn("_metadata").getField("file_name")  # not by its name: the source may have such a field
    rows = _apart(raw, written, file.alias("_file")).join(F.broadcast(numbers), "_file").drop("_file")
    # A part may be one row group, which one worker alone could type; and what compares versions of a key finds them together.
    return rows.repartition(*(F.col(quoted(from_source(field))) for field in written.key_fields))


def _nothing(spark: SparkSession, plan: Plan) -> DataFrame:
    """A load without rows."""
    return _apart(spark.createDataFrame([], raw_schema(plan)), plan, F.lit(0).cast("bigint").alias("_load"))


def _apart(raw: DataFrame, written: Plan, *more: Column) -> DataFrame:
    """Raw rows with the source's columns called as by `from_source`, and more columns."""
    parts: tuple[Field | Child, ...] = (*written.fields, *written.children)
    columns = (F.col(quoted(part.raw)).alias(from_source(part)) for part in parts)
    return raw.select(*columns, *(name for name, _ in LINEAGE_IN_RAW), *more)


def _today(raw: DataFrame, written: Plan, today: Plan) -> DataFrame:
    """Raw rows in today's columns; `_source` holds the row as it was, `_sent` what of it the source sent."""
    parts: tuple[Field | Child, ...] = (*written.fields, *written.children)
    source = {part.raw: F.col(quoted(from_source(part))).alias(part.raw) for part in parts}
    source |= {name: F.col(name) for name, _ in LINEAGE_IN_RAW}
    sent = sorted(source.keys() - {"_row", "_observed_at", "_cursor"})
    return raw.select(
        *(F.expr(text).alias(name) for name, text in _values(written, today).items()),
        F.expr(_misfit(written, today)).alias("_misfit"),
        *("_load", "_row", "_observed_at", "_cursor"),
        F.lit(written.sha256).alias("_plan"),
        F.struct(*source.values()).alias("_source"),
        F.struct(*(source[name] for name in sent)).alias("_sent"),
    )


def _values(written: Plan, today: Plan) -> dict[str, str]:
    """The SQL of each curated column, from raw columns."""
    values = {}
    for field in today.fields:
        old = written_as(written.fields, field)
        values[field.name] = typed(old, field, quoted(from_source(old)) if old else "")
    children = {child.name: child for child in written.children}
    for child in today.children:
        values[child.name] = _items(children.get(child.name), child)
    return values


def _items(written: Child | None, today: Child) -> str:
    kind = ", ".join(f"{quoted(field.name)}: {curated_type(field)}" for field in today.fields)
    if written is None:
        return f"CAST(array() AS ARRAY<STRUCT<{kind}>>)"
    members = ", ".join(
        f"{literal(field.name)}, {typed(old, field, _of_item(old) if old else '')}"
        for field in today.fields
        for old in (written_as(written.fields, field),)
    )
    return f"coalesce(transform({quoted(from_source(written))}, x -> named_struct({members})), array())"


def _misfit(written: Plan, today: Plan) -> str:
    """The SQL condition that some value of the document is not of its type."""
    lost = _misfits(written.fields, today.fields, lambda old: quoted(from_source(old)))
    children = {child.name: child for child in written.children}
    for child in today.children:
        if (old := children.get(child.name)) is not None and (of_item := _misfits(old.fields, child.fields, _of_item)):
            lost.append(f"coalesce(exists({quoted(from_source(old))}, x -> {' OR '.join(of_item)}), false)")
    return " OR ".join(("_unfit IS NOT NULL", *lost))


def _of_item(field: Field) -> str:
    return f"x.{quoted(field.raw)}"


def _misfits(written: tuple[Field, ...], today: tuple[Field, ...], value_of: Callable[[Field], str]) -> list[str]:
    """The SQL conditions that a value was lost on its way to today's type, one for each field where that can be."""
    pairs = ((written_as(written, field), field) for field in today)
    found = (misfit(old, field, value_of(old)) for old, field in pairs if old)
    return [condition for condition in found if condition]
