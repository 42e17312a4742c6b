"""What people read."""

from dataclasses import replace
from datetime import UTC, datetime

from lake.run.balance import Curated, Extracted
from lake.run.outcome import EntityResult, RunResult
from lake.run.remedy import problem
from lake.run.report import document, message, one_line, subject

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD = EntityResult(
    entity="crm.account",
    status="DONE",
    resume_at=None,
    extracted=Extracted(1003, 1000, 2, 1),
    curated=Curated(1000, 990, 3, 5, 2, 0, 1000, 1000, 1000),
    broken={"vat_is_valid": 2},
    unsettled=4,
)
BAD = EntityResult("erp.sales_order", "FAILED", None, None, None, {}, None)
AUTH = problem("erp.sales_order", "SourceAuthError", "GET https://erp.example/$metadata answered 401")


def test_a_good_runs_subject_says_how_much_came() -> None:
    assert subject(RunResult("run-1", "GOOD", [GOOD], {}, [], [])) == "lake: GOOD, 1,000 new rows"


def test_a_bad_runs_subject_names_entity_and_error() -> None:
    result = RunResult("run-1", "DEGRADED", [GOOD, BAD], {}, [AUTH, AUTH], [])
    assert subject(result) == "lake: DEGRADED, erp.sales_order: SourceAuthError (+1 more)"


def test_the_message_names_entity_cause_and_remedy() -> None:
    text = message(RunResult("run-1", "DEGRADED", [GOOD, BAD], {}, [AUTH], []), "s3://raw/runs/run-1.json", NOW)
    assert "erp.sales_order: SourceAuthError" in text
    assert "GET https://erp.example/$metadata answered 401" in text
    assert "What to do: Put valid credentials into the source's secret" in text
    assert "s3://raw/runs/run-1.json" in text


def test_the_message_shows_each_number_of_the_balance() -> None:
    text = message(RunResult("run-1", "GOOD", [GOOD], {"customer_xref": 12}, [], []), "s3://raw/r.json", NOW)
    (row,) = [line for line in text.splitlines() if line.startswith("  crm.account ")]
    assert row.split() == ["crm.account", "DONE", *["1,003", "2", "1,000", "990", "3", "5", "2", "0", "1,000", "4"]]
    assert "vat_is_valid 2" in text
    assert "the source counts 4 rows more than the lake has" in text
    assert "customer_xref: 12 rows" in text


def test_the_message_says_what_a_sweep_saw_and_the_lake_lacks() -> None:
    text = message(RunResult("run-1", "GOOD", [replace(GOOD, lacking=1234)], {}, [], []), "s3://raw/r.json", NOW)
    assert "a sweep saw 1,234 rows that the lake lacks; the next run reads them by key" in text


def test_a_subject_is_what_the_topic_takes() -> None:
    line = one_line("Größe: é\n" + "x" * 200)
    assert len(line) == 100
    assert line.isascii()
    assert "\n" not in line


def test_the_document_holds_all_that_the_message_says() -> None:
    report = document(RunResult("run-1", "DEGRADED", [GOOD, BAD], {"customer_xref": 12}, [AUTH], []), "text", NOW)
    assert report["entities"][0]["curated"]["merged"] == 990
    assert report["problems"][0]["remedy"].startswith("Put valid credentials")
    assert report["balanced"] is True
    assert report["settled_at"] == "2026-11-23T12:00:00.000000Z"


def test_rows_that_wait_to_be_curated_are_not_called_accounted_for() -> None:
    landed = EntityResult("erp.sales_order", "DONE", None, Extracted(12, 10, 2, 0), None, {}, None)
    waiting = document(RunResult("run-1", "DEGRADED", [GOOD, landed], {}, [AUTH], []), "text", NOW)
    done = document(RunResult("run-1", "GOOD", [GOOD], {}, [], []), "text", NOW)
    assert waiting["balance"] == "The balance closes as far as raw; 10 landed rows wait there to be curated."
    assert done["balance"] == "The balance closes: every row that was received is accounted for."
