"""What differs between the keys of a source and of the lake, and what people are told of it: values alone."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lake.cli.counting_up import EVERY_S, CountUp
from lake.cli.differences import SourceKeys, Standing, differences, document, meaning
from lake.cli.lake_keys import LakeKeys
from lake.contract.build import compile_folder
from lake.contract.plan import Deletes, Plan
from lake.extract.counting import Comparison
from tests.support.cli_lake import PROJECT

if TYPE_CHECKING:
    from lake.cli.key_texts import Key

ORDERS = Plan.load(compile_folder(PROJECT / "contracts")["erp.sales_order.json"])
READ_UNTIL = datetime(2026, 11, 16, 6, tzinfo=UTC)
STANDING = Standing(READ_UNTIL, last_load=7, through=7)

KEYS = st.frozensets(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=8)


def source_of(*keys: str, **said: Any) -> SourceKeys:
    count = said.pop("count", len(keys))
    found = said.pop("found", Comparison(len(keys), count))
    return SourceKeys(
        {(key,) for key in keys}, **{"keyless": 0, "counted": False, "count": count, "found": found} | said
    )


def lake_of(*living: str, flagged: tuple[str, ...] = ()) -> LakeKeys:
    return LakeKeys(frozenset((key,) for key in living), frozenset((key,) for key in flagged))


def told(source: SourceKeys, lake: LakeKeys, at: Standing = STANDING, changed: int | None = None, **plan: Any) -> str:
    found = differences(source.keys, lake)
    return "\n".join(meaning(replace(ORDERS, **plan), source, lake, found, at, changed))


@given(source=KEYS, living=KEYS, flagged=KEYS)
def test_each_key_that_one_side_lacks_is_named_once_and_no_other(
    source: frozenset[Key], living: frozenset[Key], flagged: frozenset[Key]
) -> None:
    """A key that is flagged as deleted in the lake is missing on neither side: the source may still show its row, or not."""
    lake = LakeKeys(living, flagged - living)
    found = differences(source, lake)
    assert found.only_in_source == sorted(key for key in source if key not in living and key not in flagged)
    assert found.only_in_lake == sorted(key for key in living if key not in source)
    assert bool(found) == (not living <= source <= living | flagged)


def test_a_limit_names_fewer_keys_and_counts_all() -> None:
    source, lake = source_of("1", "2", "3"), lake_of("4", "5")
    found = differences(source.keys, lake)
    assert document(source, lake, found, 1)["only_in_source"] == {"keys": 3, "first": [("1",)]}
    assert document(source, lake, found, None)["only_in_lake"] == {"keys": 2, "first": [("4",), ("5",)]}


def test_the_same_keys_need_no_explanation() -> None:
    assert told(source_of("1"), lake_of("1", flagged=("2",))) == "Both sides have the same keys."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (2, "2 rows have stamps later than that or within the overlap before it. These come with the next run"),
        (1, "at least 1 keys are missing. Read all again: lake reload erp.sales_order"),
        (None, "What was created later comes with the next reading"),
    ],
)
def test_keys_that_the_lake_lacks_are_held_against_what_changed_since_it_read_last(
    changed: int | None, words: str
) -> None:
    said = told(source_of("1", "2", "3"), lake_of("1"), changed=changed)
    assert "until 2026-11-16 06:00Z" in said
    assert words in said
    assert "lake reload" in said


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({}, "the next sweep ends them"),
        ({"deletes": (Deletes("none"),)}, "the next full refresh ends them"),
        ({"deletes": (Deletes("feed"),), "full_refresh_s": None}, "the next run ends them"),
        ({"deletes": (Deletes("none"),), "full_refresh_s": None}, "deletions are not seen"),
    ],
)
def test_who_ends_what_is_gone_is_said_by_the_contracts_own_way(plan: dict[str, Any], words: str) -> None:
    assert words in told(source_of(), lake_of("1"), **plan)


def test_a_reading_that_lacks_rows_by_the_sources_own_count_is_not_believed() -> None:
    said = told(source_of("1", count=3), lake_of("1", "2"))
    assert "it found 1 keys, and the source counts 3 rows" in said
    assert "lake source check contracts/erp" in said


@pytest.mark.parametrize(
    ("at", "said", "plan", "words"),
    [
        (Standing(None, 1, 1), {}, {}, "not read erp.sales_order to its end yet"),
        (replace(STANDING, last_load=9), {}, {}, "Loads 8 to 9 are landed and not merged yet"),
        (replace(STANDING, run_goes_on=True), {}, {}, "A run is going on"),
        (STANDING, {"counted": True}, {}, "pages are counted"),
        (STANDING, {"counted": True}, {}, "no sweep ends anything"),
        (STANDING, {"keyless": 2}, {}, "2 rows of the source"),
        (STANDING, {}, {"count_ignored": "drafts"}, "does not believe the source's count: drafts"),
    ],
)
def test_what_stands_against_a_hasty_judgement_is_said(
    at: Standing, said: dict[str, Any], plan: dict[str, Any], words: str
) -> None:
    assert words in told(source_of("1", "2", **said), lake_of("1"), at, **plan)


def test_a_long_reading_says_how_far_it_is_now_and_then() -> None:
    clock, written = iter([0.0, 1.0, EVERY_S + 1, EVERY_S + 1, EVERY_S + 2]), io.StringIO()
    with CountUp("keys from the source", Console(file=written), lambda: next(clock)) as progress:
        for number in (1_000, 500, 1):
            progress.add(number)
    assert written.getvalue() == "1,500 keys from the source so far\n"
    assert progress.total == 1_501


def test_on_a_terminal_the_line_changes_and_goes_away() -> None:
    written = io.StringIO()
    with CountUp("keys from the lake", Console(file=written, force_terminal=True)) as progress:
        progress.add(5)
    assert "0 keys from the lake so far" in written.getvalue()
