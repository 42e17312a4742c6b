"""What people are told through Athena is what plain SQL says over the sources' own databases, to the cent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.e2e import expected

if TYPE_CHECKING:
    from tests.e2e.deployed import DeployedLake

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("changed")]


def test_orders_by_month_and_currency_equal_the_sources_to_the_cent(lake: DeployedLake) -> None:
    rows = lake.query("SELECT month, currency, lines, orders, eff_net FROM mart_orders_by_month")
    found = {
        (row["month"], row["currency"]): (int(row["lines"] or 0), int(row["orders"] or 0), Decimal(row["eff_net"] or 0))
        for row in rows
    }
    assert len(found) == len(rows)
    assert found == {
        (month, currency): (lines, orders, expected.thousandths(net))
        for month, currency, lines, orders, net in expected.read_lines(lake.stack.sources, expected.ORDERS_BY_MONTH)
    }


def test_order_lines_are_those_of_the_sources_and_add_up_to_the_cent(lake: DeployedLake) -> None:
    (row,) = lake.query(
        "SELECT count(*) AS lines, count(DISTINCT sales_order || '/' || sales_order_item) AS keys,"
        " sum(CASE WHEN rejected THEN 1 ELSE 0 END) AS rejected, sum(net_amount) AS net, sum(eff_net) AS eff_net"
        " FROM fct_order_lines"
    )
    ((lines, keys, rejected, net, eff_net),) = expected.read_lines(lake.stack.sources, expected.ORDER_LINES)
    assert (int(row["lines"] or 0), int(row["keys"] or 0), int(row["rejected"] or 0)) == (lines, keys, rejected)
    assert Decimal(row["net"] or 0) == expected.thousandths(net)
    assert Decimal(row["eff_net"] or 0) == expected.thousandths(eff_net)
    assert lines > 1_000
    assert 0 < rejected < lines


def test_accounts_are_matched_with_partners_as_the_rules_say(lake: DeployedLake) -> None:
    rows = lake.query("SELECT account_id, business_partner, rule, confidence FROM customer_xref")
    found = {
        expected.Match(
            str(row["account_id"]), str(row["business_partner"]), int(row["rule"] or 0), Decimal(row["confidence"] or 0)
        )
        for row in rows
    }
    wanted = expected.matches(lake.stack.sources)
    assert len(found) == len(rows)
    assert found == wanted
    assert all(count > 10 for count in expected.by_rule(wanted).values())
    assert set(expected.by_rule(wanted)) == {1, 2}


def test_what_lies_in_quarantine_is_what_is_broken_at_the_source_and_is_in_no_mart(lake: DeployedLake) -> None:
    kept = {row["sales_order"] for row in lake.query("SELECT sales_order FROM lake_curated.erp_sales_order_quarantine")}
    broken = {order for (order,) in expected.read(lake.stack.sources, "erp", expected.BROKEN_ORDERS)}
    assert kept == broken
    assert broken
    in_mart = {row["sales_order"] for row in lake.query("SELECT DISTINCT sales_order FROM fct_order_lines")}
    assert not in_mart & broken


@pytest.mark.parametrize("table", ["crm_account", "erp_business_partner", "erp_sales_order"])
def test_raw_is_queryable_and_holds_every_row_that_landed(lake: DeployedLake, table: str) -> None:
    (row,) = lake.query(f"SELECT count(*) AS landed, count(DISTINCT loaded_on) AS days FROM lake_raw.{table}")  # noqa: S608
    s3, bucket = lake.aws("s3"), lake.outputs["RawBucketName"]
    prefix = f"manifests/{table.replace('_', '/', 1)}/"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    manifests = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    assert int(row["landed"] or 0) == sum(each["rows"] for each in manifests if each["kind"] == "rows")
    assert int(row["days"] or 0) >= 1
