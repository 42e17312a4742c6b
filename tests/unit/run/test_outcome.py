"""How a run ends, given what its steps returned and recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.run.outcome import Asked, RunResult, judge
from lake.run.remedy import Problem, problem
from lake.run.report import message
from lake.run.state import Progress, Records
from tests.support.run_records import CURATE, EXTRACT

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACCOUNT, ORDER = "crm.account", "erp.sales_order"
NOTHING = {"received": 0, "landed": 0, "repeated": 0, "beyond": 0}
FAILED = Asked(ORDER, "FAILED", error="SourceAuthError", cause="erp answered 401")


def settled(
    *asked: Asked,
    steps: list[tuple[str, str]] | None = None,
    extract: dict[str, list[dict[str, Any]]] | None = None,
    curate: dict[str, dict[str, Any]] | None = None,
    watermark: datetime | None = None,
    **progress: Any,
) -> RunResult:
    return judge(
        "run-1",
        asked,
        [problem(step, error, "it broke") for step, error in steps or []],
        Records(extract or {}, curate or {}, {}),
        {name: Progress(name, watermark=watermark, source_count=9, **progress) for name in (ACCOUNT, ORDER)},
        {name: timedelta(hours=25) for name in (ACCOUNT, ORDER)},
        NOW,
    )


def test_a_run_in_which_all_was_read_and_curated_is_good() -> None:
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: CURATE})
    assert (result.run_id, result.outcome, result.problems) == ("run-1", "GOOD", [])
    assert (result.entities[0].unsettled, result.entities[0].task) == (1, None)


def test_what_a_task_says_is_told_and_its_record_is_in_the_result() -> None:
    record = {"task": "rebuild", "notes": ["erp_sales_order was replaced: 3 rows differ"]}
    result = settled(curate={ORDER: record})
    assert result.outcome == "GOOD"
    assert (result.entities[0].notes, result.entities[0].task) == (tuple(record["notes"]), record)
    assert result.entities[0].extracted is None, "nothing was asked of the source"
    assert "3 rows differ" in message(result, "s3://report", NOW)


def test_a_lake_whose_tables_are_not_what_raw_says_of_all_keys_is_told_so() -> None:
    whole = {"task": "verify", "live_by_raw": 9, "live_in_tables": 9, "only_in_raw": 0, "only_in_tables": 0}
    good = settled(curate={ACCOUNT: whole | {"live_rows": 8}})
    assert (good.outcome, good.entities[0].unsettled) == ("GOOD", 1)
    older = {"error": "OlderVersions", "cause": "2 keys", "remedy": "rebuild"}
    told = settled(curate={ACCOUNT: whole | {"problems": [older]}})
    assert (told.outcome, told.problems) == ("DEGRADED", [Problem(ACCOUNT, "OlderVersions", "2 keys", "rebuild")])
    exchanged = settled(curate={ACCOUNT: whole | {"only_in_raw": 1, "only_in_tables": 1}})
    assert (exchanged.outcome, [(gap.entity, gap.left) for gap in exchanged.gaps]) == ("FAILED", [(ACCOUNT, 2)])
    lost = settled(curate={ACCOUNT: whole | {"live_in_tables": 8, "only_in_raw": 1}})
    assert (lost.outcome, len(lost.gaps)) == ("FAILED", 2)


def test_a_run_that_found_nothing_new_is_good() -> None:
    assert settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [NOTHING]}).outcome == "GOOD"


def test_bad_rows_below_the_brake_leave_a_run_good_and_are_shown() -> None:
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: CURATE})
    assert result.entities[0].broken == {"category_is_known": 1}


def test_more_bad_rows_than_one_shrugs_at_degrade_the_run() -> None:
    def with_bad(quarantined: int, landed: int = 1000) -> RunResult:
        curated = CURATE | {"landed": landed, "merged": landed - quarantined - 1, "quarantined": quarantined}
        return settled(Asked(ACCOUNT, "DONE"), curate={ACCOUNT: curated})

    assert with_bad(20).outcome == "GOOD"
    assert with_bad(50, landed=99).outcome == "GOOD"  # of a handful
    assert with_bad(3, landed=100).outcome == "DEGRADED"
    result = with_bad(21)
    assert (result.outcome, [(found.where, found.error) for found in result.problems]) == (
        "DEGRADED",
        [(ACCOUNT, "ManyBadRows")],
    )
    assert "21 of 1,000 rows (2.1%) break the contract" in result.problems[0].cause


def test_rows_of_discarded_loads_are_accounted_for_and_told() -> None:
    left_out = CURATE | {"merged": 1, "discarded": 5}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: left_out})
    assert (result.outcome, result.gaps) == ("GOOD", [])
    assert "5 rows of discarded loads were left out" in message(result, "s3://report", NOW)


def test_what_a_source_says_otherwise_than_its_contract_degrades_the_run_and_is_told_once() -> None:
    drifted = EXTRACT | {"drift": ["Account.Name is gone"], "notes": []}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [drifted, drifted]}, curate={ACCOUNT: CURATE})
    assert result.outcome == "DEGRADED"
    assert [(found.where, found.error, found.cause) for found in result.problems] == [
        (ACCOUNT, "SourceDrifted", "Account.Name is gone")
    ]


def test_what_extraction_notes_is_shown_and_degrades_nothing() -> None:
    noted = EXTRACT | {"drift": [], "notes": ["all rows are read again"]}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [noted]}, curate={ACCOUNT: CURATE})
    assert (result.outcome, result.entities[0].notes) == ("GOOD", ("all rows are read again",))
    assert "crm.account: all rows are read again" in message(result, "s3://report", NOW)


def test_one_entitys_failure_degrades_the_run() -> None:
    result = settled(Asked(ACCOUNT, "DONE"), FAILED, extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: CURATE})
    assert result.outcome == "DEGRADED"
    (found,) = result.problems
    assert (found.where, found.error) == (ORDER, "SourceAuthError")


def test_a_failure_that_nobody_named_is_told_as_unknown() -> None:
    (found,) = settled(Asked(ORDER, "FAILED")).problems
    assert (found.where, found.error) == (ORDER, "Unknown")


def test_a_run_that_could_read_nothing_failed() -> None:
    assert settled(FAILED).outcome == "FAILED"


@pytest.mark.parametrize("step", ["ExtractSources", "PlanWork", "ProcessLoads", "Curate"])
def test_a_run_without_a_vital_step_failed(step: str) -> None:
    assert settled(Asked(ACCOUNT, "DONE"), steps=[(step, "States.Timeout")]).outcome == "FAILED"


@pytest.mark.parametrize("step", ["BuildAnalytics", "CrawlRaw lake-raw-crm"])
def test_a_run_whose_curated_tables_are_right_is_degraded_at_worst(step: str) -> None:
    assert settled(Asked(ACCOUNT, "DONE"), steps=[(step, "States.Timeout")]).outcome == "DEGRADED"


def test_a_number_that_does_not_add_up_fails_the_run() -> None:
    lost = {**CURATE, "merged": 5}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: lost})
    assert result.outcome == "FAILED"
    (found,) = result.problems
    assert (found.where, found.error, found.cause) == (ACCOUNT, "BalanceOpen", str(result.gaps[0]))
    assert found.cause.startswith("crm.account: landed = ")


def test_a_row_that_extraction_lost_fails_the_run() -> None:
    lost = EXTRACT | {"received": 11}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT, lost]}, curate={ACCOUNT: CURATE})
    assert result.outcome == "FAILED"
    assert [str(gap) for gap in result.gaps] == [
        "crm.account: received = landed + repeated + beyond does not hold: 11 against 10"
    ]


def test_an_entity_that_curate_could_not_do_degrades_with_its_own_remedy() -> None:
    broken = {"entity": ORDER, "error": "SweepBrake", "cause": "60 of 100 keys are gone", "remedy": "look first"}
    result = settled(
        Asked(ACCOUNT, "DONE"),
        Asked(ORDER, "DONE"),
        extract={ACCOUNT: [EXTRACT], ORDER: [EXTRACT]},
        curate={ACCOUNT: CURATE, ORDER: broken},
    )
    assert result.outcome == "DEGRADED"
    assert result.problems == [Problem(ORDER, "SweepBrake", "60 of 100 keys are gone", "look first")]


def test_rows_that_landed_and_nobody_curated_are_a_problem() -> None:
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]})
    (found,) = result.problems
    assert (found.where, found.error) == (ACCOUNT, "NotCurated")
    assert found.cause == "8 rows landed in raw, but no step merged them into curated"


def test_a_pause_within_the_contracts_freshness_is_no_problem() -> None:
    paused = Asked(ACCOUNT, "PAUSED", resume_at="2026-11-23T13:00:00.000000Z")
    result = settled(paused, watermark=NOW - timedelta(hours=25))
    assert (result.outcome, result.entities[0].resume_at) == ("GOOD", paused.resume_at)


def test_what_was_read_is_not_old_and_what_was_never_read_has_no_age() -> None:
    assert settled(Asked(ACCOUNT, "DONE"), watermark=NOW - timedelta(days=9)).outcome == "GOOD"
    assert settled(Asked(ACCOUNT, "PAUSED")).outcome == "GOOD"


def test_a_pause_beyond_the_contracts_freshness_degrades() -> None:
    paused = Asked(ACCOUNT, "PAUSED", resume_at="2026-11-23T13:00:00.000000Z")
    result = settled(paused, watermark=NOW - timedelta(hours=26))
    (found,) = result.problems
    assert (result.outcome, found.where, found.error) == ("DEGRADED", ACCOUNT, "FreshnessMissed")
    assert found.cause == (
        "it rests until 2026-11-23T13:00:00.000000Z, and what the lake has is 26 hours old, more than its contract allows"
    )


@pytest.mark.parametrize(("through", "less"), [(7, 4), (6, None)])
def test_the_tables_are_held_against_the_source_where_they_hold_all_that_was_read(
    through: int, less: int | None
) -> None:
    quiet = settled(Asked(ACCOUNT, "DONE"), last_load=7, through=through, live_rows=3, keyless=2)
    assert quiet.entities[0].unsettled == less


def test_what_a_curating_counted_goes_before_what_was_counted_earlier() -> None:
    record = CURATE | {"keyless": 1, "lacking": 2}
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [EXTRACT]}, curate={ACCOUNT: record}, keyless=5)
    assert (result.entities[0].unsettled, result.entities[0].lacking) == (0, 2)
    assert settled(Asked(ACCOUNT, "DONE")).entities[0].lacking == 0


def test_older_loads_of_an_entity_that_was_not_asked_for_are_settled_too() -> None:
    result = settled(Asked(ACCOUNT, "DONE"), extract={ACCOUNT: [NOTHING]}, curate={ORDER: CURATE})
    assert [(entity.entity, entity.status) for entity in result.entities] == [(ACCOUNT, "DONE"), (ORDER, "IDLE")]
