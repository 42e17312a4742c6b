"""Server paging by counts: rows that change move the others. What is read again, what ends, and what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.plan import Deletes
from lake.extract.errors import RangeIncomplete
from tests.support.raw_lake import BUCKET, TABLE
from tests.support.raw_truth import assert_raw_equals_source
from tests.support.sweeps import causes, errors, last_sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.raw_lake import RawLake, Source

ORDERS = "erp.sales_order"
SWEEP = {"deletes": (Deletes("key_sweep", every_s=3_600, max_fraction=0.05, min_rows=100),), "full_refresh_s": None}
COUNTED = {"paging": "server", "rows_may_shift": True, "page_size": 100, "window_s": None}
LINKS = {"kind": "offset_tokens", "as": "skiptoken"}


def order(erp: Source, place: int) -> str:
    return sorted(str(row["SalesOrder"]) for row in erp.rows("A_SalesOrder"))[place]


def change(key: str) -> list[Any]:
    return ["change", {"entity": ORDERS, "key": [key], "set": {"ExternalDocumentID": "MEANWHILE"}}]


@pytest.mark.parametrize("form", ["skip", "skiptoken", "hidden"])
def test_rows_that_change_while_an_ordinary_window_is_read_move_no_others(
    raw_lake: RawLake, erp: Source, form: str
) -> None:
    """The window is open at its end: a changed row stays where it is in the result, and those behind it too."""
    raw_lake.run(ORDERS, **COUNTED)
    erp.control.touch("sales_order", 400)
    stamped = {row["SalesOrder"] for row in erp.rows("A_SalesOrder")}
    again = sorted(stamped)[:30]
    meanwhile = {"kind": "meanwhile", "times": 1, "after": 2, "do": [["advance", {"hours": 0.05}], *map(change, again)]}
    erp.control.faults(LINKS | {"as": form}, meanwhile)
    erp.control.advance(hours=2)  # beyond the overlap of the next window
    raw_lake.run(ORDERS, **COUNTED)
    erp.control.fault("none")
    erp.control.advance(hours=0.1)
    raw_lake.run(ORDERS, **COUNTED)
    assert_raw_equals_source(raw_lake, erp, ORDERS)


FAILING_COUNT = {"kind": "http", "status": 500, "only": "$count", "after": 1, "times": 6}
REFUSED_COUNT = {"kind": "http", "status": 400, "only": "/$count?sap-client=100&$filter"}
RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2026-11-20T00:00:00Z"}


def leave_meanwhile(erp: Source, *faults: dict[str, Any]) -> set[str]:
    """30 rows of the range change behind its first page, and leave it; the others of the range, which stay."""
    leaving = [order(erp, place) for place in range(30)]
    erp.control.faults(LINKS, {"kind": "meanwhile", "times": 1, "after": 1, "do": [*map(change, leaving)]}, *faults)
    stamps = {row["SalesOrder"]: row["LastChangeDateTime"] or "3" for row in erp.rows("A_SalesOrder")}
    return {key for key, stamp in stamps.items() if stamp < RANGE["to"]} - set(leaving)


@pytest.mark.parametrize("requests_allowed", [None, 2])
@pytest.mark.parametrize("faults", [[], [FAILING_COUNT]])
def test_a_part_of_a_window_that_shifts_is_read_again(
    raw_lake: RawLake, erp: Source, faults: list[dict[str, Any]], requests_allowed: int | None
) -> None:
    """A backfill keeps its upper bound, and others would slip past; also where the count behind it does not come at once, or
    the range is read over many invocations."""
    staying = leave_meanwhile(erp, *faults)
    raw_lake.sources["erp"] = replace(raw_lake.sources["erp"], max_retries=5)
    results = raw_lake.run(ORDERS, lane="backfill#1", window=RANGE, requests_allowed=requests_allowed, **COUNTED)
    assert errors(results) == []
    assert staying <= {row["SalesOrder"] for row in raw_lake.versions(ORDERS)}


def test_a_source_that_does_not_count_by_conditions_is_read_all_the_same(raw_lake: RawLake, erp: Source) -> None:
    erp.control.advance(hours=0.1)
    erp.control.faults(LINKS, REFUSED_COUNT)
    raw_lake.run(ORDERS, **COUNTED | {"window_s": 200 * 86_400})
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_a_range_whose_pages_nobody_accepted_fails_by_name(raw_lake: RawLake, erp: Source) -> None:
    """No run tells of a backfill's problems: its own execution does."""
    erp.control.faults(LINKS)
    with pytest.raises(RangeIncomplete, match="rows_may_shift: accepted"):
        raw_lake.run(ORDERS, lane="backfill#2", window=RANGE, **COUNTED | {"rows_may_shift": False})


