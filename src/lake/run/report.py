"""What people read of a run: one line for a subject, a page for a message, and the whole as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lake.instants import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lake.run.outcome import EntityResult, RunResult
    from lake.run.remedy import Problem

FORMAT = 1
# SNS takes at most this many ASCII characters.
SUBJECT_LENGTH = 100
COLUMNS = ("entity", "status", "received", "landed", "merged", "unchanged", "quarantined", "live", "unsettled")


def subject(result: RunResult) -> str:
    """`lake: DEGRADED, erp.sales_order: SourceAuthError (+1 more)`."""
    if result.problems:
        first, *others = result.problems
        what = f"{first.where}: {first.error}" + (f" (+{len(others)} more)" if others else "")
    else:
        landed = sum(entity.extracted.landed for entity in result.entities if entity.extracted)
        what = f"{landed:,} new rows" if landed else "nothing new"
    return one_line(f"lake: {result.outcome}, {what}")


def one_line(text: str) -> str:
    """A text as SNS takes it for a subject."""
    plain = " ".join(text.encode("ascii", "replace").decode().split())
    return plain if len(plain) <= SUBJECT_LENGTH else plain[: SUBJECT_LENGTH - 3] + "..."


def message(result: RunResult, report: str, now: datetime) -> str:
    """A page: what went wrong and what to do, what was done, whether the balance closes, where the report lies."""
    sections = [
        f"Run {result.run_id} ended as {result.outcome} at {now:%Y-%m-%d %H:%M} UTC.",
        *(["What went wrong", *map(_told, result.problems)] if result.problems else []),
        _table(result.entities) if result.entities else "No entity was read.",
        *_notes(result),
        _balance(result),
        f"Report: {report}",
    ]
    return "\n\n".join(sections)


def document(result: RunResult, text: str, now: datetime) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "format": FORMAT,
        "run_id": result.run_id,
        "outcome": result.outcome,
        "settled_at": to_text(now),
        "balanced": not result.gaps,
        "entities": [asdict(entity) for entity in result.entities],
        "marts": result.marts,
        "problems": [asdict(found) for found in result.problems],
        "gaps": [asdict(gap) for gap in result.gaps],
        "subject": subject(result),
        "message": text,
    }


def _told(found: Problem) -> str:
    return f"  {found.where}: {found.error}\n    {found.cause}\n    What to do: {found.remedy}"


def _table(entities: Sequence[EntityResult]) -> str:
    rows = [COLUMNS, *(_row(entity) for entity in entities)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < len(("entity", "status")) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "What was done\n\n" + "\n".join(f"  {line}" for line in lines)


def _row(entity: EntityResult) -> tuple[str, ...]:
    read, kept = entity.extracted, entity.curated
    numbers = (
        read.received if read else None,
        read.landed if read else None,
        kept.merged if kept else None,
        kept.unchanged if kept else None,
        kept.quarantined if kept else None,
        kept.live_rows if kept else None,
        entity.unsettled,
    )
    return (entity.entity, entity.status, *("-" if number is None else f"{number:,}" for number in numbers))


def _notes(result: RunResult) -> list[str]:
    notes = [
        f"  {entity.entity}: {entity.curated.quarantined:,} rows in quarantine"
        + (
            f" ({', '.join(f'{rule} {rows:,}' for rule, rows in sorted(entity.broken.items()))})"
            if entity.broken
            else ""
        )
        + ". Good rows went on; correct the bad ones in the source."
        for entity in result.entities
        if entity.curated and entity.curated.quarantined
    ]
    notes += [
        f"  {entity.entity}: rests until {entity.resume_at}; the first run after that reads on."
        for entity in result.entities
        if entity.status == "PAUSED"
    ]
    notes += [
        f"  {entity.entity}: there is more to read than one run takes; the next run goes on."
        for entity in result.entities
        if entity.status == "CONTINUE"
    ]
    return ["Worth knowing\n\n" + "\n".join(notes)] if notes else []


def _balance(result: RunResult) -> str:
    if result.gaps:
        return "The balance does NOT close:\n" + "\n".join(f"  {gap}" for gap in result.gaps)
    return "The balance closes: every row that was received is accounted for."
