"""`lake state`, `lake reload`, `lake backfill` as an operator meets them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.contract.build import compile_folder
from lake.instants import now, to_text
from tests.support.cli_lake import PROJECT, Lake

ORDER = "erp.sales_order"
WATERMARK = datetime(2026, 11, 16, 6, tzinfo=UTC)


@pytest.fixture
def lake_with_orders(a_lake: Lake) -> Lake:
    """A lake that has read orders."""
    for name, text in compile_folder(PROJECT / "contracts").items():
        if not name.startswith("source."):
            a_lake.write_raw(f"plans/{name}", text)
    state: dict[str, Any] = {"token": {"N": "3"}, "watermark": {"S": to_text(WATERMARK)}, "last_load": {"N": "2"}}
    a_lake.write_state(f"entity#{ORDER}", "live", **state)
    return a_lake


def test_the_state_is_shown_of_all_entities_and_of_one(lake_with_orders: Lake) -> None:
    all_of_them = lake_with_orders.run("state", "show")
    assert all_of_them.exit_code == 0
    assert ORDER in all_of_them.output
    assert "2026-11-16" in all_of_them.output
    one = json.loads(lake_with_orders.run("state", "show", ORDER, "--json").stdout)
    assert one["lanes"][0]["watermark"] == to_text(WATERMARK)


def test_an_unknown_entity_is_refused_with_those_that_there_are(lake_with_orders: Lake) -> None:
    result = lake_with_orders.run("state", "show", "erp.nothing")
    assert result.exit_code == 1
    assert ORDER in result.output


def test_a_watermark_is_set_back_and_the_audit_says_who_and_why(lake_with_orders: Lake) -> None:
    earlier = to_text(WATERMARK - timedelta(days=1))
    done = lake_with_orders.run("state", "set", ORDER, "--watermark", earlier, "--why", "rows were late")
    assert done.exit_code == 0, done.output
    assert earlier in done.output
    audit = json.loads(lake_with_orders.run("state", "audit", ORDER, "--json").stdout)["changes"]
    assert (audit[0]["why"], audit[0]["action"]) == ("rows were late", "set")
    assert "arn:aws" in audit[0]["who"]


def test_a_watermark_ahead_is_refused_with_the_rows_that_it_would_leave_out(lake_with_orders: Lake) -> None:
    later = to_text(WATERMARK + timedelta(days=1))
    result = lake_with_orders.run("state", "set", ORDER, "--watermark", later, "--why", "x")
    assert result.exit_code == 1
    assert "would be left out" in result.output
    assert "--force" in result.output


def test_a_lease_that_nobody_works_under_is_given_back(lake_with_orders: Lake) -> None:
    held = {"lease_owner": {"S": "lake-gone"}, "lease_until": {"S": to_text(now() + timedelta(hours=1))}}
    lake_with_orders.write_state(f"entity#{ORDER}", "live", token={"N": "4"}, **held)
    result = lake_with_orders.run("state", "release", ORDER, "--why", "its run was aborted")
    assert result.exit_code == 0, result.output
    assert "lease_owner: lake-gone → nothing" in result.output
    assert "Nobody holds" in lake_with_orders.run("state", "release", ORDER, "--why", "again").output


def test_a_reload_says_what_reads_the_entity_whole(lake_with_orders: Lake) -> None:
    result = lake_with_orders.run("reload", ORDER, "--why", "the ERP was restored")
    assert result.exit_code == 0, result.output
    assert f"lake run --entity {ORDER}" in result.output
    assert "reload wanted" in lake_with_orders.run("state", "show").output


def test_a_state_is_restored_from_the_manifests_in_raw(lake_with_orders: Lake) -> None:
    end = to_text(WATERMARK - timedelta(hours=3))
    manifest = {"load": 1, "token": 9, "kind": "rows", "reason": "window", "lane": "live", "checkpoint": None}
    manifest |= {"window": {"from": None, "to": end}, "sweep": None, "parts": []}
    lake_with_orders.write_raw("manifests/erp/sales_order/000000000001.json", manifest)
    result = lake_with_orders.run("state", "restore", ORDER, "--why", "the table was lost")
    assert result.exit_code == 0, result.output
    assert f"read on from {end}" in result.output
    shown = json.loads(lake_with_orders.run("state", "show", ORDER, "--json").stdout)["lanes"][0]
    assert (shown["watermark"], shown["last_load"]) == (end, 1)


def test_a_backfill_is_followed_and_says_what_landed(lake_with_orders: Lake) -> None:
    result = lake_with_orders.run("backfill", ORDER, "--from", "2026-01-01", "--to", "2026-02-01")
    assert result.exit_code == 0, result.output
    assert "1,234 rows landed" in result.output
    assert "lake run" in result.output


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [("2026-02-01", "2026-01-01", "is not before"), ("yesterday", "2026-01-01", "no instant with an offset")],
)
def test_a_range_that_is_none_is_refused(lake_with_orders: Lake, since: str, until: str, said: str) -> None:
    result = lake_with_orders.run("backfill", ORDER, "--from", since, "--to", until)
    assert result.exit_code == 1
    assert said in result.output
