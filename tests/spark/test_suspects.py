"""Sweeps by counted pages end nothing by themselves: what they did not see is listed, asked for by key, and ends if not found."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.decisions import Decision, Verdict
from lake.curate.entity import curate
from lake.curate.errors import SweepBrake
from lake.curate.layout import layout
from lake.curate.manifests import read_manifest
from lake.curate.rebuild import rebuild
from lake.curate.replay import replay
from lake.curate.suspects import suspect
from lake.curate.tables import Tables
from lake.curate.verify import verify
from lake.raw.layout import decision_key
from tests.spark.mortal import Lives, MortalNotebook, MortalTables, PowerCut, Until
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import NOON, SHIFTING, SHORT, RawFolder, at
from tests.spark.things import THINGS, braked, contents, current, keys, thing, told_gone
from tests.spark.trials import database

type Record = dict[str, Any]
HUNDRED = range(100)


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, ledger: Notebook) -> Callable[..., Record]:
    """Curate what has landed; the balance closes."""

    def curated(plan: Plan = THINGS) -> Record:
        record = curate(spark, tables, raw, ledger, plan)
        parts = ("merged", "superseded", "unchanged", "quarantined", "discarded")
        assert record["landed"] == sum(record[part] for part in parts)
        assert record["live_by_raw"] == record["live_in_tables"]
        return record

    return curated


def decide(raw: RawFolder, load: int, verdict: Verdict) -> None:
    raw.put(decision_key(THINGS.entity, load), Decision(load, verdict, "arn:someone", NOON, "because").dump())


def suspects(raw: RawFolder, ledger: Notebook) -> dict[str, Any]:
    """The list that the next extraction finds."""
    place, number = ledger.suspects[THINGS.entity]
    listed: dict[str, Any] = json.loads(raw.get(place) or b"")
    assert len(listed["keys"]) == number
    return listed


def assert_made_again(spark: Any, tables: Tables, raw: RawFolder, plan: Plan = THINGS) -> None:
    """Raw says what the tables hold, and makes the same tables anew."""
    before = contents(tables, plan)
    said = verify(spark, tables, raw, Notebook(), plan)
    assert (said["only_in_raw"], said["only_in_tables"], said["older"]) == (0, 0, 0)
    assert rebuild(spark, tables, raw, Notebook(), plan)["notes"] == []
    assert contents(tables, plan) == before


def test_a_sweep_by_counted_pages_ends_nothing_and_lists_the_keys_of_which_nothing_was_seen_since_it_began(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    good = [thing(number, 1) for number in (1, 2, 3, 4, 5, 6, 13)]
    bad = [thing(7, 1, "bad"), thing(8, 1, "bad"), thing("A1", 1), thing("A2", 1), thing(None, 1)]
    raw.rows(THINGS, [*good, *bad, thing(9, 1, gone=True), thing(10, 1, "bad", gone=True)])
    raw.tombstones(THINGS, [(("2",), at(4))])
    run()
    sweep = raw.sweep(THINGS, keys(1, 11, "A2"), at(10), loads=2, end=SHIFTING)
    raw.rows(THINGS, [thing(3, 11), thing(4, 9), thing(8, 11, "bad"), thing(12, 9), thing(13, 11, "bad")])
    raw.tombstones(THINGS, [(("5",), at(12))])
    record = run()
    assert (record["tombstoned"], record["lacking"], record.get("problems")) == (1, 1, None)
    assert current(tables) == {1, 3, 4, 6, 9, 12, 13}
    listed = suspects(raw, ledger)
    assert ledger.suspects[THINGS.entity][0] == f"fetches/erp/thing/{sweep:012d}-suspects.json"
    assert (listed["load"], listed["sweep"]) == (sweep, f"sweep-{sweep - 1}")
    assert listed["keys"] == [['"A1"'], ["10"], ["12"], ["4"], ["6"], ["7"], ["9"]]
    assert listed["witness"] == ["1"]
    assert json.loads(raw.get(ledger.wants[THINGS.entity][0]) or b"")["keys"] == [["11"]]
    assert_made_again(spark, tables, raw)

    told_gone(raw, THINGS, (4, 7, 9, 10, 12), 20)
    raw.rows(THINGS, [thing(6, 21)], reason="fetch")
    assert run()["tombstoned"] == 5
    assert current(tables) == {1, 3, 6, 13}
    states = tables.read(layout(THINGS).quarantine).selectExpr("number", "status").collect()
    closed = {row.number for row in states if row.status == "superseded"}
    assert closed == {"7", "10"}
    assert_made_again(spark, tables, raw)


def test_a_refresh_by_counted_pages_lists_too_and_its_rows_are_merged(
    run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(1, 1), thing(2, 1), thing(3, 1)])
    raw.refresh(THINGS, [thing(1, 11, "new"), thing(4, 11)], at(10), loads=2, end=SHIFTING)
    assert run()["merged"] == 4
    assert current(tables) == {1, 2, 3, 4}
    assert (suspects(raw, ledger)["keys"], suspects(raw, ledger)["witness"]) == ([["2"], ["3"]], ["1"])


def test_a_later_sweep_takes_the_place_of_one_by_counted_pages(
    run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(1, 1), thing(2, 1)])
    raw.sweep(THINGS, keys(1), at(10), end=SHIFTING)
    raw.sweep(THINGS, keys(1, 2), at(20))
    run()
    raw.sweep(THINGS, keys(1), at(15), end=SHIFTING)  # landed late
    run()
    assert (ledger.suspects, current(tables)) == ({}, {1, 2})


def test_too_many_suspects_are_a_problem_of_the_run_and_none_is_listed(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(number, 1) for number in range(4)])
    sweep = raw.sweep(THINGS, keys(0), at(10), end=SHIFTING)
    run()
    listed, last = dict(ledger.suspects), read_manifest(raw, THINGS.entity, sweep)
    assert last is not None
    ledger.suspects.clear()
    (problem,) = suspect(spark, tables, raw, ledger, THINGS, layout(THINGS), last, most=2)
    assert (problem["error"], ledger.suspects) == ("TooManySuspects", {})
    assert "did not see 3 keys" in problem["cause"]
    assert suspect(spark, tables, raw, ledger, THINGS, layout(THINGS), last, most=3) == []
    assert ledger.suspects == listed


def test_suspects_without_a_witness_that_can_be_asked_for_are_a_problem_of_the_run(
    run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(1, 1), thing("A1", 1), thing(2, 1, "bad")])
    raw.sweep(THINGS, keys("A1", 2), at(10), end=SHIFTING)
    (problem,) = run()["problems"]
    assert (problem["error"], ledger.suspects, current(tables)) == ("WitnessMissing", {}, {1})


def test_suspects_that_were_not_found_end_under_the_brake_and_what_a_feed_says_does_not(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables
) -> None:
    plan = braked(THINGS)
    raw.rows(plan, [thing(number, 1) for number in HUNDRED])
    told_gone(raw, plan, range(5), 10)
    assert run(plan)["tombstoned"] == 5  # of 100
    before = contents(tables)

    load = told_gone(raw, plan, range(5, 11), 20)
    raw.rows(plan, [thing(number, 15) for number in range(100, 105)])
    with pytest.raises(SweepBrake, match=f"load {load}: .* did not find 6 of 100 keys, more than the 5%"):
        run(plan)
    assert contents(tables) == before

    decide(raw, load, "discard")
    assert run(plan)["tombstoned"] == 0
    assert current(tables) == set(range(5, 105))

    load = told_gone(raw, plan, range(5, 25), 30)
    with pytest.raises(SweepBrake, match=f"load {load}: .* did not find 20 of 100 keys"):
        run(plan)
    decide(raw, load, "accept")
    assert run(plan)["tombstoned"] == 20
    assert current(tables) == set(range(25, 105))
    assert_made_again(spark, tables, raw, plan)

    raw.tombstones(plan, [((str(number),), at(40)) for number in range(25, 100)])
    assert run(plan)["tombstoned"] == 75


def test_the_end_of_all_keys_is_stopped_however_few_they_are_by_a_sweep_and_by_suspects(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables
) -> None:
    plan = braked(THINGS)
    raw.rows(plan, [thing(1, 1), thing(2, 1, "bad"), thing(3, 1, gone=True)])
    run(plan)
    sweep = raw.sweep(plan, [], at(10))
    with pytest.raises(SweepBrake, match=f"load {sweep}: .* did not find 3 of 3 keys"):
        run(plan)
    decide(raw, sweep, "discard")
    told = told_gone(raw, plan, (1, 2, 3), 20)
    with pytest.raises(SweepBrake, match=f"load {told}: .* did not find 3 of 3 keys"):
        run(plan)
    decide(raw, told, "discard")
    told_gone(raw, plan, (1, 2), 30)
    assert run(plan)["tombstoned"] == 2
    assert current(tables) == {3}
    told_gone(raw, plan, (3,), 40)
    assert run(plan)["tombstoned"] == 1  # a table of one row may lose it
    assert_made_again(spark, tables, raw, plan)


def test_a_short_scan_ends_nothing_lists_nothing_and_its_rows_are_merged(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(1, 1), thing(2, 1), thing(3, 1, "bad")])
    raw.sweep(THINGS, keys(1), at(10), loads=2, end=SHORT)
    raw.refresh(THINGS, [thing(1, 21, "new"), thing(4, 21)], at(20), loads=2, end=SHORT)
    raw.sweep(THINGS, [], at(30), end=SHORT)
    raw.rows(THINGS, [thing(5, 5)])  # seen before these scans
    record = run()
    assert (record["tombstoned"], record["lacking"], ledger.suspects, ledger.wants) == (0, 0, {}, {})
    assert current(tables) == {1, 2, 4, 5}
    assert_made_again(spark, tables, raw)


def test_a_sweep_that_another_scan_confirms_ends_what_neither_saw(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables, ledger: Notebook
) -> None:
    raw.rows(THINGS, [thing(number, 1) for number in range(1, 5)])
    first = raw.refresh(THINGS, [thing(1, 11)], at(10), end={"last": False})
    assert run()["tombstoned"] == 0
    raw.sweep(THINGS, keys(2, 3), at(10), end={"last": True, "loads": [first, first + 1]})
    assert run()["tombstoned"] == 1
    assert (current(tables), ledger.suspects) == ({1, 2, 3}, {})
    assert_made_again(spark, tables, raw)


def test_a_replayed_key_is_held_against_the_sweeps_before_one_by_counted_pages_too(
    spark: Any, run: Callable[..., Record], raw: RawFolder, tables: Tables
) -> None:
    texts = replace(THINGS, version="1.1.0", fields=(replace(THINGS.fields[0], type="string"), *THINGS.fields[1:]))
    named = [replace(thing(None, 1), values=thing(None, 1).values | {"Number": text}) for text in ("1", "A1", "A2")]
    raw.rows(texts, named)
    raw.sweep(texts, [("1",), ("A2",)], at(10))
    raw.sweep(texts, [("1",)], at(20), end=SHIFTING)
    run()
    assert current(tables) == {1}
    replay(spark, tables, raw, Notebook(), texts)
    assert current(tables, texts) == {"1", "A2"}
    said = verify(spark, tables, raw, Notebook(), texts)
    assert (said["only_in_raw"], said["only_in_tables"], said["older"]) == (0, 0, 0)


def test_curating_suspects_in_any_pieces_and_with_deaths_before_each_write_ends_alike(
    spark: Any, raw: RawFolder
) -> None:
    raw.rows(THINGS, [thing(number, 1) for number in range(6)])
    raw.sweep(THINGS, keys(0, 1), at(10), loads=2, end=SHIFTING)
    raw.rows(THINGS, [thing(2, 11), thing(6, 9)])
    told_gone(raw, THINGS, (3, 4), 20)
    raw.rows(THINGS, [thing(4, 25), thing(5, 19), thing(3, 15)])
    told_gone(raw, THINGS, (3, 4), 20)  # landed again
    raw.sweep(THINGS, keys(0), at(30), end=SHORT)
    last = raw.loads[THINGS.entity]
    tables, lists = [], []
    for name, runs in {"whole": [last], "pieces": range(1, last + 1)}.items():
        made, ledger = database(spark, f"suspects_{name}"), Notebook()
        for load in runs:
            curate(spark, made, Until(raw, load), ledger, THINGS)
        tables.append(contents(made))
        lists.append(suspects(raw, ledger)["keys"])
    assert current(made) == {0, 1, 2, 4, 5, 6}
    dying, ledger = database(spark, "suspects_dying"), MortalNotebook(Lives(1))
    while not lived(spark, dying, raw, ledger):
        ledger.lives = Lives(len(ledger.lives.written) + 1)
    curate(spark, dying, raw, ledger, THINGS)
    assert contents(dying) == tables[0] == tables[1]
    assert suspects(raw, ledger)["keys"] == lists[1]


def lived(spark: Any, tables: Tables, raw: RawFolder, ledger: MortalNotebook) -> bool:
    """Curate the sweep and what came before it; false where the process died."""
    lives = ledger.lives
    try:
        curate(spark, MortalTables(spark, tables.database, lives), Until(raw, 3, lives), ledger, THINGS)
    except PowerCut:
        return False
    return True
