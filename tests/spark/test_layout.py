"""How tables are kept for their readers: order, partitions, properties, comments; what a merge reads of them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lake.contract.plan import Curated, Plan
from lake.curate.entity import curate
from lake.curate.layout import Column, Table, layout
from lake.curate.merging import Change, Judged, from_rows
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import order
from tests.spark.raw_loads import RawFolder, at


def test_tables_are_kept_as_the_contract_says_and_follow_it(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    tables = Tables(spark, tables.database, small=0)  # all that a change reads is bounded
    parts = ("bucket(4, sales_order)",)
    plan = replace(plans["erp.sales_order"], curated=Curated(partition=parts, snapshots_s=86_400))
    shape = layout(plan)
    raw.rows(plan, [order(str(number), 1) for number in range(8)])
    curate(spark, tables, raw, Notebook(), plan)

    for table, column in ((shape.current, "sales_order"), (shape.children[0], "sales_order")):
        iceberg = tables.iceberg(table)
        assert f"bucket[4]({iceberg.schema().findField(column).fieldId()})" in iceberg.spec().toString()
        assert tables.property_of(table, "write.parquet.compression-codec") == "zstd"
        assert tables.property_of(table, "history.expire.max-snapshot-age-ms") == "86400000"

    raw.sweep(plan, [(str(number),) for number in range(8) if number != 5], at(5))
    raw.rows(plan, [order("3", 10, nets=("7.000", "8.000")), order("9", 10)])
    moved = replace(plan, description="Orders", curated=replace(plan.curated, sort=("creation_date",), snapshots_s=60))
    curate(spark, tables, raw, Notebook(), moved)
    assert sorted(row.sales_order for row in tables.read(shape.current).collect()) == list("01234679")
    items = Counter(row.sales_order for row in tables.read(shape.children[0]).collect())
    assert items == {key: 2 if key == "3" else 1 for key in "01234679"}
    current = tables.iceberg(shape.current)
    assert [field.sourceId() for field in current.sortOrder().fields()] == [
        current.schema().findField("creation_date").fieldId()
    ]
    assert tables.property_of(shape.current, "comment") == "Orders"
    assert tables.property_of(shape.current, "history.expire.max-snapshot-age-ms") == "60000"


THINGS = Table("things", "", (Column("id", "STRING", ""), Column("kind", "STRING", "")), sort=("id",))


def put(tables: Tables, table: Table, rows: list[tuple[str, str]]) -> None:
    """Update or insert."""
    tables.merge(table, update_or_insert(SparkSession.active().createDataFrame(rows, "id STRING, kind STRING")))


def update_or_insert(rows: DataFrame, judged: Judged | None = None) -> Change:
    """A change of things."""
    values = from_rows("id", "kind")
    return Change(rows, ("id",), ((None, values),), values, judged=judged)


def test_a_change_reads_only_the_files_in_whose_ranges_its_keys_lie(spark: Any, files: Tables) -> None:
    large = Tables(spark, files.database, small=0)
    large.ensure(THINGS)
    for letter in "acegm":
        put(large, THINGS, [(f"{letter}{number}", "old") for number in range(10)])
    found = large.read(THINGS).where("id BETWEEN 'c' AND 'h'").selectExpr("_file").distinct().collect()
    untouched = [Path(row[0].removeprefix("file:")) for row in found]
    for file in untouched:  # whoever reads it fails
        file.rename(file.with_suffix(".away"))

    put(large, THINGS, [("a3", "new"), ("m4", "new"), ("z1", "new")])
    near = large.near(THINGS, spark.createDataFrame([("a1",), ("m2",)], "id STRING"), ["id"]).collect()
    assert {row.id for row in near} >= {"a1", "m2"}

    for file in untouched:
        file.with_suffix(".away").rename(file)
    rows = [tuple(row) for row in large.read(THINGS).collect()]
    assert len(rows) == len({key for key, _ in rows}) == 51
    assert {key for key, kind in rows if kind == "new"} == {"a3", "m4", "z1"}


def test_a_change_all_over_a_table_is_not_bounded_for_testing_each_row_would_spare_no_file(
    spark: Any, tables: Tables
) -> None:
    large = Tables(spark, tables.database, small=0)
    large.ensure(THINGS)
    for letter in "acegm":
        put(large, THINGS, [(f"{letter}{number}", "old") for number in range(10)])
    everywhere = spark.createDataFrame([(f"{letter}1",) for letter in "acem"], "id STRING")
    somewhere = everywhere.where("id > 'd'")
    nowhere = everywhere.where("id > 'z'")
    plans = [large.near(THINGS, keys, ["id"])._jdf.queryExecution().analyzed() for keys in (everywhere, somewhere)]
    assert [plan.toString().count("Filter") for plan in plans] == [0, 1]
    assert large.near(THINGS, nowhere, ["id"]).isEmpty()


def test_a_row_that_moves_within_the_order_stays_one_row(spark: Any, tables: Tables) -> None:
    """A bound on a value that may change would leave the old row where it was and put a second one beside it."""
    large = Tables(spark, tables.database, small=0)
    by_kind = replace(THINGS, sort=("kind",))
    large.ensure(by_kind)
    for kind in ("b", "x", "a"):  # to and fro
        put(large, by_kind, [("1", kind), ("2", kind)])
        assert sorted(tuple(row) for row in large.read(by_kind).collect()) == [("1", kind), ("2", kind)]


def test_known_rows_are_changed_and_new_ones_appended_in_one_commit_unless_another_writer_was_there(
    spark: Any, tables: Tables
) -> None:
    large = Tables(spark, tables.database, small=0)
    large.ensure(THINGS)
    put(large, THINGS, [("a", "old"), ("m", "old")])
    seen = large.snapshot(THINGS)
    judged = Judged(seen, "id > 'm'", known=1, fresh=2)
    change = update_or_insert(
        spark.createDataFrame([("a", "new"), ("x", "new"), ("z", "new")], "id STRING, kind STRING"), judged
    )
    large.merge(THINGS, change)
    iceberg = large.iceberg(THINGS)
    assert sorted(tuple(row) for row in large.read(THINGS).collect()) == [
        ("a", "new"),
        ("m", "old"),
        ("x", "new"),
        ("z", "new"),
    ]
    was = [entry.snapshotId() for entry in iceberg.history()]
    assert was[-2:] == [int(seen), int(large.snapshot(THINGS))]  # what lay between was never the table
    assert list(iceberg.refs()) == ["main"]

    put(large, THINGS, [("z", "theirs"), ("y", "theirs")])  # after the change was judged
    late = Judged(str(was[-1]), "id = 'y'", known=1, fresh=1)
    large.merge(
        THINGS, update_or_insert(spark.createDataFrame([("z", "ours"), ("y", "ours")], "id STRING, kind STRING"), late)
    )
    rows = [tuple(row) for row in large.read(THINGS).where("id >= 'y'").collect()]
    assert sorted(rows) == [("y", "ours"), ("z", "ours")]


class Overtaken(Tables):
    """Tables in which another writer commits while a change is written."""

    def _write_parts(self, table: Table, change: Change, judged: Judged, target: str) -> None:
        super()._write_parts(table, change, judged, target)
        put(Tables(self._spark, self.database), table, [("m", "theirs"), ("x", "theirs")])


def test_a_writer_that_commits_while_a_change_is_written_loses_nothing_and_doubles_no_row(
    spark: Any, tables: Tables
) -> None:
    large = Overtaken(spark, tables.database, small=0)
    large.ensure(THINGS)
    put(tables, THINGS, [("a", "old"), ("m", "old")])
    judged = Judged(tables.snapshot(THINGS), "id > 'm'", known=1, fresh=2)
    rows = spark.createDataFrame([("a", "ours"), ("x", "ours"), ("z", "ours")], "id STRING, kind STRING")
    large.merge(THINGS, update_or_insert(rows, judged))
    assert sorted(tuple(row) for row in tables.read(THINGS).collect()) == [
        ("a", "ours"),
        ("m", "theirs"),
        ("x", "ours"),
        ("z", "ours"),
    ]
    assert list(tables.iceberg(THINGS).refs()) == ["main"]
