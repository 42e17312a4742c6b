"""How figures, instants and states look on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from lake.instants import from_text

COLORS = {
    "GOOD": "green",
    "DONE": "green",
    "SUCCEEDED": "green",
    "QUEUED": "cyan",
    "RUNNING": "cyan",
    "DEGRADED": "yellow",
    "PAUSED": "yellow",
    "CONTINUE": "yellow",
    "LATE": "yellow",
    "FAILED": "red",
    "ABORTED": "red",
    "TIMED_OUT": "red",
}
BALANCE = (
    *("received", "repeated", "beyond", "landed"),
    *("curated", "merged", "superseded", "unchanged", "quarantined"),
    *("deleted", "live", "unsettled"),
)
# Columns that are copied or compared: rather the rest is folded.
WHOLE = ("entity", "run", "began", "watermark", "read")
SPARED = ("repeated", "beyond", "superseded", "unchanged", "quarantined", "deleted")


def colored(word: str) -> Text:
    """A state's word in its color."""
    return Text(word, style=COLORS.get(word, ""))


def number(value: int | None) -> str:
    """`1,234`, or a dash for what was not counted."""
    return "-" if value is None else f"{value:,}"


def duration(span: timedelta) -> str:
    """`48 s`, `3 min 20 s`, `2 h 5 min`, `6 days`: as exact as is of use."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:  # noqa: PLR2004 (seconds of a minute; below, minutes of an hour and hours of a day)
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{hours // 24} days"


def roughly(span: timedelta) -> str:
    """The same in one unit: `48 s`, `3 min`, `2 h`."""
    return " ".join(duration(span).split()[:2])


def instant(value: datetime | None) -> str:
    """An instant in UTC, to the minute."""
    return "-" if value is None else f"{value:%Y-%m-%d %H:%M}Z"


def plain_table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """An empty table in the house's style; the columns in `numbers` are right-aligned."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(
            column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=column in WHOLE
        )
    return table


def balance_table(report: Mapping[str, Any]) -> Table:
    """A run's balance, a line an entity.

    received = repeated + beyond + landed; curated = merged + superseded + unchanged + quarantined. What is curated is what
    landed, and what earlier runs left. Columns that are zero everywhere are left out.
    """
    lines = {entity["entity"]: _balance_line(entity) for entity in report["entities"]}
    shown = [name for name in BALANCE if name not in SPARED or any(line[name] for line in lines.values())]
    table = plain_table("entity", "status", *shown, numbers=shown)
    for entity in report["entities"]:
        line = lines[entity["entity"]]
        table.add_row(entity["entity"], colored(entity["status"]), *(number(line[name]) for name in shown))
    return table


def _balance_line(entity: Mapping[str, Any]) -> dict[str, int | None]:
    read, kept = entity["extracted"] or {}, entity["curated"] or {}
    renamed = {"curated": kept.get("landed"), "deleted": kept.get("tombstoned"), "live": kept.get("live_rows")}
    figures = {**kept, **read, **renamed}
    return {name: figures.get(name) for name in BALANCE} | {"unsettled": entity["unsettled"]}


def report_pictures(report: Mapping[str, Any], address: str) -> list[Any]:
    """All of a run's report: balance, marts, problems with their remedies, where it lies."""
    pictures: list[Any] = [balance_table(report)] if report["entities"] else []
    if report["marts"]:
        marts = ", ".join(f"{name} {rows:,}" for name, rows in sorted(report["marts"].items()))
        pictures.append(f"Marts (rows): {marts}")
    pictures += [problem_picture(problem) for problem in report["problems"]]
    if report["balanced"]:
        pictures.append(report["balance"])
    else:
        pictures.append(Text(report["balance"], style="bold red"))
    settled = f"{from_text(report['settled_at']):%Y-%m-%d %H:%M:%S}Z"
    verdict = Text.assemble(
        "Run ", report["run_id"], " ended as ", colored(report["outcome"]), f" at {settled}. Report: {address}"
    )
    return [*pictures, verdict]


def problem_picture(problem: Mapping[str, Any]) -> Text:
    """What went wrong, where, and what to do."""
    return Text.assemble(
        (f"{problem['where']}: {problem['error']}", "bold red"),
        f"\n  {problem['cause']}\n  ",
        ("What to do: ", "bold"),
        problem["remedy"],
    )
