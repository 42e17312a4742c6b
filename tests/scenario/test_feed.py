"""A feed of deletions: tombstones, rows that come back, and feeds that no longer know enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.plan import NO_CURSOR, Deletes
from lake.instants import from_text
from tests.support.raw_lake import TABLE
from tests.support.raw_truth import same

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ACCOUNTS = "crm.account"
FED: dict[str, Any] = {"deletes": (Deletes("feed"),)}


def alive(crm: Source) -> dict[tuple[str], dict[str, Any]]:
    return {(row["Id"],): row for row in crm.rows("Account") if not int(row["IsDeleted"])}


def assert_raw_equals_what_lives(lake: RawLake, crm: Source) -> None:
    truth, newest = alive(crm), lake.newest(ACCOUNTS)
    assert newest.keys() == truth.keys()
    for key, row in truth.items():
        for field in lake.plans[ACCOUNTS].fields:
            assert same(newest[key][field.field], row[field.field]), (key, field.field)


def account(crm: Source, place: int) -> str:
    return sorted(alive(crm))[place][0]


def kinds(lake: RawLake) -> list[str]:
    return [manifest["reason"] for manifest in lake.manifests(ACCOUNTS)]


def test_a_feed_ends_what_was_deleted_for_good_or_into_the_bin(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(ACCOUNTS, **FED)
    crm.control.advance(hours=2)
    crm.control.delete(ACCOUNTS, account(crm, 3), account(crm, 4))
    crm.control.delete(ACCOUNTS, account(crm, 5), hard=True)
    crm.control.advance(hours=2)
    raw_lake.run(ACCOUNTS, **FED)
    assert kinds(raw_lake)[1:] == ["feed"]
    assert len(raw_lake.tombstones(ACCOUNTS)) == 3
    assert_raw_equals_what_lives(raw_lake, crm)


def test_a_feed_without_news_writes_nothing(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(ACCOUNTS, **FED)
    crm.control.advance(hours=5)
    raw_lake.run(ACCOUNTS, **FED)
    objects = raw_lake.keys()
    crm.control.advance(hours=5)
    (quiet,) = raw_lake.run(ACCOUNTS, **FED)
    assert (quiet.loads, raw_lake.keys()) == ((), objects)
    assert (raw_lake.state(ACCOUNTS).feed_until or from_text("2000-01-01T00:00:00Z")) > from_text(
        "2026-11-16T06:00:00Z"
    )


def test_a_row_that_comes_back_behind_the_feed_is_read_by_key_at_once(raw_lake: RawLake, crm: Source) -> None:
    """Its stamp lies at the window's end, so that no window reads it yet."""
    raw_lake.run(ACCOUNTS, **FED)
    crm.control.advance(hours=2)
    key = account(crm, 6)
    crm.control.delete(ACCOUNTS, key)
    crm.control.advance(hours=0.1)
    undelete = ["undelete", {"entity": ACCOUNTS, "keys": [[key]]}]
    crm.control.faults({"kind": "meanwhile", "do": [undelete], "only": "Id = ", "times": 1})
    raw_lake.run(ACCOUNTS, **FED)
    assert kinds(raw_lake)[1:] == ["feed", "fetch"]
    assert_raw_equals_what_lives(raw_lake, crm)


