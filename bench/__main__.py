"""`python -m bench`: reads the same rows by the lake's extractor and by what else one would use, merges the same changes by the
curate job and by a bare MERGE, and prints how they compare.

Reading: one core for the side that is measured, the other one for source and AWS; each side is a fresh process each time, warmed
up on 20,000 rows. Merging: one Spark on all cores; the first round warms up. Sides take turns, every other round backwards. What
a side wrote is added up before its figures count.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import curate
from bench.environments import FUNCTION, PEER, install
from bench.processes import SIDES_CORE, pin
from bench.results import comparison, empty_window, memory, starts
from bench.run import ROOT, Bench
from bench.stage import stage
from bench.table import HEAD, SIDES_HEAD, written
from bench.works import DLT, FEW, OURS, works

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.measuring import Sample
    from bench.table import Line

READING = ("odata", "salesforce", "slow", "waiting", "memory", "empty", "start")
PARTS = (*READING, *curate.PARTS)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large works, in whole 100,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--table-rows", type=int, default=5_000_000, help="of the tables that changes are merged into")
    parser.add_argument("--increments", type=int, default=100, help="small changes before a scan")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts of the table")
    parser.add_argument("--port", type=int, default=19140, help="this one and the next are used")
    parser.add_argument(
        "--profile", action="store_true", help="reading: ours alone, under cProfile; merging: one round"
    )
    found = parser.parse_args()
    if found.rows % 100_000 or not found.rows:
        parser.error("--rows: whole 100,000")
    return found


def main() -> int:
    """Exit code 0, met or not: the table says."""
    asked = arguments()
    home = ROOT / ".lake" / "bench"
    home.mkdir(parents=True, exist_ok=True)
    cores = os.sched_getaffinity(0)
    lines, details = reading(asked, home) if set(READING) & set(asked.only) else ([], [])
    os.sched_setaffinity(0, cores)
    if set(curate.PARTS) & set(asked.only):
        with tempfile.TemporaryDirectory(prefix="curate-", dir=home) as folder:
            size = curate.Size(asked.table_rows, 1 if asked.profile else asked.rounds, asked.increments)
            lines += curate.measured(Path(folder), asked.only, size, say)
    print(written(HEAD, [line.cells for line in lines]))
    if details:
        print("\n" + written(SIDES_HEAD, details))
    return 0


def say(text: str) -> None:
    """How far it is, beside the table."""
    print(text, file=sys.stderr, flush=True)


def reading(asked: argparse.Namespace, home: Path) -> tuple[list[Line], list[tuple[str, ...]]]:
    """What is measured of extraction, this process on the sides' core."""
    function, peer = install(home / "function", FUNCTION), install(home / "peer", PEER)
    pin(SIDES_CORE)
    with tempfile.TemporaryDirectory(prefix="run-", dir=home) as folder:
        bench = Bench(
            rows=home / "rows",
            home=Path(folder),
            layer=stage(Path(folder) / "layer"),
            python=lambda side: peer if side == DLT else function,
            rounds=1 if asked.profile else asked.rounds,
            port=asked.port,
            say=say,
            profile=asked.profile,
        )
        print(f"{asked.rows:,} rows of 22 fields, {bench.rounds} rounds\n")
        return measured(bench, asked.rows, asked.only)


def measured(bench: Bench, rows: int, parts: Collection[str]) -> tuple[list[Line], list[tuple[str, ...]]]:
    """The lines of the parts that are wanted, and what each side took."""
    lines: list[Line] = []
    details: list[tuple[str, ...]] = []
    large: list[Sample] = []
    for work in works(rows):
        if work.part in parts:
            samples = bench.compare(work)
            large = large or samples[OURS]
            found = comparison(work, samples)
            lines, details = lines + found[0], details + found[1]
    if "memory" in parts:
        lines += memory(bench, works(FEW)[0], large)
    if "empty" in parts:
        lines += empty_window(bench)
    if "start" in parts:
        lines += starts(bench)
    return lines, details


if __name__ == "__main__":
    sys.exit(main())
