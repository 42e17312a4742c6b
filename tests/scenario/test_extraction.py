"""What extraction promises, seen from outside: sources in, raw out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lake.extract.errors import LeaseHeld, LeaseLost, SourceAuthError, SourceUnavailable
from lake.instants import now
from lake.state.entity import StateTable
from tests.support.raw_truth import TABLES, assert_raw_equals_source

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_the_first_run_lands_every_row_once(raw_lake: RawLake, crm: Source, erp: Source, entity: str) -> None:
    source = {"crm": crm, "erp": erp}[entity.partition(".")[0]]
    results = raw_lake.run(entity)
    assert_raw_equals_source(raw_lake, source, entity)
    assert len(raw_lake.versions(entity)) == len(source.rows(TABLES[entity])) == sum(r.counts.landed for r in results)


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_a_run_without_news_writes_nothing_to_raw(raw_lake: RawLake, crm: Source, erp: Source, entity: str) -> None:
    raw_lake.run(entity)
    objects = raw_lake.keys()
    source = {"crm": crm, "erp": erp}[entity.partition(".")[0]]
    source.control.advance(hours=0.1)
    (result,) = raw_lake.run(entity)
    assert raw_lake.keys() == objects
    assert (result.loads, result.counts.landed) == ((), 0)
    assert result.counts.received == result.counts.repeated


def test_rows_of_one_instant_survive_a_page_break(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run("erp.sales_order")
    erp.control.advance(hours=1)
    touched = erp.control.touch("erp.sales_order", rows=700)
    erp.control.advance(hours=1)
    (result,) = raw_lake.run("erp.sales_order", page_size=100)
    assert result.counts.landed == touched
    assert_raw_equals_source(raw_lake, erp, "erp.sales_order")


def test_a_row_that_becomes_visible_late_is_read_in_the_overlap(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run("erp.sales_order")
    erp.control.advance(hours=1)
    key = str(erp.rows("A_SalesOrder")[0]["SalesOrder"])
    erp.control.change("erp.sales_order", key, {"ExternalDocumentID": "LATE"}, visible_after_minutes=25)
    erp.control.advance(hours=0.2)
    raw_lake.run("erp.sales_order")
    assert raw_lake.newest("erp.sales_order")[(key,)]["ExternalDocumentID"] != "LATE"
    erp.control.advance(hours=0.3)
    raw_lake.run("erp.sales_order")
    assert raw_lake.newest("erp.sales_order")[(key,)]["ExternalDocumentID"] == "LATE"


def test_a_row_without_a_stamp_is_read_and_its_repetition_left_out(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run("erp.sales_order")
    key = str(erp.rows("A_SalesOrder")[7]["SalesOrder"])
    erp.control.advance(hours=1)
    erp.control.change("erp.sales_order", key, {"ExternalDocumentID": "NO STAMP"}, stamp=None)
    erp.control.advance(hours=1)
    (first,) = raw_lake.run("erp.sales_order")
    erp.control.advance(hours=1)
    (second,) = raw_lake.run("erp.sales_order")
    assert first.counts.landed == 1
    assert raw_lake.newest("erp.sales_order")[(key,)]["ExternalDocumentID"] == "NO STAMP"
    assert (second.counts.landed, second.counts.received) == (0, second.counts.repeated)


def test_a_sweep_ends_deleted_orders_and_only_these(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run("erp.sales_order")
    gone = [str(row["SalesOrder"]) for row in erp.rows("A_SalesOrder")[10:15]]
    erp.control.delete("erp.sales_order", *gone)
    erp.control.advance(hours=25)
    results = raw_lake.run("erp.sales_order", page_size=100)
    last = raw_lake.manifests("erp.sales_order")[-1]
    assert (last["kind"], last["sweep"]["last"], results[-1].status) == ("keys", True, "DONE")
    assert_raw_equals_source(raw_lake, erp, "erp.sales_order")


def test_a_day_of_changes_is_in_raw_afterwards(raw_lake: RawLake, crm: Source, erp: Source) -> None:
    for entity in TABLES:
        raw_lake.run(entity)
    for source in (crm, erp):
        source.control.day_of_changes()
        source.control.advance(hours=1)
    for entity in TABLES:
        raw_lake.run(entity)
        assert_raw_equals_source(raw_lake, {"crm": crm, "erp": erp}[entity.partition(".")[0]], entity)


def test_a_window_may_take_many_invocations_each_with_its_load(raw_lake: RawLake, erp: Source) -> None:
    results = raw_lake.run("erp.sales_order", requests_allowed=2, page_size=200)
    assert len(results) > 2
    manifests = raw_lake.manifests("erp.sales_order")
    assert [manifest["load"] for manifest in manifests] == list(range(1, len(manifests) + 1))
    assert_raw_equals_source(raw_lake, erp, "erp.sales_order")
    assert len(raw_lake.versions("erp.sales_order")) == len(erp.rows("A_SalesOrder"))


def test_a_wrong_password_names_the_source_and_the_secret(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.secrets = raw_lake.secrets | {"erp": {"user": "LAKE", "password": "wrong"}}
    with pytest.raises(SourceAuthError, match=r"credentials of source erp .*Secrets Manager"):
        raw_lake.run("erp.sales_order")
    assert raw_lake.keys() == []


def test_a_wrong_client_secret_names_the_source_and_the_secret(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.secrets = raw_lake.secrets | {"crm": {"client_id": "lake-reader", "client_secret": "wrong"}}
    with pytest.raises(SourceAuthError, match=r"source crm no token .*Secrets Manager"):
        raw_lake.run("crm.account")


def test_a_source_that_is_down_is_tried_again_and_then_named(raw_lake: RawLake, erp: Source) -> None:
    erp.control.fault("down")
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1.*Is the source up"):
        raw_lake.run("erp.sales_order")
    assert len(raw_lake.sleeps) == raw_lake.sources["erp"].max_retries
    erp.control.fault("none")
    raw_lake.run("erp.sales_order")
    assert_raw_equals_source(raw_lake, erp, "erp.sales_order")


def test_a_few_bad_answers_are_ridden_out(raw_lake: RawLake, crm: Source) -> None:
    crm.control.fault("http", status=503, times=2)
    raw_lake.run("crm.account")
    assert_raw_equals_source(raw_lake, crm, "crm.account")


def test_somebody_else_waits_for_the_lease_but_the_pipelines_holder_takes_it(raw_lake: RawLake, erp: Source) -> None:
    table = StateTable(raw_lake.dynamodb, "state")
    stalled = table.acquire(table.read("erp.sales_order"), "other", now(), now() + timedelta(minutes=15))
    with pytest.raises(LeaseHeld, match="worked on by other"):
        raw_lake.invoke("erp.sales_order")
    raw_lake.hold_pipeline(raw_lake.run_id)
    raw_lake.run("erp.sales_order")
    with pytest.raises(LeaseLost):
        table.finish(stalled)
    assert_raw_equals_source(raw_lake, erp, "erp.sales_order")
