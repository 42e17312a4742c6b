"""Sweeps and full refreshes are held against the source's own count: where rows are missing, nothing ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.contract.plan import NO_CURSOR, Deletes
from tests.support.raw_lake import TABLE
from tests.support.raw_truth import assert_raw_equals_source
from tests.support.sweeps import causes, errors, last_sweep

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ORDERS, ACCOUNTS = "erp.sales_order", "crm.account"
SWEEP = {"deletes": (Deletes("key_sweep", every_s=3_600, max_fraction=0.05, min_rows=100),), "full_refresh_s": None}
DAILY = {"full_refresh_s": 3_600, "deletes": ()}
STAMPLESS = {"cursor": NO_CURSOR, "full_refresh_s": 3_600, "deletes": ()}


def test_a_refresh_that_is_cut_off_in_silence_ends_nothing_and_is_read_again(raw_lake: RawLake, erp: Source) -> None:
    """97 rows of more come by the server's own links; the second page is not shown."""
    raw_lake.run(ORDERS, **DAILY)
    before, rows = raw_lake.newest(ORDERS).keys(), len(erp.rows("A_SalesOrder"))
    erp.control.delete(ORDERS, erp.rows("A_SalesOrder")[20]["SalesOrder"])
    erp.control.fault("result_cap", rows=97)
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, paging="server", page_size=1_000, **DAILY)
    assert errors(results) == ["SweepShort"]
    assert f"found 97 keys, and the source counts {rows - 1:,} rows" in causes(results)
    sweep = last_sweep(raw_lake)
    assert (sweep["last"], sweep["loads"], sweep["short"]["keys"], sweep["short"]["count"]) == (
        False,
        None,
        97,
        rows - 1,
    )
    assert raw_lake.newest(ORDERS).keys() == before
    erp.control.fault("none")
    erp.control.advance(hours=0.1)
    assert errors(raw_lake.run(ORDERS, **DAILY)) == []
    assert last_sweep(raw_lake)["last"]
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_a_sweep_without_a_key_ends_nothing_unless_the_source_counts_none(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **SWEEP)
    before = raw_lake.newest(ORDERS).keys()
    erp.control.fault("nothing_shown", scope="rows")
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, **SWEEP)
    assert errors(results) == ["SweepShort"]
    assert not last_sweep(raw_lake)["last"]
    assert raw_lake.newest(ORDERS).keys() == before
    erp.control.fault("nothing_shown")  # and counts none
    erp.control.advance(hours=0.1)
    assert errors(raw_lake.run(ORDERS, **SWEEP)) == []
    assert last_sweep(raw_lake)["last"], "the brake of curating looks at it"


def test_a_sweep_over_many_invocations_is_counted_once_at_its_end(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **SWEEP)
    key = erp.rows("A_SalesOrder")[21]["SalesOrder"]
    erp.control.delete(ORDERS, key)
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, requests_allowed=2, page_size=300, **SWEEP)
    assert len(results) > 2
    assert errors(results) == []
    assert last_sweep(raw_lake)["last"]
    assert (key,) not in raw_lake.newest(ORDERS)


def test_rows_that_come_while_a_sweep_is_read_are_no_lack(raw_lake: RawLake, erp: Source) -> None:
    """The sweep has passed their keys; the source counts them, and says that they changed meanwhile."""
    raw_lake.run(ORDERS, **SWEEP)
    erp.control.advance(hours=2)
    new = {"entity": ORDERS, "row": {"SalesOrder": "0000000001", "to_Item": []}}
    erp.control.faults({"kind": "meanwhile", "times": 1, "after": 3, "do": [["insert", new]]})
    results = raw_lake.run(ORDERS, page_size=300, **SWEEP)
    assert errors(results) == []
    sweep = last_sweep(raw_lake)
    assert sweep["last"]


def test_a_surplus_is_no_fault(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **SWEEP)
    erp.control.fault("wrong_count", by=-100)
    erp.control.advance(hours=2)
    assert errors(raw_lake.run(ORDERS, **SWEEP)) == []
    assert last_sweep(raw_lake)["last"]


