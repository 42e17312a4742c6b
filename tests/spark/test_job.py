"""The job: each entity on its own, repeats after a crash anywhere, plans that change over time."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.errors import NothingCurated
from lake.curate.job import curate_entities
from lake.curate.layout import layout
from lake.curate.tables import THROUGH, Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.partners import account, partner
from tests.spark.raw_loads import RawFolder, Version, at


def contents(tables: Tables, plan: Plan) -> list[list[Any]]:
    """All rows of all tables of the entity; when quarantine closed a row is no matter of what came."""
    return [sorted(map(str, tables.read(table).drop("closed_at").collect())) for table in layout(plan).all]


def snapshots(tables: Tables, plan: Plan) -> list[str]:
    return [tables.snapshot(table) for table in layout(plan).all]


def land_a_day(raw: RawFolder, plan: Plan, day: int) -> None:
    """Changes, a bad version, a sweep, something that comes back."""
    start = day * 100
    raw.rows(plan, [
        *(order(str(number), start + 1, nets=(f"{day}.000", "2.000")) for number in range(4)),
        order("9", start + 1, to_Item=[item("9", 1, RequestedQuantity=Decimal("-1.000"))]),
    ])  # fmt: skip
    raw.sweep(plan, [("0",), ("1",), ("2",) if day else ("3",)], at(start + 10))
    raw.rows(plan, [order("1", start + 20, nets=("7.000",))])


def test_curating_the_same_loads_again_changes_nothing(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    plan = Plan.load(plans["erp.sales_order"].dump().replace('"max_fraction":0.05', '"max_fraction":1.0'))
    land_a_day(raw, plan, 0)
    first = curate(spark, tables, raw, Notebook(), plan)
    before, written = contents(tables, plan), snapshots(tables, plan)

    assert curate(spark, tables, raw, Notebook(), plan)["landed"] == 0
    for table in layout(plan).all:
        tables.note(table, {THROUGH: "0"})
    again = curate(spark, tables, raw, Notebook(), plan)

    assert (again["landed"], again["merged"], again["through_load"]) == (first["landed"], 0, first["through_load"])
    assert contents(tables, plan) == before
    assert snapshots(tables, plan) == written


def test_one_entitys_failure_leaves_the_others_running_and_says_what_to_do(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    raw.rows(plans["crm.account"], [account("a", "Adler"), account("b", "Bussard", IsDeleted=True)])
    raw.rows(plans["erp.business_partner"], [
        partner("0000000001", "Adler", vat={"DE0": "DE222222223"}),
        partner("0000000002", "Falke", BusinessPartnerCategory="9"),
        Version(partner("0000000003", "Uhu").values, at(0), None),
    ])  # fmt: skip
    raw.rows(plans["erp.sales_order"], [order("1", 1)])
    (raw.folder / f"plans/{plans['erp.sales_order'].sha256}.json").unlink()
    ledger = Notebook()
    entities = ["crm.account", "erp.business_partner", "erp.sales_order", "erp.invoice"]

    curate_entities(spark, tables, raw, ledger, plans, entities, "run-1")

    assert ledger.progress == {"crm.account": 1, "erp.business_partner": 1}
    accounts, partners = ledger.records["run-1/crm.account"], ledger.records["run-1/erp.business_partner"]
    assert (accounts["merged"], accounts["live_rows"], accounts["live_in_tables"]) == (2, 1, 2)
    assert partners["broken"] == {"category_is_known": 1, "stamp_missing": 1}
    assert partners["items"]["business_partner_tax"] == 1
    failed = ledger.records["run-1/erp.sales_order"]
    assert (failed["entity"], failed["error"]) == ("erp.sales_order", "PlanLost")
    assert "doesn't hold" in failed["cause"]
    assert "restore" in failed["remedy"]
    assert ledger.records["run-1/erp.invoice"]["error"] == "UnknownEntity"


def test_the_job_fails_only_when_nothing_could_be_done(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    ledger = Notebook()
    with pytest.raises(NothingCurated, match=r"erp\.invoice: UnknownEntity: no contract describes erp\.invoice"):
        curate_entities(spark, tables, raw, ledger, plans, ["erp.invoice"], "run-1")
    assert ledger.records["run-1/erp.invoice"]["error"] == "UnknownEntity"


def test_a_load_is_read_with_the_plan_that_wrote_it_and_cast_to_todays(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    today = plans["crm.account"]
    kept = tuple(column for column in today.fields if column.name != "duns_number")
    texts = tuple(replace(column, type="string") if column.name == "created_date" else column for column in kept)
    before = replace(today, version="0.9.0", fields=texts)
    raw.rows(before, [
        account("a", "Adler", CreatedDate="2026-11-16 12:00:00Z"),
        account("b", "Bussard", CreatedDate="yesterday"),
    ])  # fmt: skip
    curate(spark, tables, raw, Notebook(), replace(today, fields=kept, checks=()))
    raw.rows(today, [account("c", "Condor", DunsNumber="123456789")])
    curate(spark, tables, raw, Notebook(), today)  # the contract has got a column since

    rows = {row.id: row for row in tables.read(layout(today).current).collect()}
    assert {key: row.duns_number for key, row in rows.items()} == {"a": None, "c": "123456789"}
    assert [row.reasons for row in tables.read(layout(today).quarantine).collect()] == [
        ["unfit", "created_date_required"]
    ]


def test_two_writers_of_one_table_lose_nothing(
    spark: Any, raw: RawFolder, plans: dict[str, Plan], tables: Tables
) -> None:
    plan = plans["crm.account"]
    raw.rows(plan, [account(str(number), "Adler") for number in range(20)])
    curate(spark, tables, raw, Notebook(), plan)
    raw.rows(plan, [account(str(number), "Bussard", 5) for number in range(20)])

    curate_entities(spark, tables, raw, Notebook(), plans, ["crm.account", "crm.account"], "run-1")

    rows = tables.read(layout(plan).current).collect()
    assert sorted((int(row.id), row.name) for row in rows) == [(number, "Bussard") for number in range(20)]
