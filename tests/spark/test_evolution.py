"""Tables follow their contract: new, renamed, wider and optional columns, with what was in them; nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lake.contract.plan import Curated, Field, Plan
from lake.curate.entity import curate
from lake.curate.errors import SchemaConflict
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import RawFolder, Version, at


def changed(fields: tuple[Field, ...], **to: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(replace(field, **to.get(field.name, {})) for field in fields)


def field(name: str, sent: str, kind: str) -> Field:
    return Field(name, sent, kind, False, "internal", name)


@pytest.fixture
def before(plans: dict[str, Plan]) -> Plan:
    """Orders with history, and with numbers that will turn out to be too narrow."""
    plan = plans["erp.sales_order"]
    (child,) = plan.children
    child = replace(child, fields=(*child.fields, field("lines", "Lines", "int64"), field("pieces", "Pieces", "int64")))
    fields = (*changed(plan.fields, sold_to_party={"required": True}), field("revision", "Revision", "int64"))
    return replace(plan, fields=fields, children=(child,), curated=Curated(history=True))


@pytest.fixture
def after(before: Plan) -> Plan:
    """The same a year later: the key and a column renamed, wider types, an optional column, new ones, one left out."""
    (child,) = before.children
    renamed = {"name": "order_number", "renamed_from": "sales_order"}
    items = changed(
        child.fields,
        sales_order=renamed,
        material={"name": "product", "renamed_from": "material"},
        net_amount={"type": "decimal(20,3)", "description": "What it costs"},
        lines={"type": "string"},
    )
    child = replace(
        child,
        fields=(*items, field("plant", "Plant", "string")),
        key=("order_number", "sales_order_item"),
        parent_key=("order_number",),
    )
    fields = changed(
        before.fields,
        sales_order=renamed,
        sold_to_party={"required": False, "name": "customer", "renamed_from": "sold_to_party"},
        total_net_amount={"type": "decimal(18,3)", "description": "Net, all items"},
        revision={"type": "decimal(19,0)"},
    )
    fields = tuple(one for one in fields if one.name != "external_document_id")
    return replace(
        before,
        version="2.0.0",
        key=("order_number",),
        fields=(*fields, field("incoterms", "Incoterms", "string")),
        children=(child,),
        checks=(),
    )


def test_tables_follow_their_contract_with_all_that_was_in_them(
    spark: Any, tables: Tables, raw: RawFolder, before: Plan, after: Plan
) -> None:
    def run(plan: Plan) -> dict[str, Any]:
        return curate(spark, tables, raw, Notebook(), plan)

    lines = [item("1", 1, "1.000", Lines=7, Pieces=70)]
    first = order("1", 1, to_Item=lines, Revision=3)
    raw.rows(before, [
        first,
        order("2", 1, ExternalDocumentID="X-2", Revision=4),
        order("3", 1),
        order("4", 1, SoldToParty=None),  # required, so far
    ])  # fmt: skip
    raw.sweep(before, [("1",), ("2",), ("4",)], at(5))
    run(before)
    raw.rows(before, [Version(first.values, at(6), first.cursor)])  # still by the contract of before, and seen again
    new = [item("2", 1, "12345678901234567.000", Lines="7a", Plant="P1", Pieces=71)]
    raw.rows(after, [order("2", 9, to_Item=new, SoldToParty=None, Incoterms="EXW", Revision=Decimal(9))])
    record = run(after)
    assert (record["merged"], record["unchanged"], record["quarantined"]) == (1, 1, 0)

    shape = layout(after)
    assert shape.history is not None
    columns = ("order_number", "customer", "incoterms", "external_document_id", "revision")
    current = {row.order_number: tuple(row) for row in tables.read(shape.current).select(*columns).collect()}
    assert current == {
        "1": ("1", "0000000001", None, None, Decimal(3)),
        "2": ("2", None, "EXW", None, Decimal(9)),
    }
    history = tables.read(shape.history).selectExpr(*columns, "sales_order_item[0] AS item", "valid_to IS NULL AS open")
    rows = sorted(history.collect(), key=lambda row: (row.order_number, row.open))
    assert [(row.order_number, row.customer, row.external_document_id, row.open) for row in rows] == [
        ("1", "0000000001", None, True),
        ("2", "0000000001", "X-2", False),
        ("2", None, None, True),
        ("3", "0000000001", None, False),
    ]
    assert [(row.item.product, row.item.lines, row.item.plant, row.item.pieces) for row in rows if row.open] == [
        ("M-1", "7", None, 70),
        ("M-1", "7a", "P1", 71),
    ]
    items = {row.order_number: row for row in tables.read(shape.children[0]).collect()}
    assert [(row.product, row.lines, row.plant, row.net_amount) for row in (items["1"], items["2"])] == [
        ("M-1", "7", None, Decimal("1.000")),
        ("M-1", "7a", "P1", Decimal("12345678901234567.000")),
    ]
    assert [row.order_number for row in tables.read(shape.deleted).collect()] == ["3"]
    assert [row.order_number for row in tables.read(shape.quarantine).collect()] == ["4"]
    (schema,) = [column.dataType for column in tables.read(shape.history).schema if column.name == "sales_order_item"]
    texts = {column.name: column.metadata["comment"] for column in schema.elementType}
    assert texts["net_amount"] == "What it costs"
    texts = {column.name: column.metadata["comment"] for column in tables.read(shape.current).schema}
    assert (texts["total_net_amount"], texts["incoterms"]) == ("Net, all items", "incoterms")

    snapshots = [tables.snapshot(table) for table in shape.all]
    run(after)
    narrow = replace(after, fields=changed(after.fields, total_net_amount={"type": "decimal(10,3)"}))
    with pytest.raises(SchemaConflict, match=r"erp_sales_order.total_net_amount is decimal\(18,3\)"):
        run(narrow)
    assert [tables.snapshot(table) for table in shape.all] == snapshots
