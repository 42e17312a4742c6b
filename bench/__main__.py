"""`python -m bench`: reads the same rows by the lake's extractor and by what else one would use, and prints how they compare.

One core for the side that is measured, the other one for source and AWS. Each side is a fresh process each time, warmed up on
20,000 rows; sides take turns, every other round backwards. What a side wrote is added up before its figures count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

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

PARTS = ("odata", "salesforce", "slow", "waiting", "memory", "empty", "start")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large works, in whole 100,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts of the table")
    parser.add_argument("--port", type=int, default=19140, help="this one and the next are used")
    parser.add_argument("--profile", action="store_true", help="ours alone, once, under cProfile")
    found = parser.parse_args()
    if found.rows % 100_000 or not found.rows:
        parser.error("--rows: whole 100,000")
    return found


def main() -> int:
    """Exit code 0, met or not: the table says."""
    asked = arguments()
    home = ROOT / ".lake" / "bench"
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
            say=lambda text: print(text, file=sys.stderr, flush=True),
            profile=asked.profile,
        )
        lines, details = measured(bench, asked.rows, asked.only)
    print(f"{asked.rows:,} rows of 22 fields, {bench.rounds} rounds\n")
    print(written(HEAD, [line.cells for line in lines]))
    print("\n" + written(SIDES_HEAD, details))
    return 0


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
