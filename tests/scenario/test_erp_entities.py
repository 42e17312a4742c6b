"""Each entity of the ERP: its contract and its service fit, and what raw then holds is the source's truth, children included.

Deliveries are stamped with a day alone, receivables with the day of entry that no clearing moves; customers, rates and company
codes bear no stamp.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.plans import in_milliseconds
from tests.support.raw_truth import same

if TYPE_CHECKING:
    from lake.contract.plan import Plan
    from tests.support.raw_lake import RawLake, Source

DELIVERY, RECEIVABLE, RATE = "erp.outbound_delivery", "erp.receivable_item", "erp.exchange_rate"
ENTITIES = (
    "billing_document",
    "company_code",
    "customer",
    "exchange_rate",
    "outbound_delivery",
    "product",
    "receivable_item",
)


def served(source: Source, plan: Plan) -> list[dict[str, Any]]:
    """The rows that the contract's filter lets through: of the books, the customers' accounts."""
    rows = source.rows(plan.path.rpartition("/")[2])
    return [row for row in rows if plan.filter is None or row["FinancialAccountType"] == "D"]


def assert_raw_equals_source(lake: RawLake, source: Source, entity: str) -> None:
    """Each row is the newest version of its key in raw, with its children; no other key lives."""
    plan = lake.plans[entity]
    truth = {tuple(same_type(row[f.field]) for f in plan.key_fields): row for row in served(source, plan)}
    newest = {tuple(map(same_type, key)): row for key, row in lake.newest(entity).items()}
    assert newest.keys() == truth.keys()
    for key, row in truth.items():
        for field in plan.fields:
            kept = newest[key][field.field]
            assert same(kept, cut(row[field.field], field.type)), (key, field.field)
    for child in plan.children:
        there = [tuple(str(row[f.field]) for f in child.fields) for row in source.rows(child.path)]
        landed = [item for version in newest.values() for item in version[child.field]]
        assert sorted(tuple(str(item[f.field]) for f in child.fields) for item in landed) == sorted(there)


def same_type(value: Any) -> str:
    """Keys as text: raw has dates."""
    return str(value)


def cut(stored: Any, kind: str) -> Any:
    """What version 2 sends of a stamp of seven digits."""
    return f"{stored[:23]}Z" if kind == "timestamp(3)" and stored else stored


def assert_landed_once(lake: RawLake, source: Source, entity: str) -> None:
    versions = lake.versions(entity)
    assert len(versions) == len(served(source, lake.plans[entity]))
    assert not [row for row in versions if row["_unfit"] is not None or row["_unmapped"] is not None]


@pytest.mark.parametrize("name", ENTITIES)
def test_each_entity_lands_once_over_version_2_too(raw_lake: RawLake, erp: Source, name: str) -> None:
    entity = f"erp.{name}"
    second = replace(raw_lake.sources["erp"], version="v2", base_path="/sap/opu/odata/sap")
    raw_lake.sources = raw_lake.sources | {"erp": second}
    plan = raw_lake.plans[entity]
    raw_lake.plans = raw_lake.plans | {entity: in_milliseconds(plan) if plan.cursor.digits == 7 else plan}
    raw_lake.run(entity)
    assert_raw_equals_source(raw_lake, erp, entity)
    assert_landed_once(raw_lake, erp, entity)


def test_each_entity_lands_once_and_after_a_day_is_as_the_source_has_it(raw_lake: RawLake, erp: Source) -> None:
    entities = [f"erp.{name}" for name in ENTITIES]
    for entity in entities:
        raw_lake.run(entity)
        assert_raw_equals_source(raw_lake, erp, entity)
        assert_landed_once(raw_lake, erp, entity)
    erp.control.day_of_changes()
    erp.control.advance(hours=1)
    for entity in entities:
        raw_lake.run(entity)
        assert_raw_equals_source(raw_lake, erp, entity)
    objects = raw_lake.keys("data/")
    assert sum(raw_lake.run(entity)[-1].counts.landed for entity in entities) == 0
    assert raw_lake.keys("data/") == objects
