"""How tables are kept for their readers: order, partitions, properties, comments; what a merge reads of them."""

from dataclasses import replace
from typing import Any

from lake.contract.plan import Curated, Plan
from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import order
from tests.spark.raw_loads import RawFolder


def test_tables_are_kept_as_the_contract_says_and_follow_it(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    parts = ("bucket(4, sales_order)",)
    plan = replace(plans["erp.sales_order"], curated=Curated(partition=parts, snapshots_s=86_400))
    shape = layout(plan)
    raw.rows(plan, [order(str(number), 1) for number in range(8)])
    curate(spark, tables, raw, Notebook(), plan)

    for table, column in ((shape.current, "sales_order"), (shape.children[0], "sales_order")):
        iceberg = tables.iceberg(table)
        assert f"bucket[4]({iceberg.schema().findField(column).fieldId()})" in iceberg.spec().toString()
        assert tables.properties(table)["write.parquet.compression-codec"] == "zstd"
        assert tables.properties(table)["history.expire.max-snapshot-age-ms"] == "86400000"

    moved = replace(plan, description="Orders", curated=replace(plan.curated, sort=("creation_date",), snapshots_s=60))
    curate(spark, tables, raw, Notebook(), moved)
    current = tables.iceberg(shape.current)
    assert [field.sourceId() for field in current.sortOrder().fields()] == [
        current.schema().findField("creation_date").fieldId()
    ]
    properties = tables.properties(shape.current)
    assert (properties["comment"], properties["history.expire.max-snapshot-age-ms"]) == ("Orders", "60000")
