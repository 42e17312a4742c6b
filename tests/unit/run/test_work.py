"""What there is to do after extraction."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lake.analytics.inputs import digest
from lake.run.state import Progress
from lake.run.work import Partition, Work, catalogued_in, plan_work

MODELS = {"customer_xref": "SELECT 1"}
CURATED = [Progress("crm.account", last_load=3, through=3), Progress("erp.sales_order", last_load=7, through=7)]
BUILT = digest({"crm.account": 3, "erp.sales_order": 7}, MODELS)
TODAY = Partition("crm", "crm_account", 1, "2026-11-23")


def test_a_run_without_a_new_load_has_nothing_to_do() -> None:
    assert plan_work(CURATED, BUILT, MODELS, [TODAY], lambda _: True) == Work([], build=False, crawl=[])


def test_a_new_load_is_curated_and_the_marts_are_built() -> None:
    ahead = [CURATED[0], Progress("erp.sales_order", last_load=8, through=7)]
    assert plan_work(ahead, BUILT, MODELS, [TODAY], lambda _: True) == Work(["erp.sales_order"], build=True, crawl=[])


def test_changed_sql_builds_the_marts_though_nothing_is_to_be_curated() -> None:
    work = plan_work(CURATED, BUILT, {"customer_xref": "SELECT 2"}, [], lambda _: True)
    assert work == Work([], build=True, crawl=[])


def test_an_earlier_build_that_failed_is_made_up_for() -> None:
    before = digest({"crm.account": 3, "erp.sales_order": 6}, MODELS)
    assert plan_work(CURATED, before, MODELS, [], lambda _: True).build


def test_an_empty_lake_builds_nothing() -> None:
    assert plan_work([Progress("crm.account")], None, MODELS, [], lambda _: True) == Work([], build=False, crawl=[])


def test_a_day_that_the_catalog_lacks_is_crawled_once_a_source() -> None:
    newest = [TODAY, Partition("crm", "crm_contact", 1, "2026-11-23"), Partition("erp", "erp_item", 1, "2026-11-22")]
    work = plan_work(CURATED, BUILT, MODELS, newest, lambda partition: partition.source == "erp")
    assert work.crawl == ["crm"]


def test_the_answer_names_crawlers_of_this_lake() -> None:
    answer = Work(["crm.account", "erp.sales_order"], build=True, crawl=["crm"]).as_answer("acme")
    assert answer == {
        "task": "curate",
        "curate": "crm.account,erp.sales_order",
        "build": True,
        "crawlers": ["acme-raw-crm"],
    }


def test_a_partition_that_the_catalog_has_is_catalogued() -> None:
    glue = boto3.client("glue")
    with Stubber(glue) as stub:
        stub.add_response(
            "get_partition",
            {"Partition": {"Values": ["1", "2026-11-23"]}},
            {"DatabaseName": "lake_raw", "TableName": "crm_account", "PartitionValues": ["1", "2026-11-23"]},
        )
        assert catalogued_in(glue, "lake_raw")(TODAY)


def test_a_partition_or_table_that_the_catalog_lacks_is_not_and_any_other_error_is_one() -> None:
    glue = boto3.client("glue")
    with Stubber(glue) as stub:
        stub.add_client_error("get_partition", "EntityNotFoundException")
        assert not catalogued_in(glue, "lake_raw")(TODAY)
        stub.add_client_error("get_partition", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            catalogued_in(glue, "lake_raw")(TODAY)