def test_a_feed_that_forgot_is_made_good_by_a_full_refresh(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(ACCOUNTS, **FED)
    crm.control.delete(ACCOUNTS, account(crm, 7), hard=True)
    table = raw_lake.world("crm").table
    state = table.read(ACCOUNTS)
    taken = table.acquire(state, raw_lake.run_id, from_text("2026-11-16T06:00:00Z"), from_text("2026-11-16T06:00:00Z"))
    table.finish(replace(taken, feed_until=from_text("2026-10-16T06:00:00Z")))
    crm.control.advance(hours=1)
    (*_, last) = raw_lake.run(ACCOUNTS, **FED)
    assert "refresh" in kinds(raw_lake)
    assert last.status == "DONE"
    assert_raw_equals_what_lives(raw_lake, crm)


def test_an_entity_that_gets_a_feed_later_is_refreshed_first(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(ACCOUNTS, deletes=())
    crm.control.delete(ACCOUNTS, account(crm, 8), hard=True)
    crm.control.advance(hours=1)
    raw_lake.run(ACCOUNTS, **FED)
    assert kinds(raw_lake)[1] == "refresh"
    assert_raw_equals_what_lives(raw_lake, crm)


def test_what_was_deleted_after_a_first_reading_that_was_lost_is_ended_too(raw_lake: RawLake, crm: Source) -> None:
    """The extractor landed rows and died before its state was written: the window that begins anew never sees what was
    deleted in between, and no feed is asked that far back."""
    assert raw_lake.invoke(ACCOUNTS, requests_allowed=3, page_size=20, **FED).loads == (1,)
    landed = {row["Id"] for row in raw_lake.versions(ACCOUNTS)}
    raw_lake.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"entity#{ACCOUNTS}"}, "sk": {"S": "live"}})
    key = sorted(landed & {key for (key,) in alive(crm)})[0]
    crm.control.delete(ACCOUNTS, key, hard=True)
    crm.control.advance(hours=5)
    raw_lake.run(ACCOUNTS, **FED)
    crm.control.advance(hours=5)
    raw_lake.run(ACCOUNTS, **FED)
    assert_raw_equals_what_lives(raw_lake, crm)


def test_the_lakes_share_of_the_sources_calls_pauses_the_source_until_midnight(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.sources = {name: replace(plan, daily_share=0.5) for name, plan in raw_lake.sources.items()}
    crm.control.fault("announced_quota", requests=100_000)
    assert raw_lake.run(ACCOUNTS)[-1].status == "DONE"
    crm.control.touch(ACCOUNTS, rows=400)
    crm.control.advance(hours=1)
    crm.control.fault("announced_quota", requests=4)
    results = raw_lake.run(ACCOUNTS, page_size=100)
    assert results[-1].status == "PAUSED"
    assert "calls are used, and the lake reads up to 50%" in (results[-1].reason or "")
    assert f"{results[-1].resume_at:%H:%M}" == "00:00"
    crm.control.fault("none")
    assert raw_lake.invoke(ACCOUNTS).status == "PAUSED"


@pytest.mark.parametrize("strategy", ["feed", "none"])
def test_raw_says_what_was_deleted_only_where_it_is_seen(raw_lake: RawLake, crm: Source, strategy: Any) -> None:
    plan: dict[str, Any] = {"deletes": (Deletes(strategy),)}
    raw_lake.run(ACCOUNTS, **plan)
    crm.control.advance(hours=1)
    crm.control.delete(ACCOUNTS, account(crm, 9), hard=True)
    crm.control.advance(hours=1)
    raw_lake.run(ACCOUNTS, **plan)
    assert (raw_lake.newest(ACCOUNTS).keys() == alive(crm).keys()) == (strategy == "feed")


def test_without_a_cursor_the_feed_still_tells_what_was_deleted_between_refreshes(
    raw_lake: RawLake, crm: Source
) -> None:
    """A refresh that leaves known rows out is no sweep: it does not stand in for what the feed was to tell."""
    plan: dict[str, Any] = FED | {"cursor": NO_CURSOR, "full_refresh_s": 3_600}
    raw_lake.run(ACCOUNTS, **plan)
    crm.control.advance(hours=1.5)
    crm.control.delete(ACCOUNTS, account(crm, 10), hard=True)
    crm.control.advance(hours=1.5)
    raw_lake.run(ACCOUNTS, **plan)
    assert raw_lake.state(ACCOUNTS).refreshed_at == raw_lake.state(ACCOUNTS).watermark
    assert_raw_equals_what_lives(raw_lake, crm)
