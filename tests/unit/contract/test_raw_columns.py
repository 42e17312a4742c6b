"""Columns of raw go by the API's names, unless one is taken; whoever gives up a name does so for itself alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.contract.raw_columns import LINEAGE, OF_TOMBSTONES, PARTITIONS, folded, with_columns
from lake.raw.layout import data_key
from lake.raw.schema import row_schema, tombstone_schema
from tests.support.plans import field, named, plan

CONTRACTS = Path(__file__).parents[3] / "contracts"
HASH = "ab235e571d0f818f1453d91e108960b1d3f4974620319501d77cc9a3a41e0733"


def columns(*names: str) -> list[str]:
    fields, _ = with_columns([field(name) for name in names], (), ())
    return [each.raw for each in fields]


def test_a_name_is_given_up_where_it_is_taken_and_nowhere_else() -> None:
    assert columns("Id", "Name", "Sales.Region", "it's", '"', "`", "_file", "_metadata", "_load", "_deleted_at") == [
        "Id", "Name", "Sales.Region", "it's", '"', "`", "_file", "_metadata", "_load", "_deleted_at",
    ]  # fmt: skip
    assert columns("_row", "_Cursor", "_UNFIT", "_unmapped", "_observed_at", "Major", "loaded_on") == [
        "_row_2", "_Cursor_2", "_UNFIT_2", "_unmapped_2", "_observed_at_2", "Major_2", "loaded_on_2",
    ]  # fmt: skip


def test_of_names_that_differ_by_case_the_first_keeps_its_own() -> None:
    assert columns("Status", "STATUS", "status") == ["Status", "STATUS_2", "status_3"]
    assert columns("Status", "STATUS", "Status_2") == ["Status", "STATUS_3", "Status_2"]
    assert columns("ID", "\u0131d") == ["ID", "\u0131d_2"]  # a dotless i: its capital is I


def test_a_key_keeps_its_name_before_others_do_and_clears_the_columns_of_tombstones() -> None:
    made = with_columns([field("KEY"), field("Key"), field("_Deleted_At")], (), ("key", "_deleted_at"))[0]
    assert [each.raw for each in made] == ["KEY", "Key_2", "_Deleted_At_2"]


def test_a_collection_gives_its_name_up_too_and_its_items_know_nothing_of_the_lakes_columns() -> None:
    made = named(plan({"TO_ITEM": "string"}, items={"_row": "string", "Status": "string", "STATUS": "string"}))
    assert [child.raw for child in made.children] == ["to_Item_2"]
    assert [each.raw for each in made.children[0].fields] == ["_row", "Status", "STATUS_2"]


@given(st.lists(st.text(max_size=4), unique=True, max_size=8))
def test_no_two_columns_are_the_same_but_for_case(names: list[str]) -> None:
    fields, _ = with_columns([field(name) for name in names], (), ())
    found = [folded(each.raw) for each in fields]
    assert len({*found, *LINEAGE, *PARTITIONS}) == len(found) + len(LINEAGE) + len(PARTITIONS)
    assert [each.field for each in fields] == names


def test_the_taken_names_are_those_that_raw_has() -> None:
    assert row_schema(plan()).names == ["Key", *LINEAGE]
    assert tombstone_schema(plan()).names == ["Key", "_observed_at", *OF_TOMBSTONES]
    folders = data_key("erp.thing", 1, datetime(2026, 11, 16, tzinfo=UTC), "load", 0).split("/")
    assert [folder.partition("=")[0] for folder in folders if "=" in folder] == list(PARTITIONS)


def test_a_plan_without_collisions_has_the_bytes_and_the_hash_that_it_had_before_columns_had_names() -> None:
    texts = compile_folder(CONTRACTS)
    assert not [name for name, text in texts.items() if '"column":' in text]
    assert plan({"Text": "string"}, items={"Count": "int64"}).sha256 == HASH


def test_the_column_of_a_name_that_was_given_up_survives_the_plans_json_form() -> None:
    made = named(plan({"_row": "string"}, items={"a": "string", "A": "string"}))
    text = made.dump()
    assert text.count('"column":') == 2
    assert Plan.load(text) == made
    assert Plan.load(text).dump() == text
