"""What ends keys beside sweeps (what the source says, full refreshes), and the keys that the lake turns out to lack."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lake.contract.plan import NO_CURSOR, Plan
from lake.curate.entity import curate
from lake.curate.errors import RawDamaged, SweepBrake
from lake.curate.fetches import want
from lake.curate.layout import Layout, layout
from lake.curate.manifests import read_manifest
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.partners import partner
from tests.spark.raw_loads import WHOLE, RawFolder, Version, at, sweep_entry

type Record = dict[str, Any]
MINUTES = "CAST((unix_seconds({}) - unix_seconds(TIMESTAMP '2026-11-16 12:00:00Z')) / 60 AS INT) AS minutes"


class PowerCut(Exception):
    """The process dies."""


class DyingLedger(Notebook):
    """A ledger whose process dies before a want is written."""

    def wanted(self, entity: str, place: str, keys: int) -> None:
        raise PowerCut


@pytest.fixture
def plan(plans: dict[str, Plan]) -> Plan:
    """Sales orders without a brake."""
    return Plan.load(plans["erp.sales_order"].dump().replace('"max_fraction":0.05', '"max_fraction":1.0'))


@pytest.fixture
def shape(plan: Plan) -> Layout:
    return layout(plan)


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, ledger: Notebook, plan: Plan) -> Callable[[], Record]:
    """Curate what has landed; the balance closes."""

    def curated() -> Record:
        record = curate(spark, tables, raw, ledger, plan)
        assert record["landed"] == sum(record[part] for part in ("merged", "superseded", "unchanged", "quarantined"))
        assert record["live_by_raw"] == record["live_in_tables"]
        return record

    return curated


def seen_at(tables: Tables, shape: Layout) -> dict[str, int]:
    """Order → when its current version was observed, in minutes."""
    rows = tables.read(shape.current).selectExpr("sales_order", MINUTES.format("_observed_at")).collect()
    return {row.sales_order: row.minutes for row in rows}


def gone_at(tables: Tables, shape: Layout) -> dict[str, int]:
    """Order → when it was gone, in minutes."""
    rows = tables.read(shape.deleted).selectExpr("sales_order", MINUTES.format("deleted_at")).collect()
    return {row.sales_order: row.minutes for row in rows}


def unfit(key: str, observed: float) -> Version:
    """An order whose number was sent as a JSON number, which a string is not."""
    version = order(None, observed, to_Item=[])
    return replace(version, unfit={"SalesOrder": key})


def test_what_the_source_says_is_gone_ends_all_that_was_seen_before_whenever_it_comes(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1), order("2", 1, changed=99), order("3", 20)])
    raw.tombstones(plan, [(("1",), at(10)), (("2",), at(10)), (("2",), at(12)), (("3",), at(10)), (("4",), at(10))])
    first = run()
    assert seen_at(tables, shape) == {"3": 20}
    assert gone_at(tables, shape) == {"1": 10, "2": 12, "4": 10}
    assert (first["landed"], first["tombstoned"], first["live_rows"]) == (3, 2, 1)

    raw.rows(plan, [order("1", 11), order("2", 11), order("3", 9), order("4", 9)], lane="backfill#7", reason="backfill")
    second = run()
    assert seen_at(tables, shape) == {"1": 11, "3": 20}
    assert gone_at(tables, shape) == {"2": 12, "4": 10}
    assert (second["merged"], second["superseded"]) == (1, 3)

    before = [tables.snapshot(table) for table in shape.all]
    raw.tombstones(plan, [(("1",), at(10)), (("2",), at(12))], reason="delta")
    assert run()["tombstoned"] == 0
    assert [tables.snapshot(table) for table in shape.all] == before


def test_a_full_refresh_ends_what_it_lacks_once_it_is_whole(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order(key, 1) for key in ("1", "2", "3", "4")])
    raw.rows(plan, [order("1", 11)], reason="refresh", sweep=sweep_entry([2], at(10), None))
    raw.rows(plan, [order("5", 11)])
    assert run()["tombstoned"] == 0
    assert seen_at(tables, shape) == {"1": 11, "2": 1, "3": 1, "4": 1, "5": 11}

    rest = [order("2", 12, nets=("2.000",)), unfit("4", 12)]
    raw.rows(plan, rest, reason="refresh", sweep=sweep_entry([2, 4], at(10), WHOLE))
    record = run()
    assert seen_at(tables, shape) == {"1": 11, "2": 12, "4": 1, "5": 11}
    assert gone_at(tables, shape) == {"3": 10}
    assert (record["landed"], record["quarantined"], record["tombstoned"], record["lacking"]) == (2, 1, 1, 0)

    raw.rows(plan, [order("6", 9), order("4", 9)])  # overtaken by the refresh
    run()
    assert seen_at(tables, shape) == {"1": 11, "2": 12, "4": 9, "5": 11}


def test_a_full_refresh_that_leaves_out_rows_ends_nothing(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1), order("2", 1)])
    run()
    raw.refresh(plan, [order("1", 11)], at(10), repeated=1)
    with pytest.raises(RawDamaged, match="load 2 of the full refresh that ends in load 2 leaves out 1 rows"):
        run()
    assert seen_at(tables, shape) == {"1": 1, "2": 1}


def test_a_full_refresh_that_lacks_too_much_is_stopped_though_its_contract_declares_no_sweep(
    spark: Any, raw: RawFolder, plan: Plan, tables: Tables, shape: Layout, ledger: Notebook
) -> None:
    undeclared = replace(plan, deletes=())
    keys = [f"{number:03d}" for number in range(100)]
    raw.rows(undeclared, [order(key, 1) for key in keys])
    raw.refresh(undeclared, [order(key, 11) for key in keys[6:]], at(10))
    with pytest.raises(SweepBrake, match="did not find 6 of 100 keys, more than the 5%"):
        curate(spark, tables, raw, ledger, undeclared)
    assert seen_at(tables, shape) == {}


def test_rows_without_any_stamp_are_ordered_by_when_they_were_seen_and_end_with_a_refresh(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables, ledger: Notebook
) -> None:
    plan = replace(plans["erp.business_partner"], cursor=NO_CURSOR, deletes=())

    def rows(observed: float, **names: str) -> list[Version]:
        return [replace(partner(key[1:], name, observed), cursor=None) for key, name in names.items()]

    raw.refresh(plan, rows(2, p1="Adler", p2="Bussard"), at(1), loads=3)  # the last one brought nothing more
    raw.refresh(plan, rows(12, p1="Condor"), at(11))
    raw.rows(plan, rows(3, p1="Dohle"))
    record = curate(spark, tables, raw, ledger, plan)
    current = tables.read(layout(plan).current).collect()
    assert [(row.organization_bp_name1, row._cursor) for row in current] == [("Condor", None)]
    assert (record["broken"], record["tombstoned"], record["live_rows"]) == ({}, 1, 1)

    raw.refresh(plan, [], at(21))
    assert curate(spark, tables, raw, ledger, plan)["tombstoned"] == 1
    assert tables.read(layout(plan).current).isEmpty()


def test_keys_that_a_sweep_saw_and_the_lake_lacks_are_written_down_to_be_fetched(
    spark: Any, run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout, ledger: Notebook
) -> None:
    raw.rows(plan, [order("1", 1), order("2", 1, to_Item=[item("5", 1)]), order("3", 1), unfit("4", 1)])
    raw.sweep(plan, [("1",), ("2",), ("4",)], at(5))
    assert run()["lacking"] == 0
    assert ledger.wants == {}

    sweep = raw.sweep(plan, [(key,) for key in "123456789"], at(10), loads=2)
    raw.rows(plan, [order("6", 11), order("7", 9)])  # seen by windows
    raw.tombstones(plan, [(("8",), at(12))])  # gone since
    with pytest.raises(PowerCut):
        curate(spark, tables, raw, DyingLedger(), plan)
    assert run()["lacking"] == 3
    place = f"fetches/erp/sales_order/{sweep:012d}.json"
    assert ledger.wants == {"erp.sales_order": (place, 3)}
    wanted = {"entity": "erp.sales_order", "load": sweep, "sweep": f"sweep-{sweep - 1}"}
    assert json.loads(raw.get(place) or b"") == wanted | {"keys": [["3"], ["5"], ["9"]], "left_out": 0}

    last = read_manifest(raw, plan.entity, sweep)
    assert last is not None
    assert want(spark, tables, raw, ledger, plan, shape, last, most=2) == 3
    assert json.loads(raw.get(place) or b"") == wanted | {"keys": [["3"], ["5"]], "left_out": 1}

    raw.rows(plan, [order("3", 20), order("5", 20)], reason="fetch")
    assert run()["lacking"] == 0
    assert seen_at(tables, shape) == {"1": 1, "3": 20, "5": 20, "6": 11, "7": 9}