def test_a_count_that_is_wrong_by_design_is_named_and_not_believed(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **SWEEP)
    erp.control.fault("wrong_count", by=5_000)
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, count_ignored="it counts what nobody may read", **SWEEP)
    assert errors(results) == []
    assert "it counts what nobody may read" in results[0].notes[0]
    assert last_sweep(raw_lake)["last"]


def test_rows_in_the_recycle_bin_count_where_they_are_read(raw_lake: RawLake, crm: Source) -> None:
    """A scan by queryAll brings them, and its count is asked so, too: two rows less are still more than live."""
    plan = {"full_refresh_s": 3_600, "deletes": (Deletes("soft_flag", field="IsDeleted"),)}
    raw_lake.run(ACCOUNTS, **plan)
    crm.control.delete(ACCOUNTS, *(row["Id"] for row in crm.rows("Account")[:3]))
    crm.control.fault("result_cap", rows=len(crm.rows("Account")) - 2)
    crm.control.advance(hours=2)
    results = raw_lake.run(ACCOUNTS, paging="server", page_size=2_000, **plan)
    assert errors(results) == ["SweepShort"]
    crm.control.fault("none")
    crm.control.advance(hours=0.1)
    assert errors(raw_lake.run(ACCOUNTS, **plan)) == []
    assert last_sweep(raw_lake, ACCOUNTS)["last"]


def test_without_stamps_a_refresh_that_is_cut_off_is_due_again(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **STAMPLESS)
    read_at = raw_lake.state(ORDERS).refreshed_at
    erp.control.fault("result_cap", rows=97)
    erp.control.advance(hours=2)
    assert errors(raw_lake.run(ORDERS, paging="server", page_size=1_000, **STAMPLESS)) == ["SweepShort"]
    assert raw_lake.state(ORDERS).refreshed_at == read_at
    erp.control.fault("none")
    erp.control.advance(hours=0.1)
    assert errors(raw_lake.run(ORDERS, **STAMPLESS)) == []
    assert raw_lake.state(ORDERS).refreshed_at != read_at


def test_a_wish_for_a_reload_stays_until_a_refresh_brought_all(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    raw_lake.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"entity#{ORDERS}"}, "sk": {"S": "live"}},
        UpdateExpression="SET reload = :wish",
        ExpressionAttributeValues={":wish": {"S": "{}"}},
    )
    erp.control.fault("result_cap", rows=97)
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS, paging="server", page_size=1_000)
    assert raw_lake.state(ORDERS).reload == "{}"
    erp.control.fault("none")
    raw_lake.run(ORDERS)
    assert raw_lake.state(ORDERS).reload is None


def test_what_changed_since_is_counted_only_where_the_lake_lacked_rows(raw_lake: RawLake, erp: Source) -> None:
    """An ordinary run asks for one count."""
    raw_lake.run(ORDERS)
    held = len(erp.rows("A_SalesOrder"))

    def counts(live: int) -> dict[str, Any] | None:
        item = {"pk": {"S": "curated"}, "sk": {"S": ORDERS}, "through": {"N": "1"}, "live_rows": {"N": str(live)}}
        raw_lake.dynamodb.put_item(TableName=TABLE, Item=item | {"keyless": {"N": "0"}})
        erp.control.advance(hours=0.1)
        raw_lake.run(ORDERS)
        return raw_lake.state(ORDERS).source_count

    found = counts(held)
    assert found is not None
    assert (found["count"], found["changed"]) == (held, None)
    found = counts(held - 5)
    assert found is not None
    assert (found["count"], found["changed"]) == (held, 0)


def test_an_empty_entity_whose_count_is_not_believed_is_no_trouble(raw_lake: RawLake, erp: Source) -> None:
    """Nothing is there that could end. Once rows were there, an empty answer proves nothing."""
    plan = STAMPLESS | {"count_ignored": "it counts what nobody may read"}
    erp.control.fault("nothing_shown", scope="rows")
    for _ in range(2):
        assert errors(raw_lake.run(ORDERS, **plan)) == []
        erp.control.advance(hours=2)
    erp.control.fault("none")
    assert errors(raw_lake.run(ORDERS, **plan)) == []
    erp.control.fault("nothing_shown", scope="rows")
    erp.control.advance(hours=2)
    assert errors(raw_lake.run(ORDERS, **plan)) == ["SweepShort"]
