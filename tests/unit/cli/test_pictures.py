"""How figures look, and that no column of a balance that says something is left out."""

from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from lake.cli.pictures import balance_table, duration, report_pictures, roughly


def shown(*pictures: Any) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    for picture in pictures:
        console.print(picture)
    return console.export_text()


def entity(**figures: Any) -> dict[str, Any]:
    read = {"received": 10, "landed": 10, "repeated": 0, "beyond": 0}
    kept = {"landed": 10, "merged": 10, "superseded": 0, "unchanged": 0, "quarantined": 0, "live_rows": 10}
    return {
        "entity": "crm.account",
        "status": "DONE",
        "extracted": read | {name: value for name, value in figures.items() if name in read},
        "curated": kept | {name: value for name, value in figures.items() if name in kept and name not in read},
        "unsettled": figures.get("unsettled", 0),
    }


def report(**changes: Any) -> dict[str, Any]:
    return {
        "run_id": "lake-1",
        "outcome": "GOOD",
        "settled_at": "2026-11-16T12:00:00.000000Z",
        "balanced": True,
        "balance": "The balance closes: every row that was received is accounted for.",
        "entities": [entity()],
        "marts": {"customer_xref": 124},
        "problems": [],
        **changes,
    }


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [
        (0, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (200, "3 min 20 s", "3 min"),
        (7_500, "2 h 5 min", "2 h"),
        (600_000, "6 days", "6 days"),
    ],
)
def test_a_duration_is_as_exact_as_is_of_use(seconds: int, exact: str, rough: str) -> None:
    span = timedelta(seconds=seconds)

    assert (duration(span), roughly(span)) == (exact, rough)


def test_a_column_without_a_figure_is_left_out() -> None:
    text = shown(balance_table(report()))

    assert "received" in text
    assert "repeated" not in text
    assert "quarantined" not in text


@pytest.mark.parametrize("column", ["repeated", "beyond", "superseded", "unchanged", "quarantined", "unsettled"])
def test_a_column_with_a_figure_is_shown(column: str) -> None:
    text = shown(balance_table(report(entities=[entity(), entity(**{column: 3})])))

    assert column in text
    assert "3" in text


def test_an_entity_that_was_not_read_has_dashes() -> None:
    unread = {"entity": "erp.sales_order", "status": "FAILED", "extracted": None, "curated": None, "unsettled": None}

    assert shown(balance_table(report(entities=[unread]))).count("-") >= len(
        ("received", "landed", "curated", "merged")
    )


def test_a_report_names_each_problem_with_its_remedy_and_where_it_lies() -> None:
    problem = {
        "where": "crm.account",
        "error": "SourceAuthError",
        "cause": "401 [x]",
        "remedy": "Put another password.",
    }

    text = shown(*report_pictures(report(outcome="DEGRADED", problems=[problem]), "s3://raw/runs/lake-1.json"))

    assert "crm.account: SourceAuthError" in text
    assert "401 [x]" in text
    assert "Put another password." in text
    assert "DEGRADED" in text
    assert "s3://raw/runs/lake-1.json" in text


def test_a_balance_that_does_not_close_is_said_aloud() -> None:
    assert "does NOT close" in shown(
        *report_pictures(report(balanced=False, balance="The balance does NOT close: 3 against 4"), "s3://x")
    )
