"""A source whose fields change: told by each run that brings rows, and in the error where it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.extract.errors import SourceRejected

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ACCOUNTS, ORDERS = "crm.account", "erp.sales_order"


def told(lake: RawLake, entity: str) -> list[list[str]]:
    """What the records of the run say of drift, invocation by invocation."""
    records = lake.world(entity.partition(".")[0]).runs.read(lake.run_id)
    return [record["drift"] for _, record in sorted(records.items())]


@pytest.mark.parametrize(("entity", "field"), [(ORDERS, "TransactionCurrency"), (ACCOUNTS, "Name")])
def test_a_refusal_says_which_field_is_gone(
    raw_lake: RawLake, crm: Source, erp: Source, entity: str, field: str
) -> None:
    source = {"crm": crm, "erp": erp}[entity.partition(".")[0]]
    source.control.fault("schema_drift", entity=entity, how="gone", field=field)
    with pytest.raises(SourceRejected, match=f"has no field {field} any more"):
        raw_lake.run(entity)
    ((drift,),) = told(raw_lake, entity)
    assert f"has no field {field} any more" in drift


def test_a_changed_type_is_told_and_its_rows_land(raw_lake: RawLake, erp: Source) -> None:
    erp.control.fault("schema_drift", entity=ORDERS, how="type", field="TotalNetAmount")
    assert raw_lake.invoke(ORDERS, requests_allowed=2, page_size=200).status == "CONTINUE"
    raw_lake.run(ORDERS, page_size=200)
    without_a_request_left, then = told(raw_lake, ORDERS)
    assert without_a_request_left == []
    assert ["TotalNetAmount" in text for text in then] == [True]
    assert len(raw_lake.versions(ORDERS)) == len(erp.rows("A_SalesOrder"))


def test_a_source_that_says_what_the_contract_says_has_not_drifted(raw_lake: RawLake, crm: Source, erp: Source) -> None:
    for entity in (ACCOUNTS, ORDERS, "erp.business_partner"):
        raw_lake.run(entity)
    assert not any(told(raw_lake, ORDERS))


def test_a_window_without_rows_asks_for_no_description(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    raw_lake.run_id = "run-2"
    erp.control.fault("schema_drift", entity=ORDERS, how="type", field="TotalNetAmount")
    erp.control.advance(hours=0.1)
    (quiet,) = raw_lake.run(ORDERS)
    assert (quiet.counts.landed, told(raw_lake, ORDERS)) == (0, [[]])
