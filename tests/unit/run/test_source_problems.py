"""What a run makes of what its source did: problems that extraction told, and rows that the source counts and the lake lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.run.outcome import Asked, RunResult, judge
from lake.run.report import message
from lake.run.state import Progress, Records

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ORDER = "erp.sales_order"
QUIET = {"received": 0, "landed": 0, "repeated": 0, "beyond": 0}
HELD = Progress(
    ORDER, last_load=7, through=7, source_count=8_000, source_changed=0, live_rows=3, keyless=0, is_whole=True
)


def settled(
    progress: Progress, extract: dict[str, Any] | None = None, curate: dict[str, Any] | None = None
) -> RunResult:
    records = Records({ORDER: [QUIET | (extract or {})]}, {ORDER: curate} if curate else {}, {})
    return judge("run-1", [Asked(ORDER, "DONE")], [], records, {ORDER: progress}, {ORDER: timedelta(hours=25)}, NOW)


def test_what_extraction_told_degrades_the_run_once() -> None:
    told = {"error": "SweepShort", "cause": "it found 97 keys, and the source counts 100 rows"}
    result = settled(replace(HELD, source_count=3), {"problems": [told, told]})
    assert result.outcome == "DEGRADED"
    (found,) = result.problems
    assert (found.where, found.error, found.cause) == (ORDER, "SweepShort", told["cause"])
    assert "lake source compare" in found.remedy
    assert told["cause"] in message(result, "s3://report", NOW)


def test_three_rows_of_eight_thousand_are_not_good_in_a_quiet_run_either() -> None:
    result = settled(HELD)
    assert (result.outcome, result.entities[0].unsettled) == ("DEGRADED", 7_997)
    (found,) = result.problems
    assert (found.where, found.error) == (ORDER, "RowsLacking")
    assert "8,000 rows" in found.cause
    assert "7,997" in found.cause
    assert "lake source compare ENTITY" in found.remedy
    assert "lake reload ENTITY" in found.remedy


@pytest.mark.parametrize(
    ("why", "progress"),
    [
        ("as many changed after what the run read", replace(HELD, source_changed=7_997)),
        ("the source has less: deletions wait for the next sweep", replace(HELD, source_count=1)),
        ("bad records without a key are there, too", replace(HELD, source_count=5, keyless=2)),
        ("the tables lack a load", replace(HELD, through=6)),
        ("something is being read, or nothing was read whole yet", replace(HELD, is_whole=False)),
        ("nobody asked what changed: the next run does", replace(HELD, source_changed=None)),
        ("the source tells no count", replace(HELD, source_count=None)),
    ],
)
def test_no_row_is_taken_for_lacking_that_need_not_be_there(why: str, progress: Progress) -> None:
    assert settled(progress).outcome == "GOOD", why


def test_what_the_next_run_fetches_is_told_already() -> None:
    curated = {
        "landed": 0, "merged": 0, "superseded": 0, "unchanged": 0, "quarantined": 0, "tombstoned": 0, "live_by_raw": 0,
        "live_in_tables": 0, "live_rows": 3, "lacking": 2,
    }  # fmt: skip
    assert settled(replace(HELD, source_count=5), curate=curated).outcome == "GOOD"
    assert settled(replace(HELD, source_count=6), curate=curated).outcome == "DEGRADED"
