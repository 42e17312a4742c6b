"""A name that would stand for two things is refused where it really would, with file and line; nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.collisions import OF_DELETED, OF_HISTORY, OF_QUARANTINE
from lake.contract.errors import ContractError
from lake.contract.plan import Curated, Plan
from lake.contract.together import REBUILT
from lake.curate.layout import layout
from lake.curate.rebuild import SUFFIX
from tests.support.contract_copies import CONTACT, ORDER, Edit, contracts, curated, edited, extraction, own, prop

if TYPE_CHECKING:
    from pathlib import Path

    from lake.contract.errors import Mistake

HELD = (*OF_DELETED, *OF_QUARANTINE)


def compiled(folder: Path, *edits: Edit) -> Plan:
    def edit(raw: dict[str, Any]) -> None:
        for each in edits:
            each(raw)

    return Plan.load(compile_folder(contracts(folder, {ORDER: edit}))["erp.sales_order.json"])


def refused(folder: Path, *edits: Edit) -> list[Mistake]:
    with pytest.raises(ContractError) as error:
        compiled(folder, *edits)
    for mistake in error.value.mistakes:
        lines = (folder / ORDER).read_text("utf-8").splitlines()
        assert mistake.file == ORDER
        assert mistake.line is not None
        assert lines[mistake.line - 1].strip()
    return error.value.mistakes


def key_called(name: str) -> Edit:
    """Renames the key, here and where the items name it."""

    def edit(raw: dict[str, Any]) -> None:
        prop(raw, "SalesOrder")["name"] = name
        prop(raw, "SalesOrder", 1)["name"] = name
        (child,) = [item for item in raw["schema"][1]["customProperties"] if item["property"] == "child"]
        child["value"]["parent_key"] = [name]

    return edit


def column_called(name: str, table: int = 0) -> Edit:
    field = "ExternalDocumentID" if table == 0 else "Material"

    def edit(raw: dict[str, Any]) -> None:
        found = prop(raw, field, table)
        found["name"] = name
        found.pop("relationships", None)

    return edit


def with_history(raw: dict[str, Any]) -> None:
    curated(raw, history=True)


@pytest.mark.parametrize("name", HELD)
def test_a_key_may_not_be_called_like_a_column_of_the_tables_that_hold_keys(tmp_path: Path, name: str) -> None:
    (mistake,) = refused(tmp_path, key_called(name))
    table = "erp_sales_order_deleted" if name in OF_DELETED else "erp_sales_order_quarantine"
    assert mistake.field == "schema[0].properties[0].name"
    assert mistake.reason == (
        f"{name} is a column of the lake's own in {table}, which holds the key, too: give it another name, such as "
        f"sales_order_{name}"
    )
    assert f"name: {name}" in (tmp_path / ORDER).read_text("utf-8").splitlines()[(mistake.line or 0) - 1]


@pytest.mark.parametrize("name", [*HELD, *OF_HISTORY])
def test_other_columns_may_for_these_tables_do_not_hold_them(tmp_path: Path, name: str) -> None:
    plan = compiled(tmp_path / "one", column_called(name), column_called(name, 1))
    assert name in [field.name for field in plan.fields]
    if name in OF_HISTORY:
        assert compiled(tmp_path / "two", key_called(name)).key == (name,)
    else:
        assert compiled(tmp_path / "two", column_called(name), with_history).curated.history


@pytest.mark.parametrize("name", OF_HISTORY)
def test_no_column_and_no_table_of_items_may_be_called_like_those_of_a_history_that_is_kept(
    tmp_path: Path, name: str
) -> None:
    for number, edit in enumerate((key_called(name), column_called(name))):
        (mistake,) = refused(tmp_path / str(number), edit, with_history)
        assert f"{name} is a column of the lake's own in erp_sales_order_history" in mistake.reason
    (mistake,) = refused(tmp_path / "items", lambda c: c["schema"][1].update(name=name), with_history)
    assert mistake.field == "schema[1].name"
    assert compiled(tmp_path / "member", column_called(name, 1), with_history).curated.history


def test_a_table_of_items_may_not_be_called_like_a_column_of_its_entity(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, column_called("sales_order_item"))
    assert (mistake.field, mistake.reason) == (
        "schema[1].name", "sales_order_item is a column of erp_sales_order: rules would take one for the other",
    )  # fmt: skip


def test_a_collection_may_not_be_a_field_too_though_it_may_but_for_case(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path / "same", lambda c: prop(c, "ExternalDocumentID").update(physicalName="to_Item"))
    assert mistake.field == "schema[1].customProperties.child.navigation"
    assert "to_Item is read already" in mistake.reason
    plan = compiled(tmp_path / "case", lambda c: prop(c, "ExternalDocumentID").update(physicalName="TO_ITEM"))
    assert [child.raw for child in plan.children] == ["to_Item_2"]


def test_what_is_flattened_is_no_field(tmp_path: Path) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["schema"][0]["properties"][1]["physicalName"] = extraction(raw)["rest"].get("flatten", ["properties"])[0]
        extraction(raw)["rest"]["flatten"] = ["properties"]

    with pytest.raises(ContractError, match="properties is a field or a collection, too"):
        compile_folder(edited(tmp_path, CONTACT, edit))


@pytest.mark.parametrize(
    ("partition", "column", "table", "expected"),
    [
        ("bucket(16, sales_order)", "sales_order_bucket", 0, "of erp_sales_order sales_order_bucket"),
        ("truncate(4, sales_order)", "sales_order_trunc", 0, "of erp_sales_order sales_order_trunc"),
        ("truncate(4, sales_order)", "sales_order_trunc", 1, "of erp_sales_order_item sales_order_trunc"),
    ],
)  # fmt: skip
def test_a_partition_may_not_be_called_like_a_column(
    tmp_path: Path, partition: str, column: str, table: int, expected: str
) -> None:
    (mistake,) = refused(tmp_path, column_called(column, table), lambda c: curated(c, partition=[partition]))
    assert expected in mistake.reason
    assert mistake.field == "customProperties.curated.partition[0]"


def test_two_partitions_of_one_name_are_refused(tmp_path: Path) -> None:
    mistakes = refused(
        tmp_path, lambda c: curated(c, partition=["bucket(4, sales_order)", "bucket(8, sales_order)", "sales_order"])
    )
    assert {mistake.field for mistake in mistakes} == {"customProperties.curated.partition[1]"}


def called(name: str) -> Edit:
    """Calls the table of items otherwise."""
    return lambda c: c["schema"][1].update(name=name)


@pytest.mark.parametrize("name", ["sales_order_quarantine", "sales_order__rebuild", "sales_order_deleted__rebuild"])
def test_a_table_may_not_be_one_that_the_lake_makes_or_will_drop(tmp_path: Path, name: str) -> None:
    (mistake, *_) = refused(tmp_path, called(name))
    assert f"its table erp_{name} is one of erp.sales_order, too" in mistake.reason


def test_a_table_of_items_may_be_called_as_a_history_that_is_not_kept(tmp_path: Path) -> None:
    assert compiled(tmp_path / "none", called("sales_order_history")).children[0].name == "sales_order_history"
    (mistake, *_) = refused(tmp_path / "kept", called("sales_order_history"), with_history)
    assert "erp_sales_order_history is one of erp.sales_order, too" in mistake.reason


def test_the_lakes_own_columns_are_those_of_its_tables(tmp_path: Path) -> None:
    plan = replace(compiled(tmp_path), curated=Curated(history=True))
    said = {field.name for field in plan.fields} | {child.name for child in plan.children}
    said |= {field.name for child in plan.children for field in child.fields}
    shape = layout(plan)
    assert shape.history is not None
    own_columns = {
        table.name: sorted(c.name for c in table.columns if c.name not in said and not c.name.startswith("_"))
        for table in shape.all
    }
    named = (shape.deleted, OF_DELETED), (shape.quarantine, OF_QUARANTINE), (shape.history, OF_HISTORY)
    wanted = {table.name: sorted(names) for table, names in named}
    assert {table: names for table, names in own_columns.items() if names} == wanted
    assert REBUILT == SUFFIX


def test_a_rename_takes_none_of_the_lakes_own_columns_away(tmp_path: Path) -> None:
    """The way out of a collision that a new history brings: the column gets another name and says which it had."""

    def rename(raw: dict[str, Any]) -> None:
        own(prop(raw, "ExternalDocumentID"), "renamed_from", "valid_from")

    assert compiled(tmp_path, rename, with_history).curated.history
