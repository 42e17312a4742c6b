"""Bad records on their way through quarantine: kept once, closed by what is newer, replayed by a contract that takes them."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.layout import Layout, Table, layout
from lake.curate.merging import Change
from lake.curate.rebuild import rebuild
from lake.curate.replay import replay
from lake.curate.tables import THROUGH, Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import RawFolder, Version, at

type Record = dict[str, Any]
SINCE_NOON = "CAST((unix_seconds({0}) - unix_seconds(TIMESTAMP '2026-11-16 12:00:00Z')) / 60 AS INT) AS {0}"


class PowerCut(Exception):
    """The process dies."""


@pytest.fixture
def plan(plans: dict[str, Plan]) -> Plan:
    """Sales orders with history and without a brake."""
    free = Plan.load(plans["erp.sales_order"].dump().replace('"max_fraction":0.05', '"max_fraction":1.0'))
    return replace(free, curated=replace(free.curated, history=True))


@pytest.fixture
def shape(plan: Plan) -> Layout:
    return layout(plan)


def balanced(record: Record) -> Record:
    parts = ("merged", "superseded", "unchanged", "quarantined", "discarded")
    assert record["landed"] == sum(record[part] for part in parts)
    assert record["live_by_raw"] == record["live_in_tables"]
    return record


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, plan: Plan) -> Callable[[], Record]:
    return lambda: balanced(curate(spark, tables, raw, Notebook(), plan))


def bad(key: str | None, observed: float, quantity: str = "-1", **more: Any) -> Version:
    """An order whose item has this quantity; its stamp stays, so that it is the same record whenever it is seen."""
    return order(key, observed, 0, to_Item=[item(key or "", 1, RequestedQuantity=Decimal(quantity))], **more)


def held(tables: Tables, shape: Layout) -> dict[str | None, tuple[Any, ...]]:
    """Order → pointer, first and last seen, status."""
    minutes = [SINCE_NOON.format(name) for name in ("first_seen", "_observed_at")]
    rows = tables.read(shape.quarantine).selectExpr("sales_order", "_load", "_row", *minutes, "status").collect()
    return {row.sales_order: tuple(row)[1:] for row in rows}


def loosened(plan: Plan) -> Plan:
    """The same contract, once five less than nothing may be ordered."""
    (items,) = plan.children
    rules = tuple(
        replace(check, sql="requested_quantity >= -5") if check.name == "requested_quantity_not_negative" else check
        for check in items.checks
    )
    return replace(plan, version="1.1.0", children=(replace(items, checks=rules),))


def contents(tables: Tables, shape: Layout) -> list[list[str]]:
    """All rows of what readers see."""
    seen = (shape.current, *shape.children, *([shape.history] if shape.history else []))
    return [sorted(map(str, tables.read(table).collect())) for table in seen]


def test_a_bad_record_is_kept_once_and_whole_and_closed_by_what_is_newer(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    partly = order("5", 1, to_Item=[item("5", 1), item("5", 2, RequestedQuantity=Decimal(-1)), item("5", 3)])
    raw.rows(plan, [bad("1", 1), bad("2", 1), bad("3", 1), bad(None, 1), order("4", 9), partly])
    run()
    assert shape.history is not None
    for table in (shape.current, *shape.children, shape.history):
        assert {row.sales_order for row in tables.read(table).collect()} == {"4"}, table.name
    (text,) = (row.row for row in tables.read(shape.quarantine).where("sales_order = '5'").collect())
    assert [each["SalesOrderItem"] for each in json.loads(text)["to_Item"]] == ["000001", "000002", "000003"]

    raw.rows(plan, [bad("1", 5), order("2", 5), bad("4", 5), bad(None, 5)])
    raw.tombstones(plan, [(("3",), at(6))])
    assert run()["held_back"] == 0
    assert held(tables, shape) == {
        "1": (2, 0, 1, 5, "open"),  # seen again
        "2": (1, 1, 1, 1, "superseded"),
        "3": (1, 2, 1, 1, "superseded"),
        "4": (2, 2, 5, 5, "superseded"),  # came late
        "5": (1, 5, 1, 1, "open"),
        None: (2, 3, 1, 5, "open"),
    }
    closed = {row.sales_order: row.closed_at for row in tables.read(shape.quarantine).collect()}
    assert {key for key, instant in closed.items() if instant is None} == {"1", "5", None}

    tables.note(shape.quarantine, {THROUGH: "1"})  # the run died before it noted its progress
    raw.rows(plan, [bad("2", 20), bad("3", 20), bad("4", 20, quantity="-2")])
    assert run()["held_back"] == 2
    again = tables.read(shape.quarantine).selectExpr("sales_order", "status", "closed_at IS NULL AS waits").collect()
    assert sorted((row.sales_order or "", row.status, row.waits) for row in again) == [
        ("", "open", True),
        ("1", "open", True),
        ("2", "open", True),
        ("3", "open", True),
        ("4", "open", True),
        ("4", "superseded", False),
        ("5", "open", True),
    ]


def test_a_replay_merges_what_a_later_contract_takes_and_leaves_what_a_rebuild_would(
    spark: Any, run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    raw.rows(plan, [order("1", 1), bad("1", 5), bad("2", 5), bad("3", 5, quantity="-9"), bad("4", 5), bad("5", 5)])
    raw.rows(plan, [order("4", 9), replace(bad("6", 5, SalesOrder=None), unfit={"SalesOrder": "6"})])
    raw.rows(plan, [replace(bad(None, 5), unfit={"TotalNetAmount": '"a lot"'}), bad("1", 2, quantity="-3")])
    raw.tombstones(plan, [(("5",), at(9))])
    run()
    looser = loosened(plan)
    dying = Dying(spark, tables.database)
    with pytest.raises(PowerCut):
        replay(spark, dying, raw, Notebook(), looser)
    record = balanced(replay(spark, tables, raw, Notebook(), looser))
    assert (record["landed"], record["replayed"], record["quarantined"]) == (6, 3, 3)
    rows = tables.read(shape.quarantine).collect()
    assert {(row.sales_order, row._load, row._row): (row.status, row.contract) for row in rows} == {
        ("1", 1, 1): ("replayed", "1.0.0"),
        ("1", 3, 1): ("superseded", "1.0.0"),
        ("2", 1, 2): ("replayed", "1.0.0"),
        ("3", 1, 3): ("open", "1.1.0"),
        ("4", 1, 4): ("superseded", "1.0.0"),
        ("5", 1, 5): ("superseded", "1.0.0"),
        (None, 2, 1): ("open", "1.1.0"),
        (None, 3, 0): ("open", "1.1.0"),
    }
    assert {row.replayed_by for row in rows if row.status == "replayed"} == {looser.sha256}

    now = contents(tables, shape)
    settled = balanced(replay(spark, tables, raw, Notebook(), looser))
    assert (settled["landed"], settled["replayed"]) == (3, 0)
    assert contents(tables, shape) == now

    anew = rebuild(spark, tables, raw, Notebook(), looser)["tables"]
    for table in (shape.deleted, shape.current, *shape.children):
        assert [anew[table.name][kind] for kind in ("only_before", "only_rebuilt", "different")] == [0, 0, 0]
    assert anew[f"{shape.current.name}_history"]["only_rebuilt"] > 0  # what was superseded before it could be replayed
    trail = tables.read(shape.quarantine).where("status = 'replayed'").collect()
    assert {(row._load, row._row) for row in trail} == {(1, 1), (1, 2)}


class Dying(Tables):
    """Tables whose process dies before quarantine is written."""

    def merge(self, table: Table, change: Change) -> None:
        if table.name.endswith("_quarantine"):
            raise PowerCut
        super().merge(table, change)
