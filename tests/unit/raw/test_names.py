"""Whatever a source calls its fields, each value lands in a column of its own, whichever lane reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.raw import fast, slow
from lake.raw.literal import parse
from lake.raw.page import read_page
from lake.raw.record import layout_of
from lake.raw.schema import row_schema
from tests.support.plans import ENVELOPE, named, plan

if TYPE_CHECKING:
    from pathlib import Path

    from lake.raw.envelope import Page

TAKEN = ("_row", "_cursor", "_unfit", "_unmapped", "_observed_at", "major", "LOADED_ON")
AWKWARD = (
    "Sales.Region",
    ".name",
    "[0]",
    "it's",
    'say "hi"',
    "back`tick",
    "a b,c;{d}(e)=f",
    "$",
    "_file",
    "_metadata",
    "é",
)
TWINS = ("Status", "STATUS", "status")
NAMES = (*TAKEN, *AWKWARD, *TWINS)
PLAN = named(plan(dict.fromkeys(NAMES, "int64"), items=dict.fromkeys(("Key", *NAMES), "int64")))
VALUES = {name: number for number, name in enumerate(NAMES)}
RECORD = {"Key": "1", **VALUES, "to_Item": [{"Key": 7, **VALUES}]}


def body(*records: dict[str, Any]) -> bytes:
    return json.dumps({"value": records}).encode()


def sent(page: Page, row: int = 0) -> dict[str, Any]:
    """A row by the API's names."""
    (found,) = page.batch.slice(row, 1).to_pylist()
    (child,) = PLAN.children
    items = [{field.field: item[field.raw] for field in child.fields} for item in found[child.raw] or ()]
    return {field.field: found[field.raw] for field in PLAN.fields} | {child.field: items}


@pytest.mark.parametrize("lane", [fast, slow], ids=["column by column", "record by record"])
def test_each_value_is_found_under_its_own_fields_column(lane: Any) -> None:
    page = lane.read(body(RECORD), layout_of(PLAN, ENVELOPE))
    assert sent(page) == RECORD
    assert page.batch.schema.names[-2:] == ["_unfit", "_unmapped"]
    assert page.batch.to_pylist()[0]["_unfit"] is page.batch.to_pylist()[0]["_unmapped"] is None


def test_values_that_do_not_fit_are_told_by_the_names_of_the_api() -> None:
    ugly: dict[str, Any] = dict.fromkeys(NAMES, "x")
    page = read_page(body({"Key": "1", **ugly, "to_Item": [{"Key": 7, **ugly}]}), PLAN, ENVELOPE)
    (text,) = page.batch.column("_unfit").to_pylist()
    assert parse(text.encode()) == ugly | {f"to_Item[0].{name}": "x" for name in NAMES}


def test_two_values_of_one_path_are_both_kept() -> None:
    """A field may be called like the place of another."""
    both = named(plan({"to_Item[0].Count": "int64"}, items={"Count": "int64"}))
    page = read_page(body({"Key": "1", "to_Item[0].Count": "a", "to_Item": [{"Count": "b"}]}), both, ENVELOPE)
    (text,) = page.batch.column("_unfit").to_pylist()
    assert parse(text.encode()) == {"to_Item[0].Count": "a", "to_Item[0].Count#2": "b"}


def test_fields_of_flattened_objects_keep_their_names_apart_too() -> None:
    flat = replace(ENVELOPE, flatten=("properties",))
    page = fast.read(body({"Key": "1", "properties": VALUES}, {"properties": VALUES}), layout_of(PLAN, flat))
    assert sent(page, 0) == {"Key": "1", **VALUES, "to_Item": []}


def test_a_field_that_is_called_like_what_the_protocol_adds_is_the_fields() -> None:
    own = named(plan({"@odata.etag": "string"}, items={"@odata.etag": "string"}))
    page = read_page(body({"@odata.etag": "a", "Key": "1", "to_Item": [{"@odata.etag": "b"}]}), own, ENVELOPE)
    (row,) = page.batch.to_pylist()
    assert (row["@odata.etag"], row["to_Item"]) == ("a", [{"@odata.etag": "b"}])


def test_a_row_file_holds_them_all(tmp_path: Path) -> None:
    page = read_page(body(RECORD), PLAN, ENVELOPE)
    schema = row_schema(PLAN)
    names = schema.names
    assert len({name.lower() for name in names}) == len(names)
    pq.write_table(pa.Table.from_batches([page.batch]), tmp_path / "a")
    assert pq.read_table(tmp_path / "a").to_pylist() == page.batch.to_pylist()
