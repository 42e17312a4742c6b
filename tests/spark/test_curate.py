"""Curating loads of orders: versions, items, quarantine, sweeps, repeats."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.errors import PlanLost, RawDamaged, SweepBrake
from lake.curate.layout import Layout, layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import RawFolder, Version, at

type Record = dict[str, Any]


@pytest.fixture
def plan(plans: dict[str, Plan]) -> Plan:
    return plans["erp.sales_order"]


@pytest.fixture
def shape(plan: Plan) -> Layout:
    return layout(plan)


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, plan: Plan) -> Callable[[], Record]:
    """Curate what has landed."""
    return lambda: curate(spark, tables, raw, Notebook(), plan)


def orders(tables: Tables, shape: Layout) -> dict[str, tuple[int, int]]:
    """Order → the load and row of its current version."""
    return {row.sales_order: (row._load, row._row) for row in tables.read(shape.current).collect()}


def nets(tables: Tables, shape: Layout) -> dict[str, list[str]]:
    """Order → the net amounts of its items, in the order of the document."""
    rows = sorted(tables.read(shape.children[0]).collect(), key=lambda row: row._item)
    return {
        key: [str(row.net_amount) for row in rows if row.sales_order == key]
        for key in sorted({row.sales_order for row in rows})
    }


def quarantine(tables: Tables, shape: Layout) -> dict[tuple[int, int], list[str]]:
    """Pointer into raw → reasons."""
    return {(row._load, row._row): row.reasons for row in tables.read(shape.quarantine).collect()}


def balanced(record: Record) -> bool:
    parts = ("merged", "superseded", "unchanged", "quarantined")
    return bool(
        record["landed"] == sum(record[part] for part in parts) and record["live_by_raw"] == record["live_in_tables"]
    )


def test_the_newest_version_wins_and_its_items_replace_all_others(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1, nets=("1.000", "2.000", "3.000")), order("2", 1), order("3", 1)], parts=2)
    first = run()
    assert (first["merged"], first["items"], first["live_rows"]) == (3, {"sales_order_item": 5}, 3)

    raw.rows(plan, [
        order("1", 5, nets=("2.500",)),  # changed, two items gone
        order("2", 5, changed=1),  # seen again, equal
        order("3", 0, changed=9, nets=("9.000",)),  # seen earlier: an old load's row, whatever its stamp
        order("1", 4, nets=("4.000",)),  # overtaken within its own load
    ])  # fmt: skip
    second = run()

    assert orders(tables, shape) == {"1": (2, 0), "2": (2, 1), "3": (1, 2)}
    assert nets(tables, shape) == {"1": ["2.500"], "2": ["10.000"], "3": ["10.000"]}
    assert (second["merged"], second["unchanged"], second["superseded"]) == (1, 1, 2)
    assert balanced(first)
    assert balanced(second)


def test_of_two_versions_seen_at_once_the_later_stamp_wins_to_the_last_digit(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    late = order("1", 1, nets=("2.000",))
    late = Version(late.values, late.observed_at, "2026-11-16T12:00:00.0000002Z")
    early = Version(order("1", 1).values, late.observed_at, "2026-11-16T12:00:00.0000001Z")
    unstamped = Version(order("1", 1).values, late.observed_at, None)
    raw.rows(plan, [late, early, unstamped])
    run()
    assert nets(tables, shape) == {"1": ["2.000"]}


def test_stamps_of_seven_digits_keep_their_microseconds(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(
        plan,
        [order("1", 1, LastChangeDateTime="2026-11-16T13:00:00.1234567+01:00"), order("2", 1, LastChangeDateTime=None)],
    )
    run()
    texts = (
        tables.read(shape.current).selectExpr("sales_order", "CAST(last_change_date_time AS STRING) AS at").collect()
    )
    assert {row.sales_order: row.at for row in texts} == {"1": "2026-11-16 12:00:00.123456", "2": None}


def test_what_breaks_the_contract_is_kept_apart_and_the_good_version_stays(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1), order("2", 1)])
    run()
    raw.rows(plan, [
        order("1", 5, to_Item=[item("1", 1), item("1", 2, RequestedQuantity=Decimal("-1.000"))]),
        order(None, 5, to_Item=[]),
        order("3", 5, to_Item=[item("3", 1), item("3", 1)]),
        order("4", 5, to_Item=[item("5", 1)]),
        order("5", 5, SoldToParty=None),
        Version(order("6", 5, TotalNetAmount=None).values, at(5), None, unfit={"TotalNetAmount": "1.2345"}),
        order("2", 5),
    ])  # fmt: skip
    record = run()

    assert quarantine(tables, shape) == {
        (2, 0): ["sales_order_item.requested_quantity_not_negative"],
        (2, 1): ["key_missing"],
        (2, 2): ["sales_order_item.key_repeated"],
        (2, 3): ["sales_order_item.parent_mismatch"],
        (2, 5): ["unfit"],
    }
    assert orders(tables, shape) == {"1": (1, 0), "2": (2, 6), "5": (2, 4)}
    assert record["warnings"] == {"has_a_customer": 1}
    assert record["broken"]["sales_order_item.requested_quantity_not_negative"] == 1
    assert (record["quarantined"], record["held_back"], record["live_rows"]) == (5, 1, 6)  # 3, 4, 6 only in quarantine
    assert balanced(record)
    kept = tables.read(shape.quarantine).where("_row = 5").collect()[0]
    assert kept.sales_order == "6"
    assert '"_unfit":"{\\"TotalNetAmount\\": \\"1.2345\\"}"' in kept.row


def test_a_sweep_ends_what_it_did_not_find_and_a_later_version_lives_again(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(
        plan,
        [
            order("1", 1),
            order("2", 1),
            order("3", 1),
            order("4", 1, to_Item=[item("4", 1, RequestedQuantity=Decimal(-1))]),
        ],
    )
    raw.sweep(plan, [("1",), ("3",)], at(10), loads=2)
    raw.rows(plan, [order("3", 20), order("5", 9)])  # 5 was seen before the sweep but came after it
    record = run()

    deleted = {
        row.sales_order: row.deleted_at
        for row in tables.read(shape.deleted)
        .selectExpr("sales_order", "CAST(deleted_at AS STRING) AS deleted_at")
        .collect()
    }
    assert deleted == dict.fromkeys(("2", "4", "5"), "2026-11-16 12:10:00")
    assert set(orders(tables, shape)) == {"1", "3"} == set(nets(tables, shape))
    assert (record["tombstoned"], record["live_rows"]) == (3, 2)
    assert balanced(record)

    raw.rows(plan, [order("2", 30), order("5", 8)])  # one came back, another old one crawled in
    again = run()
    assert set(orders(tables, shape)) == {"1", "2", "3"} == set(nets(tables, shape))
    assert balanced(again)


def test_rows_that_a_sweep_overtook_are_held_against_it_in_later_runs(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1)])
    raw.sweep(plan, [("1",)], at(10))
    run()
    raw.rows(plan, [order("2", 9)])
    record = run()
    assert set(orders(tables, shape)) == {"1"}
    assert (record["superseded"], record["tombstoned"]) == (1, 1)
    assert balanced(record)


def test_the_brake_stops_a_sweep_that_would_end_too_much_before_anything_is_written(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order(f"{number:03d}", 1) for number in range(100)])
    run()
    before = [tables.snapshot(table) for table in shape.all]
    raw.rows(plan, [order("000", 5, nets=("5.000",))])
    raw.sweep(plan, [(f"{number:03d}",) for number in range(94)], at(10))
    with pytest.raises(SweepBrake, match="did not find 6 of 100 keys"):
        run()
    assert [tables.snapshot(table) for table in shape.all] == before


def test_a_load_that_is_not_what_its_manifest_says_is_refused(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1), order("2", 1)])
    manifest = raw.folder / "manifests/erp/sales_order/000000000001.json"
    manifest.write_text(manifest.read_text().replace('"rows": 2', '"rows": 3'))
    with pytest.raises(RawDamaged, match=r"load 1: its manifest counts 3 \(rows\), its parts hold 2"):
        run()
    (raw.folder / f"plans/{plan.sha256}.json").unlink()
    with pytest.raises(PlanLost, match=plan.sha256):
        run()
    assert orders(tables, shape) == {}
