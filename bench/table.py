"""Figures as text: medians, ratios, and whether a goal was met."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.measuring import Sample

VERDICTS = {True: "met", False: "NOT MET", None: ""}
HEAD = ("work", "ours", "beside", "ratio", "by CPU", "goal", "")
SIDES_HEAD = ("work", "side", "rows", "rows/s", "CPU s a million rows", "peak MiB")


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: what was done, what ours and the peer reached, their ratio by the clock and by CPU seconds, its goal."""

    work: str
    ours: str
    peer: str
    ratio: str
    by_cpu: str
    goal: str
    met: bool | None

    @property
    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        return self.work, self.ours, self.peer, self.ratio, self.by_cpu, self.goal, VERDICTS[self.met]


@dataclass(frozen=True, slots=True)
class Speed:
    """Rows a second, and CPU seconds for a million rows (None where nothing was run): medians of the rounds."""

    rate: float
    cpu: float | None

    @staticmethod
    def of(samples: Sequence[Sample], rows: int) -> Speed:
        """The speed at which so many rows were read each time."""
        seconds, cpu = (median(values) for values in zip(*((item.seconds, item.cpu) for item in samples), strict=True))
        return Speed(rows / seconds, cpu * 1_000_000 / rows)


def peak(samples: Sequence[Sample]) -> float:
    """The highest peak of all rounds, in MiB."""
    return max(sample.peak_mib for sample in samples)


def at_least(work: str, name: str, ours: Speed, peer: Speed, goal: float | None) -> Line:
    """A line of two speeds, of which ours is to be the higher one by a factor (None: nobody set a goal)."""
    ratio = ours.rate / peer.rate
    return Line(
        work,
        f"{ours.rate:,.0f} rows/s",
        f"{name}: {peer.rate:,.0f} rows/s",
        f"{ratio:.2f}",
        f"{peer.cpu / ours.cpu:.2f}" if peer.cpu and ours.cpu else "",
        "" if goal is None else f">= {goal:g}",
        None if goal is None else ratio >= goal,
    )


def written(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])
