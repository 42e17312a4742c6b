"""Findings: what checks found, each with what to do where it is not right."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.text import Text

from lake.cli.answer import DEGRADED, FAILED, GOOD, Answer
from lake.cli.pictures import plain_table

Verdict = Literal["ok", "note", "warn", "fail"]
MARKS = {"ok": ("✓", "green"), "note": ("·", "dim"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `note`: worth knowing, nothing to mend; `remedy`: what to do."""

    what: str
    verdict: Verdict
    said: str
    remedy: str | None = None


def answer_of(findings: Sequence[Finding]) -> Answer:
    """All findings; failed where one check failed, degraded where one warns."""
    verdicts = {finding.verdict for finding in findings}
    code = FAILED if "fail" in verdicts else DEGRADED if "warn" in verdicts else GOOD
    return Answer({"findings": [asdict(finding) for finding in findings]}, [_picture(findings)], code)


def _picture(findings: Sequence[Finding]) -> Any:
    table = plain_table("", "what", "found")
    table.show_header = False
    for finding in findings:
        mark, color = MARKS[finding.verdict]
        table.add_row(Text(mark, style=color), finding.what, Text(finding.said))
        if finding.remedy and finding.verdict != "ok":
            table.add_row("", "", Text(finding.remedy, style="bold" if finding.verdict != "note" else "dim"))
    return table
