"""Rebuild: tables made anew from raw are those that were there, and take their place where they are not."""

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.errors import RawDamaged
from lake.curate.layout import Table, layout
from lake.curate.rebuild import rebuild
from lake.curate.tables import THROUGH, Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import RawFolder, at


class PowerCut(Exception):
    """The process dies."""


class Failing(Tables):
    """Tables whose process dies behind the first table that it replaces."""

    def overwrite(self, table: Table, rows: DataFrame, seen: str) -> None:
        super().overwrite(table, rows, seen)
        raise PowerCut


def contents(tables: Tables, plan: Plan) -> list[list[str]]:
    """All rows of all tables of the entity, without the instants at which the lake did something."""
    return [sorted(map(str, tables.read(table).drop("closed_at").collect())) for table in layout(plan).all]


def test_tables_made_anew_from_raw_are_row_for_row_those_of_the_runs_and_repair_what_is_not(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    plan = plans["erp.sales_order"]
    shape = layout(plan)
    bad = order("9", 2, to_Item=[item("9", 1, RequestedQuantity=Decimal(-1))])
    raw.rows(plan, [*(order(str(number), 1, nets=("1.000",)) for number in range(4)), bad])
    curate(spark, tables, raw, Notebook(), plan)
    raw.sweep(plan, [("0",), ("1",), ("2",)], at(10))
    raw.rows(plan, [order("1", 20, nets=("7.000", "8.000"))])
    curate(spark, tables, raw, Notebook(), plan)
    whole = contents(tables, plan)
    right = [table for table in shape.all if table not in (shape.current, *shape.children)]
    snapshots = [tables.snapshot(table) for table in right]

    current, items = tables.name(shape.current), tables.name(shape.children[0])
    spark.sql(f"ALTER TABLE {current} ADD COLUMN retired STRING")
    spark.sql(f"UPDATE {current} SET retired = 'kept'")  # noqa: S608 (names of ours)
    spark.sql(f"UPDATE {current} SET sold_to_party = 'X' WHERE sales_order = '0'")  # noqa: S608 (names of ours)
    spark.sql(f"DELETE FROM {current} WHERE sales_order = '1'")  # noqa: S608 (names of ours)
    spark.sql(f"INSERT INTO {items} SELECT * FROM {items} WHERE sales_order = '2'")  # noqa: S608 (names of ours)
    with pytest.raises(PowerCut):
        rebuild(spark, Failing(spark, tables.database), raw, Notebook(), plan)
    said = rebuild(spark, tables, raw, Notebook(), plan)

    assert (said["task"], said["through_load"]) == ("rebuild", 3)
    assert said["tables"][shape.quarantine.name]["same"] == 1
    assert [tables.snapshot(table) for table in right] == snapshots
    assert sorted(row.retired or "" for row in tables.read(shape.current).collect()) == ["", "kept", "kept"]
    spark.sql(f"ALTER TABLE {current} DROP COLUMN retired")
    assert contents(tables, plan) == whole
    assert said["notes"] == ["erp_sales_order_item was replaced: its rows stood there more than once"]
    left = [row.tableName for row in spark.sql(f"SHOW TABLES IN {tables.database}").collect()]
    assert not [name for name in left if name.endswith("__rebuild")]

    for table in shape.all:
        tables.note(table, {THROUGH: "9"})
    with pytest.raises(RawDamaged, match="hold loads up to 9, but the manifests end with 3"):
        rebuild(spark, tables, raw, Notebook(), plan)
