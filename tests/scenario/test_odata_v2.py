"""The ERP read as OData v2: what raw then holds is the source's truth, as over version 4."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.extract.budget import Budget
from lake.extract.errors import NoProgress
from lake.extract.passes import page_query, refresh_pass
from lake.extract.protocols import odata
from lake.raw.page import read_page
from tests.support.plans import STAMP, in_milliseconds
from tests.support.raw_truth import TABLES, same

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ORDER, PARTNER = "erp.sales_order", "erp.business_partner"


@pytest.fixture
def second(raw_lake: RawLake) -> RawLake:
    """The lake with the ERP's contracts as they are for version 2."""
    erp = replace(raw_lake.sources["erp"], version="v2", base_path="/sap/opu/odata/sap")
    raw_lake.sources = raw_lake.sources | {"erp": erp}
    order, partner = in_milliseconds(raw_lake.plans[ORDER]), raw_lake.plans[PARTNER]
    partner = replace(partner, children=tuple(replace(child, filter=None) for child in partner.children))
    raw_lake.plans = raw_lake.plans | {ORDER: order, PARTNER: partner}
    return raw_lake


def assert_raw_equals_source(lake: RawLake, source: Source, entity: str) -> None:
    """Each visible row is the newest version of its key in raw, to the millisecond, with its items; no other key lives."""
    plan = lake.plans[entity]
    truth = {tuple(row[f.field] for f in plan.key_fields): row for row in source.rows(TABLES[entity])}
    newest = lake.newest(entity)
    assert newest.keys() == truth.keys()
    for key, row in truth.items():
        for field in plan.fields:
            stored = row[field.field]
            if field.field == STAMP and stored is not None:
                stored = f"{stored[:23]}Z"
            assert same(newest[key][field.field], stored), (key, field.field)
    for child in plan.children:
        there = [tuple(str(row[f.field]) for f in child.fields) for row in source.rows(child.path)]
        landed = [item for version in newest.values() for item in version[child.field]]
        assert sorted(tuple(str(item[f.field]) for f in child.fields) for item in landed) == sorted(there)


def unfit(lake: RawLake, entity: str) -> list[Any]:
    return [row for row in lake.versions(entity) if row["_unfit"] is not None or row["_unmapped"] is not None]


@pytest.mark.parametrize("entity", [ORDER, PARTNER])
def test_the_first_run_over_version_2_lands_every_row_once(second: RawLake, erp: Source, entity: str) -> None:
    second.run(entity, page_size=100)
    assert_raw_equals_source(second, erp, entity)
    assert len(second.versions(entity)) == len(erp.rows(TABLES[entity]))
    assert unfit(second, entity) == []


@pytest.mark.parametrize("entity", [ORDER, PARTNER])
def test_a_day_of_changes_over_version_2_ends_as_the_source_has_it(second: RawLake, erp: Source, entity: str) -> None:
    second.run(entity)
    erp.control.day_of_changes()
    second.run(entity)
    assert_raw_equals_source(second, erp, entity)
    objects = second.keys("data/")
    (result,) = second.run(entity)
    assert (second.keys("data/"), result.counts.landed) == (objects, 0)


@pytest.mark.parametrize("entity", [ORDER, PARTNER])
def test_pages_of_version_2_take_the_fast_lane(second: RawLake, erp: Source, entity: str) -> None:
    plan, source = second.plans[entity], second.sources["erp"]
    query = page_query(plan, refresh_pass(plan, track=False), None)
    connection = second.world("erp").connect(Budget(time.monotonic() + 60, 1.0, None))
    answer = connection.read(odata.pages(source, plan, query)[0])
    page = read_page(answer.body, plan, odata.envelope(source, plan))
    assert (page.batch.num_rows, page.by_record) == (min(plan.page_size, len(erp.rows(TABLES[entity]))), False)


def test_version_2_is_read_by_the_servers_own_pages_too(second: RawLake, erp: Source) -> None:
    erp.control.fault("page_cap", rows=70)
    second.run(ORDER, paging="server")
    assert_raw_equals_source(second, erp, ORDER)


def test_stamps_that_are_cut_end_the_reading_before_they_lose_a_row(second: RawLake, erp: Source) -> None:
    erp.control.advance(hours=1)
    erp.control.touch(ORDER, rows=30, at="now")
    with pytest.raises(NoProgress, match="came twice with the same stamp"):
        second.run(ORDER, paging="keyset", page_size=7)
