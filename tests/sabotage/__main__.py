"""The command: `python -m tests.sabotage`. See the package."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import groupby
from typing import TYPE_CHECKING

from tests.sabotage import __doc__ as purpose
from tests.sabotage.files import FOLDER, read_sabotages
from tests.sabotage.moving import follow
from tests.sabotage.trial import Trial
from tests.sabotage.workshop import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sabotage.files import Sabotage

AT_ONCE = 2


def main() -> int:
    """Exit code 0; 1 with complaints; 2 for a name that is none."""
    arguments = _arguments()
    sabotages, complaints = read_sabotages(PROJECT)
    areas = sorted({each.area for each in sabotages})
    names = set(arguments.names)
    if unknown := names - {each.id for each in sabotages} - set(areas):
        print(
            f"{FOLDER} has no area and no id {', '.join(sorted(unknown))}. Areas: {', '.join(areas)}; ids: --list",
            file=sys.stderr,
        )
        return 2
    chosen = [
        each
        for each in sabotages
        if (not names or names & {each.area, each.id}) and (each.pace == "gate" or not arguments.gate)
    ]
    if arguments.list:
        print(table(chosen))
    elif arguments.moved:
        done, lost = follow(PROJECT, chosen)
        print("\n".join([*done, f"{len(done)} rewritten, {len(lost)} not found"]))
        complaints += lost
    else:
        complaints += _try(chosen, alone=not arguments.gate)
    for text in complaints:
        print(f"\n{text}", file=sys.stderr)
    return 1 if complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=str(purpose).partition("\n")[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--gate", action="store_true", help="only those of make test, and no test without a sabotage first"
    )
    what.add_argument("--list", action="store_true", help="show pace, id, promise and test, and try nothing")
    what.add_argument(
        "--moved", action="store_true", help="find texts again that moved to another file, and try nothing"
    )
    parser.add_argument("names", nargs="*", metavar="AREA|ID", help="only these")
    return parser.parse_args()


def _try(sabotages: list[Sabotage], *, alone: bool) -> list[str]:
    """Tries all; two at a time, those with slow tests one after the other. Returns the complaints."""
    started = time.monotonic()
    fast, slow = Trial(PROJECT, AT_ONCE), Trial(PROJECT, 1)
    fast.run([each for each in sabotages if each.pace != "slow"], alone=alone)
    slow.run([each for each in sabotages if each.pace == "slow"], alone=alone)
    complaints = fast.complaints + slow.complaints
    print(
        f"{len(sabotages)} sabotages, {fast.noticed + slow.noticed} noticed, {len(complaints)} complaints, "
        f"{time.monotonic() - started:.0f} s"
    )
    return complaints


def table(sabotages: Iterable[Sabotage]) -> str:
    """Pace, id, promise and test of each, by area."""
    lines: list[str] = []
    for area, group in groupby(sabotages, key=lambda each: each.area):
        rows = [(each.pace, each.id, each.promise, each.test) for each in group]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines += ["", f"{area} ({len(rows)})"]
        lines += [
            "  " + "  ".join([*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]])
            for row in rows
        ]
    return "\n".join(lines[1:])


if __name__ == "__main__":
    sys.exit(main())
