"""Changing state by hand: what is allowed, what manifests tell, and that each change is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.errors import LeaseHeld, LeaseLost
from lake.instants import to_text
from lake.state.byhand import Hand, StateByHand
from lake.state.decisions import NotAllowed, released, restored, to_be_reloaded, with_watermark
from lake.state.entity import EntityState, StateTable
from tests.support.state_table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

ENTITY = "erp.thing"
NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
HAND = Hand("arn:aws:iam::1:user/ada", "the source was restored", NOW)
READ = EntityState(ENTITY, token=4, watermark=NOW, checkpoint={"phase": "keys"}, fingerprints="f", last_load=9)


@pytest.fixture
def by_hand(dynamodb: Any) -> StateByHand:
    return StateByHand(dynamodb, TABLE)


def test_a_watermark_goes_back_and_all_behind_it_is_forgotten() -> None:
    earlier = NOW - timedelta(days=2)
    after = with_watermark(READ, earlier, NOW, force=False)
    assert (after.watermark, after.checkpoint, after.fingerprints, after.last_load) == (earlier, None, None, 9)


def test_keys_that_were_named_as_gone_are_still_looked_for_behind_a_watermark_that_goes_back() -> None:
    looking = replace(READ, checkpoint={"phase": "named", "loads": [8]})
    assert with_watermark(looking, NOW - timedelta(days=2), NOW, force=False).checkpoint == looking.checkpoint


@pytest.mark.parametrize("state", [READ, EntityState(ENTITY)])
def test_a_watermark_that_would_leave_rows_out_is_refused(state: EntityState) -> None:
    with pytest.raises(NotAllowed, match=r"rows between there and .* would be left out"):
        with_watermark(state, LATER, NOW, force=False)
    assert with_watermark(state, LATER, NOW, force=True).watermark == LATER


def test_nobody_is_robbed_of_a_lease_under_which_he_works() -> None:
    held = replace(READ, lease_owner="run-7", lease_until=LATER)
    with pytest.raises(NotAllowed, match="run-7 works on"):
        released(held, NOW, holder_runs=True, force=False)
    with pytest.raises(NotAllowed, match="run-7 works on"):
        with_watermark(held, NOW, NOW, force=False)
    assert released(held, NOW, holder_runs=False, force=False).lease_owner is None
    assert released(held, NOW, holder_runs=True, force=True).lease_owner is None
    assert released(held, LATER + timedelta(hours=1), holder_runs=True, force=False).lease_owner is None


def test_a_change_and_its_reason_are_written_together(by_hand: StateByHand, dynamodb: Any) -> None:
    table = StateTable(dynamodb, TABLE)
    state = table.acquire(EntityState(ENTITY), "run", NOW, LATER)
    table.finish(replace(state, watermark=NOW, last_load=3))
    before = by_hand.lanes(ENTITY)[0]
    by_hand.change(before, with_watermark(before, NOW - timedelta(days=1), NOW, force=False), "set", HAND)
    assert table.read(ENTITY).watermark == NOW - timedelta(days=1)
    (audited,) = by_hand.audit(ENTITY)
    assert (audited.who, audited.why, audited.action, audited.at) == (HAND.who, HAND.why, "set", NOW)
    assert audited.before["watermark"] == to_text(NOW)
    assert audited.after["watermark"] == to_text(NOW - timedelta(days=1))
    assert by_hand.audit("erp.other") == []


def test_a_change_of_what_somebody_took_meanwhile_is_refused_and_not_written_down(
    by_hand: StateByHand, dynamodb: Any
) -> None:
    before = by_hand.lanes(ENTITY)[0]
    StateTable(dynamodb, TABLE).acquire(EntityState(ENTITY), "run", NOW, LATER)
    with pytest.raises(LeaseHeld):
        by_hand.change(before, to_be_reloaded(before, HAND), "reload", HAND)
    assert by_hand.audit(None) == []
    assert StateTable(dynamodb, TABLE).read(ENTITY).reload is None


def test_whoever_works_on_an_entity_notices_a_change_by_hand(by_hand: StateByHand, dynamodb: Any) -> None:
    table = StateTable(dynamodb, TABLE)
    working = table.acquire(EntityState(ENTITY), "run", NOW, LATER)
    before = by_hand.lanes(ENTITY)[0]
    by_hand.change(before, released(before, NOW, holder_runs=True, force=True), "release", HAND)
    with pytest.raises(LeaseLost):
        table.finish(replace(working, watermark=LATER))


def test_a_wish_to_reload_stays_until_it_is_fulfilled(by_hand: StateByHand, dynamodb: Any) -> None:
    table = StateTable(dynamodb, TABLE)
    before = by_hand.lanes(ENTITY)[0]
    by_hand.change(before, to_be_reloaded(before, HAND), "reload", HAND)
    state = table.acquire(table.read(ENTITY), "run", NOW, LATER)
    wish = state.reload
    assert wish is not None
    assert json.loads(wish)["why"] == HAND.why
    table.finish(replace(state, watermark=NOW))
    assert table.read(ENTITY).reload == wish
    table.reloaded(ENTITY, "another wish")
    assert table.read(ENTITY).reload == wish
    table.reloaded(ENTITY, wish)
    assert table.read(ENTITY).reload is None


def manifest(load: int, **other: Any) -> dict[str, Any]:
    window = {"from": None, "to": to_text(NOW + timedelta(hours=load))}
    plain = {"load": load, "token": load, "kind": "rows", "reason": "window", "lane": "live", "checkpoint": None}
    part = {"key": f"data/erp/thing/major=1/loaded_on=2026-11-{10 + load:02}/x.parquet"}
    return plain | {"window": window, "sweep": None, "parts": [part]} | other


def test_the_watermark_is_the_end_of_the_last_window_that_was_read_to_its_end() -> None:
    read = [manifest(1), manifest(2), manifest(3, checkpoint={"phase": "window"})]
    state = restored(EntityState(ENTITY), read).state
    assert (state.watermark, state.last_load, state.token) == (NOW + timedelta(hours=2), 3, 3)
    assert (state.fingerprints, state.checkpoint, state.last_data_on) == (None, None, "2026-11-13")


@given(st.lists(st.sampled_from(["window", "open", "backfill", "sweep"]), max_size=8))
def test_a_restored_watermark_is_never_beyond_what_a_live_window_read(kinds: list[str]) -> None:
    made: dict[str, Callable[[int], dict[str, Any]]] = {
        "window": manifest,
        "open": lambda load: manifest(load, checkpoint={"phase": "window"}),
        "backfill": lambda load: manifest(load, lane="backfill#1", reason="backfill"),
        "sweep": lambda load: manifest(load, kind="keys", reason="sweep", window=None, sweep={"last": True}),
    }
    manifests = [made[kind](load) for load, kind in enumerate(kinds, start=1)]
    state = restored(EntityState(ENTITY), manifests).state
    finished = [load for load, kind in enumerate(kinds, start=1) if kind == "window"]
    assert state.watermark == (NOW + timedelta(hours=finished[-1]) if finished else None)
    assert state.last_load == len(kinds)
    assert state.swept_at is None or (state.watermark is not None and state.swept_at <= state.watermark)


def test_without_manifests_an_entity_is_read_from_its_beginning() -> None:
    found = restored(READ, [])
    assert (found.state.watermark, found.state.last_load) == (None, 0)
    assert "from its beginning" in found.notes[0]
    assert found.state.token == READ.token
