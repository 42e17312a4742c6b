"""Verify: all keys of all loads against the tables, and rows that name what the lake lacks."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lake.contract.plan import Plan, Relationship
from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.tables import Tables
from lake.curate.verify import verify
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.partners import partner
from tests.spark.raw_loads import RawFolder, at

SOLD_TO = Relationship("sold_to_a_partner", ("sold_to_party",), "erp.business_partner", ("business_partner",))


def test_what_the_tables_lack_or_hold_beyond_raw_is_counted_over_all_keys(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    plan = replace(plans["erp.sales_order"], relationships=(SOLD_TO,))
    shape = layout(plan)
    bad = order("9", 2, to_Item=[item("9", 1, RequestedQuantity=Decimal(-1))])
    raw.rows(plan, [*(order(str(number), 1) for number in range(5)), bad])
    raw.sweep(plan, [("0",), ("1",), ("2",), ("3",), ("9",)], at(10))
    raw.rows(plan, [order("1", 20, nets=("7.000",)), order("2", 20, SoldToParty="0000000007")])
    curate(spark, tables, raw, Notebook(), plan)
    raw.rows(plan, [order("8", 30)])  # no run has taken it yet
    raw.rows(plans["erp.business_partner"], [partner("0000000001", "Adler")])
    curate(spark, tables, raw, Notebook(), plans["erp.business_partner"])

    said = verify(spark, tables, raw, Notebook(), plan)

    assert (said["live_by_raw"], said["live_in_tables"], said["live_rows"], said["sample"]) == (5, 5, 5, [])
    assert (said["only_in_raw"], said["only_in_tables"], said["older"], said["problems"]) == (0, 0, 0, [])
    assert said["notes"] == ["1 rows break the relationship sold_to_a_partner"]

    current = tables.name(shape.current)
    spark.sql(f"DELETE FROM {current} WHERE sales_order = '0'")  # noqa: S608 (names of ours)
    spark.sql(f"UPDATE {current} SET sales_order = '77' WHERE sales_order = '3'")  # noqa: S608 (names of ours)
    spark.sql(f"UPDATE {current} SET _observed_at = TIMESTAMP '2026-11-16' WHERE sales_order = '1'")  # noqa: S608 (names of ours)
    said = verify(spark, tables, raw, Notebook(), plan)

    assert (said["live_by_raw"], said["live_in_tables"]) == (5, 4)
    assert (said["only_in_raw"], said["only_in_tables"], said["older"]) == (2, 1, 1)
    assert sorted(said["sample"]) == [["0"], ["1"], ["3"], ["77"]]
    assert said["problems"][0]["error"] == "OlderVersions"
