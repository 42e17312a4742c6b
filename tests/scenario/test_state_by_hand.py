"""A lake whose state was lost or changed by hand loses no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.instants import now
from lake.state.byhand import Hand, StateByHand
from lake.state.decisions import restored, to_be_reloaded
from tests.support.raw_lake import TABLE
from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ORDER = "erp.sales_order"


def test_a_state_that_was_lost_is_restored_from_manifests_and_no_row_is_lost(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDER)
    erp.control.day_of_changes()
    raw_lake.run(ORDER)
    known = raw_lake.state(ORDER)
    raw_lake.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"entity#{ORDER}"}, "sk": {"S": "live"}})

    by_hand = StateByHand(raw_lake.dynamodb, TABLE)
    before = by_hand.lanes(ORDER)[0]
    found = restored(before, raw_lake.manifests(ORDER))
    by_hand.change(before, found.state, "restore", Hand("ada", "the table was lost", now()))

    state = raw_lake.state(ORDER)
    assert state.last_load == known.last_load
    assert state.watermark is not None
    assert known.watermark is not None
    assert state.watermark <= known.watermark
    erp.control.day_of_changes()
    raw_lake.run(ORDER)
    assert_raw_equals_source(raw_lake, erp, ORDER)
    loads = [manifest["load"] for manifest in raw_lake.manifests(ORDER)]
    assert loads == list(range(1, len(loads) + 1))


def test_a_reload_reads_the_entity_whole_once(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDER)
    by_hand = StateByHand(raw_lake.dynamodb, TABLE)
    before = by_hand.lanes(ORDER)[0]
    hand = Hand("ada", "restored", now())
    by_hand.change(before, to_be_reloaded(before, hand), "reload", hand)

    raw_lake.run(ORDER)

    refreshes = [manifest for manifest in raw_lake.manifests(ORDER) if manifest["reason"] == "refresh"]
    assert sum(manifest["rows"] for manifest in refreshes) == len(erp.rows("A_SalesOrder"))
    assert raw_lake.state(ORDER).reload is None
    raw_lake.run(ORDER)
    assert len([m for m in raw_lake.manifests(ORDER) if m["reason"] == "refresh"]) == len(refreshes)
