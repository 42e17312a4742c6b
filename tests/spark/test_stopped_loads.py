"""Loads that a brake stops before anything is written, and what is done once somebody has decided about them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.decisions import Decision, Verdict
from lake.curate.entity import curate
from lake.curate.errors import QualityBrake, RawDamaged, SweepBrake
from lake.curate.layout import Layout, layout
from lake.curate.tables import Tables
from lake.raw.layout import decision_key
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import NOON, RawFolder, Version, at

type Record = dict[str, Any]


@pytest.fixture
def plan(plans: dict[str, Plan]) -> Plan:
    return plans["erp.sales_order"]


@pytest.fixture
def shape(plan: Plan) -> Layout:
    return layout(plan)


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, plan: Plan) -> Callable[[], Record]:
    """Curate what has landed; the balance closes."""

    def curated() -> Record:
        record = curate(spark, tables, raw, Notebook(), plan)
        parts = ("merged", "superseded", "unchanged", "quarantined", "discarded")
        assert record["landed"] == sum(record[part] for part in parts)
        assert record["live_by_raw"] == record["live_in_tables"]
        return record

    return curated


def orders(observed: float, bad: int, total: int = 100) -> list[Version]:
    wrong = [item("x", 1, RequestedQuantity=Decimal(-1))]
    return [
        order(f"{number:03d}", observed, to_Item=[{**wrong[0], "SalesOrder": f"{number:03d}"}])
        if number < bad
        else order(f"{number:03d}", observed)
        for number in range(total)
    ]


def decide(raw: RawFolder, plan: Plan, load: int, verdict: Verdict) -> None:
    raw.put(decision_key(plan.entity, load), Decision(load, verdict, "arn:someone", NOON, "because").dump())


def written(tables: Tables, shape: Layout) -> list[str]:
    return [tables.snapshot(table) for table in shape.all]


def test_a_load_with_too_many_bad_rows_waits_with_all_behind_it_until_somebody_decides(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, orders(1, bad=20))
    raw.rows(plan, orders(2, bad=21))
    raw.rows(plan, orders(3, bad=100))
    with pytest.raises(QualityBrake, match=r"load 2 of erp.sales_order: 21 of 100 rows .* row 0 \(sales_order_item"):
        run()
    assert written(tables, shape) == ["none"] * len(shape.all)

    decide(raw, plan, 2, "accept")
    with pytest.raises(QualityBrake, match=r"load 3 of erp.sales_order: 100 of 100"):
        run()
    decide(raw, plan, 3, "discard")
    record = run()
    assert (record["landed"], record["discarded"], record["through_load"]) == (300, 100, 3)
    assert (record["quarantined"], record["merged"]) == (41, 80)
    seen = {(row._load, row.status) for row in tables.read(shape.quarantine).collect()}
    assert seen == {(1, "open"), (2, "open")}


def test_a_sweep_that_the_brake_stopped_acts_where_it_is_accepted_and_never_where_it_is_discarded(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    keys = [f"{number:03d}" for number in range(100)]
    raw.rows(plan, orders(1, bad=0))
    half = raw.sweep(plan, [(key,) for key in keys[:50]], at(10), loads=2)
    with pytest.raises(SweepBrake, match=f"load {half}: .* did not find 50 of 100 keys"):
        run()
    decide(raw, plan, half, "discard")
    assert (run()["tombstoned"], run()["landed"]) == (0, 0)

    most = raw.refresh(plan, orders(21, bad=0, total=90), at(20), loads=2)
    raw.rows(plan, [order("099", 19)])  # overtaken by the sweep that is discarded
    with pytest.raises(SweepBrake, match=f"load {most}: .* did not find 10 of 100 keys"):
        run()
    decide(raw, plan, most, "accept")
    record = run()
    assert (record["tombstoned"], record["discarded"]) == (10, 0)
    assert {row.sales_order for row in tables.read(shape.current).collect()} == set(keys[:90])


def test_a_load_whose_parts_were_exchanged_touches_no_table(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1)])
    other = raw.rows(plan, [order("1", 1, nets=("99.000",))])
    files = sorted((raw.folder / "data").rglob("*.parquet"))
    files[0].write_bytes(files[1].read_bytes())
    with pytest.raises(RawDamaged, match=r"load 1: .* has the SHA-256 "):
        run()
    assert written(tables, shape) == ["none"] * len(shape.all)
    decide(raw, plan, 1, "discard")
    assert (run()["discarded"], other) == (1, 2)
