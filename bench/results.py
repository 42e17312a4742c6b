"""From samples to the lines of the table."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from bench.table import Line, Speed, at_least, peak
from bench.works import FEW, NAMES, OURS, Work, works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Sample
    from bench.run import Bench, Samples

MOST_MIB = 160
SAME = 1.1
"""Peaks that differ by less than a tenth are the same: allocators round."""
STARTS = 11
SLOWER_START = 1.5
MOST_REQUESTS, MOST_WRITES = 2, 3
WRITES = ("dynamodb PutItem", "dynamodb UpdateItem", "dynamodb DeleteItem", "dynamodb TransactWriteItems")


def comparison(work: Work, samples: Samples) -> tuple[list[Line], list[tuple[str, ...]]]:
    """The lines of a work, and what each side took for it."""
    speeds = {side: Speed.of(found, work.rows_of(side)) for side, found in samples.items()}
    lines = [
        at_least(work.name, NAMES[goal.peer], speeds[OURS], speeds[goal.peer], goal.ratio)
        for goal in work.goals
        if goal.peer in speeds
    ]
    if work.thinking:
        possible = Speed(work.page / work.thinking, None)
        lines.append(at_least(work.name, "one stream, if only thinking took time", speeds[OURS], possible, None))
    details: list[tuple[str, ...]] = [
        (
            work.name,
            NAMES[side],
            f"{work.rows_of(side):,}",
            f"{speeds[side].rate:,.0f}",
            f"{speeds[side].cpu:.2f}",
            f"{peak(found):.0f}",
        )
        for side, found in samples.items()
    ]
    return lines, details


def memory(bench: Bench, small: Work, large: Sequence[Sample]) -> list[Line]:
    """Peak memory of few rows and of many."""
    few = peak(bench.compare(replace(small, name="memory", goals=()))[OURS])
    many = peak(large) if large else few
    met = many <= MOST_MIB and many <= few * SAME
    return [
        Line(
            "peak memory",
            f"{many:.0f} MiB",
            f"{FEW:,} rows: {few:.0f} MiB",
            f"{many / few:.2f}",
            "",
            f"<= {MOST_MIB} MiB, the same",
            met,
        )
    ]


def empty_window(bench: Bench) -> list[Line]:
    """What an invocation asks for that finds no news, in each form."""
    lines = []
    for work in works(FEW)[:2]:
        with bench.source(work) as (url, path):
            counted = bench.sample(work, "empty_window", url, path).counted
        asked = counted.get("page", 0) + counted.get("count", 0)
        writes = sum(counted.get(name, 0) for name in WRITES)
        puts = counted.get("s3 PutObject", 0)
        found = f"{asked} requests, {writes} writes, {puts} objects"
        others = {
            name: n for name, n in sorted(counted.items()) if name not in ("page", "count", "s3 PutObject", *WRITES)
        }
        beside = ", ".join(f"{n} {name}" for name, n in others.items())
        met = asked <= MOST_REQUESTS and writes <= MOST_WRITES and not puts
        lines.append(
            Line(f"empty window, {work.name}", found, beside, "", "", f"<= {MOST_REQUESTS}, {MOST_WRITES}, 0", met)
        )
    return lines


def starts(bench: Bench) -> list[Line]:
    """The start of an extract function beside the least that one could import and make."""
    work = replace(works(FEW)[0], rows=0)
    sides = ("start_ours", "start_bare")
    found: Samples = {side: [] for side in sides}
    for turn in range(STARTS + 1):
        for side in sides if turn % 2 == 0 else reversed(sides):
            sample = bench.start(work, side)
            if turn:  # the first one compiles
                found[side].append(sample)
    ours, bare = (median(sample.seconds for sample in found[side]) for side in sides)
    ours_cpu, bare_cpu = (median(sample.cpu for sample in found[side]) for side in sides)
    ratio = ours / bare
    return [
        Line(
            "start of the function",
            f"{ours * 1000:.0f} ms",
            f"{NAMES['start_bare']}: {bare * 1000:.0f} ms",
            f"{ratio:.2f}",
            f"{ours_cpu / bare_cpu:.2f}",
            f"<= {SLOWER_START}",
            ratio <= SLOWER_START,
        )
    ]
