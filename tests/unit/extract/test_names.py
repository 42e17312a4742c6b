"""A key and a stamp whose names are the lake's own in raw: paging, checks, sweeps and tombstones find them all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from lake.contract.plan import Cursor
from lake.extract.asking import joined
from lake.extract.errors import FilterIgnored
from lake.extract.landing import KeyLanding, Landing, TombstoneLanding
from lake.extract.passes import fetch_pass, key_pass, window_passes
from lake.raw.page import read_page
from lake.raw.parts import PartWriter
from lake.raw.schema import key_schema, row_schema, tombstone_schema
from tests.support.model_source import NOON, ModelSource
from tests.support.pages_and_parts import Read, Uploaded
from tests.support.plans import ENVELOPE, field, named, plan
from tests.support.scripted_pages import check
from tests.support.source_plans import WINDOW

STAMP = Cursor("instant", ("_cursor",), 7, None, "own_pass", None)
BASE = plan({"_cursor": "timestamp(7)", "_unfit": "string", "Status": "string", "STATUS": "string"}, cursor=STAMP)
KEYS = (field("_row", "int64"), field("_deleted_at"))
PLAN = named(replace(BASE, fields=(*KEYS, *BASE.fields[1:]), key=("_row", "_deleted_at"), page_size=3))
ROWS = [
    {"_row": number, "_deleted_at": "k", "_cursor": f"2026-11-16T05:{40 + number}:00.0000000Z", "_unfit": f"u{number}",
     "Status": f"s{number}", "STATUS": f"S{number}"}
    for number in range(9)
]  # fmt: skip
STAMPLESS = {"_row": 99, "_deleted_at": "k", "_cursor": None, "_unfit": None, "Status": None, "STATUS": None}


def writer(uploaded: Uploaded, schema: pa.Schema) -> PartWriter:
    return PartWriter(uploaded, schema, lambda part: f"part-{part}")


def by_field(row: dict[str, Any]) -> dict[str, Any]:
    return {each.field: row[each.raw] for each in PLAN.fields}


def test_a_window_lands_each_value_in_its_fields_column_beside_the_lakes_own() -> None:
    reader, uploaded = ModelSource([*ROWS, STAMPLESS]).reader(PLAN), Uploaded()
    landing = Landing(PLAN, writer(uploaded, row_schema(PLAN)), next_start="")
    for reading in window_passes(PLAN, WINDOW):
        for page in reader.pages(reading, None):
            landing.add(page)
    landing.finish()
    assert [by_field(row) for row in uploaded.rows] == [*ROWS, STAMPLESS]
    assert [row["_row"] for row in uploaded.rows] == list(range(10))
    assert [row["_cursor"] for row in uploaded.rows] == [row["_cursor"] for row in [*ROWS, STAMPLESS]]
    assert {row["_unfit"] for row in uploaded.rows} == {None}
    assert len(landing.seen) == 10


def test_a_sweep_holds_keys_that_do_not_fit_as_they_were_sent() -> None:
    uploaded = Uploaded()
    landing = KeyLanding(PLAN, writer(uploaded, key_schema(PLAN)))
    for page in ModelSource(ROWS).reader(PLAN).pages(key_pass(PLAN), None):
        landing.add(page)
    narrow = replace(PLAN, fields=PLAN.key_fields)
    body = json.dumps({"value": [{"_row": "no number", "_deleted_at": "k"}]}).encode()
    batch = read_page(body, narrow, ENVELOPE).batch
    landing.add(Read(batch, pa.nulls(1, pa.string()), pa.array(["unused"]), NOON))
    landing.finish()
    names = key_schema(PLAN).names
    assert names == ["_row_2", "_deleted_at_2"]
    assert [row[names[0]] for row in uploaded.rows] == [*map(str, range(9)), "no number"]


def test_tombstones_keep_the_key_beside_the_instant_that_the_source_names() -> None:
    uploaded = Uploaded()
    landing = TombstoneLanding(PLAN, writer(uploaded, tombstone_schema(PLAN)))
    landing.add([("1", "k")], NOON, ["2026-11-16"])
    landing.finish()
    assert uploaded.rows == [{"_row_2": "1", "_deleted_at_2": "k", "_observed_at": NOON, "_deleted_at": "2026-11-16"}]


def test_rows_are_fetched_and_put_together_by_such_keys() -> None:
    reader = ModelSource(ROWS).reader(PLAN)
    pages = list(reader.pages(fetch_pass(PLAN, [("3", "k"), ("5", "k")]), None))
    assert [by_field(row)["_row"] for page in pages for row in page.batch.to_pylist()] == [3, 5]
    batch = pages[0].batch
    assert joined([batch, batch]).equals(batch)


def test_rows_with_a_stamp_among_those_without_one_are_noticed() -> None:
    _, stampless = window_passes(PLAN, WINDOW)
    with pytest.raises(FilterIgnored, match="without _cursor were asked for"):
        check(stampless, [ROWS[0]], plan=PLAN)