def test_a_counted_token_that_the_server_no_longer_knows_begins_again(raw_lake: RawLake, erp: Source) -> None:
    erp.control.advance(hours=0.1)
    erp.control.faults(LINKS)
    raw_lake.plans[ORDERS] = replace(raw_lake.plans[ORDERS], paging="server", rows_may_shift=True)
    assert raw_lake.invoke(ORDERS, requests_allowed=3, page_size=100, window_s=None).status == "CONTINUE"
    erp.control.faults(LINKS, {"kind": "http", "status": 410, "only": "$skiptoken", "times": 1})
    raw_lake.run(ORDERS, **COUNTED)
    assert_raw_equals_source(raw_lake, erp, ORDERS)


def test_a_part_that_shifts_each_time_leaves_the_watermark_where_it_is(raw_lake: RawLake, erp: Source) -> None:
    """The oldest quarter is a part of its own; behind each of its pages three rows of it change, and leave it."""
    stamps = ((row["LastChangeDateTime"], row["SalesOrder"]) for row in erp.rows("A_SalesOrder"))
    rows = sorted(each for each in stamps if each[0])[: len(erp.rows("A_SalesOrder")) // 4]
    first, last = (datetime.fromisoformat(f"{rows[place][0][:19]}+00:00") for place in (0, -1))
    do = [[change(key) for _, key in rows[3 * turn : 3 * turn + 3]] for turn in range(len(rows) // 3)]
    faults = [{"kind": "meanwhile", "times": 1, "after": 2 + turn, "do": steps} for turn, steps in enumerate(do)]
    erp.control.faults(LINKS, *faults)
    raw_lake.sources["erp"] = replace(raw_lake.sources["erp"], parallel_windows=1)
    plan = COUNTED | {"window_s": int((last - first).total_seconds()), "page_size": 30}
    results = raw_lake.run(ORDERS, **plan)
    assert errors(results) == ["RowsShifted"]
    assert raw_lake.state(ORDERS).watermark is None
    erp.control.fault("none")
    erp.control.advance(hours=0.1)
    assert errors(raw_lake.run(ORDERS, **plan)) == []
    assert_raw_equals_source(raw_lake, erp, ORDERS)


@pytest.mark.parametrize("form", ["skip", "skiptoken"])
def test_counted_links_that_nobody_accepted_are_named_and_end_nothing(
    raw_lake: RawLake, erp: Source, form: str
) -> None:
    plan = COUNTED | SWEEP | {"rows_may_shift": False}
    erp.control.faults(LINKS | {"as": form})
    assert errors(raw_lake.run(ORDERS, **plan)) == ["PagesShift"]
    gone = order(erp, 33)
    erp.control.delete(ORDERS, gone)
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, **plan)
    assert set(errors(results)) == {"PagesShift"}
    assert "rows_may_shift: accepted" in causes(results)
    assert not last_sweep(raw_lake)["last"]
    assert (gone,) in raw_lake.newest(ORDERS)


def test_links_that_are_no_counts_are_followed_without_a_word(raw_lake: RawLake, erp: Source) -> None:
    plan = COUNTED | SWEEP | {"rows_may_shift": False}
    assert errors(raw_lake.run(ORDERS, **plan)) == []
    gone = order(erp, 34)
    erp.control.delete(ORDERS, gone)
    erp.control.advance(hours=2)
    assert errors(raw_lake.run(ORDERS, **plan)) == []
    assert (gone,) not in raw_lake.newest(ORDERS)


def suspect(lake: RawLake, keys: list[str], witness: str) -> None:
    """What curate leaves behind a sweep by counted pages."""
    name = "fetches/erp/sales_order/000000000002-suspects.json"
    body = {"entity": ORDERS, "load": 2, "sweep": "s", "keys": [[key] for key in keys], "witness": [witness]}
    lake.s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(body).encode())
    item = {"pk": {"S": "suspects"}, "sk": {"S": ORDERS}, "list": {"S": name}, "keys": {"N": str(len(keys))}}
    lake.dynamodb.put_item(TableName=TABLE, Item=item)


def test_a_sweep_by_counted_links_ends_nothing_by_itself(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS, **COUNTED, **SWEEP)
    gone = order(erp, 35)
    erp.control.delete(ORDERS, gone)
    erp.control.faults(LINKS)
    erp.control.advance(hours=2)
    results = raw_lake.run(ORDERS, **COUNTED, **SWEEP)
    assert errors(results) == []
    sweep = last_sweep(raw_lake)
    assert (sweep["last"], sweep["shifts"]) == (False, True)
    assert raw_lake.manifests(ORDERS)[-1]["load"] in sweep["loads"]
    assert (gone,) in raw_lake.newest(ORDERS)


@pytest.mark.parametrize("requests_allowed", [None, 1])
def test_suspects_are_asked_for_by_key_and_those_that_are_gone_end(
    raw_lake: RawLake, erp: Source, requests_allowed: int | None
) -> None:
    raw_lake.run(ORDERS, **COUNTED, **SWEEP)
    living, gone = [order(erp, place) for place in range(40, 130)], [order(erp, place) for place in range(200, 203)]
    erp.control.delete(ORDERS, *gone)
    erp.control.advance(hours=0.1)
    suspect(raw_lake, [*living, *gone], order(erp, 0))
    assert errors(raw_lake.run(ORDERS, requests_allowed=requests_allowed, **COUNTED, **SWEEP)) == []
    (told,) = [load for load in raw_lake.manifests(ORDERS) if load["kind"] == "tombstones"]
    assert (told["reason"], told["rows"]) == ("suspects", 3)
    assert {key for key, _ in raw_lake.tombstones(ORDERS)} == {(key,) for key in gone}
    assert raw_lake.world("erp").table.key_list("suspects", ORDERS) is None
    assert_raw_equals_source(raw_lake, erp, ORDERS)


@pytest.mark.parametrize("fault", [{"kind": "nothing_shown", "scope": "rows"}, None])
def test_without_its_witness_an_answer_by_key_proves_nothing(
    raw_lake: RawLake, erp: Source, fault: dict[str, Any] | None
) -> None:
    """The source shows nothing by key; or the witness itself is gone."""
    raw_lake.run(ORDERS, **COUNTED, **SWEEP)
    witness, gone = order(erp, 1), order(erp, 210)
    erp.control.delete(ORDERS, gone, *([] if fault else [witness]))
    if fault:
        erp.control.faults(fault)
    erp.control.advance(hours=0.1)
    suspect(raw_lake, [gone], witness)
    results = raw_lake.run(ORDERS, **COUNTED, **SWEEP)
    assert errors(results) == ["WitnessMissing"]
    assert witness in causes(results)
    assert (gone,) in raw_lake.newest(ORDERS)
    assert raw_lake.world("erp").table.key_list("suspects", ORDERS) is None, "the next sweep looks again"


@pytest.mark.parametrize(
    ("entity", "table"), [("service.engineer", "engineers"), ("service.work_order", "work_orders")]
)
def test_where_rows_cannot_be_asked_for_by_key_two_scans_in_a_row_end_what_they_miss(
    raw_lake: RawLake, start_source: Callable[..., Source], entity: str, table: str
) -> None:
    """Though the entity is read whole in each run, and rows go between most of them."""
    source = start_source("service")
    source.control.fault("none")
    raw_lake.run(entity, full_refresh_s=60)
    keys = sorted(str(row["id"]) for row in source.rows(table))
    acted = []
    for gone in [*keys[:3], None]:
        if gone is not None:
            source.control.delete(entity, gone)
        source.control.advance(hours=0.5)
        assert errors(raw_lake.run(entity, full_refresh_s=60)) == []
        acted.append(last_sweep(raw_lake, entity)["last"])
    assert acted == [False, True, False, True], "each second scan confirms the one before it"
    assert {(key,) for key in keys[:3]}.isdisjoint(raw_lake.newest(entity))
    assert len(raw_lake.newest(entity)) == len(source.rows(table))
