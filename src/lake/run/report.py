"""What people read of a run: one line for a subject, a page for a message, and the whole as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lake.instants import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from lake.run.outcome import EntityResult, RunResult
    from lake.run.remedy import Problem

FORMAT = 1
# SNS takes at most this many ASCII characters.
SUBJECT_LENGTH = 100
TEXT_COLUMNS = ("entity", "status")
NUMBER_COLUMNS = (
    *("received", "repeated", "landed"),
    *("merged", "superseded", "unchanged", "quarantined", "deleted", "live", "unsettled"),
)
COLUMNS = TEXT_COLUMNS + NUMBER_COLUMNS


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
        *_notes(result.entities),
        *_marts(result.marts),
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
        "balance": _balance(result),
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
            cell.ljust(width) if column < len(TEXT_COLUMNS) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "What was done\n\n" + "\n".join(f"  {line}" for line in lines)


def _row(entity: EntityResult) -> tuple[str, ...]:
    read, kept = entity.extracted, entity.curated
    numbers = (
        *((read.received, read.repeated, read.landed) if read else (None,) * 3),
        *(
            (kept.merged, kept.superseded, kept.unchanged, kept.quarantined, kept.tombstoned, kept.live_rows)
            if kept
            else (None,) * 6
        ),
        entity.unsettled,
    )
    return (entity.entity, entity.status, *("-" if number is None else f"{number:,}" for number in numbers))


def _notes(entities: Sequence[EntityResult]) -> list[str]:
    notes = [f"  {entity.entity}: {note}" for entity in entities for note in _worth_knowing(entity)]
    return ["Worth knowing\n\n" + "\n".join(notes)] if notes else []


def _worth_knowing(entity: EntityResult) -> Iterator[str]:
    """What is no problem, but someone may ask about."""
    yield from entity.notes
    if entity.curated and entity.curated.quarantined:
        rules = ", ".join(f"{rule} {rows:,}" for rule, rows in sorted(entity.broken.items()))
        because = f" ({rules})" if rules else ""
        yield f"{entity.curated.quarantined:,} rows in quarantine{because}. Good rows went on; correct these in the source."
    if entity.curated and entity.curated.discarded:
        yield f"{entity.curated.discarded:,} rows of discarded loads were left out, as somebody decided."
    if entity.status == "PAUSED":
        yield f"rests until {entity.resume_at}; the first run after that reads on."
    if entity.status == "CONTINUE":
        yield "there is more to read than one run takes; the next run goes on."
    if entity.lacking:
        yield f"a sweep saw {entity.lacking:,} rows that the lake lacks; the next run reads them by key."
    if entity.unsettled:
        more = "more" if entity.unsettled > 0 else "less"
        yield (
            f"the source counts {abs(entity.unsettled):,} rows {more} than the lake has."
            " They changed after the window's end, or were deleted since the last sweep."
        )


def _marts(marts: Mapping[str, int]) -> list[str]:
    lines = "\n".join(f"  {mart}: {rows:,} rows" for mart, rows in sorted(marts.items()))
    return [f"Marts built\n\n{lines}"] if marts else []


def _balance(result: RunResult) -> str:
    if result.gaps:
        return "The balance does NOT close:\n" + "\n".join(f"  {gap}" for gap in result.gaps)
    if not any(entity.extracted or entity.curated for entity in result.entities):
        return "No row was received: there is no balance to close."
    waiting = sum(entity.extracted.landed for entity in result.entities if entity.extracted and entity.curated is None)
    if waiting:
        return f"The balance closes as far as raw; {waiting:,} landed rows wait there to be curated."
    return "The balance closes: every row that was received is accounted for."
