"""`python -m tests.soak [--histories 5000] [--seed 7] [--kinds odata-sweep,...] [--curate]`: random histories, as many as
wanted, of extraction or of curating.

Prints seed and count, progress, and of each failure the seed and the shortest history that fails, as it can be kept in
tests/convergence/cases.py; of curating, the rows that are not the model's, whose keys begin with the history's seed. Exit
code 1 where one failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.convergence.kinds import KINDS
from tests.convergence.trials import trials
from tests.spark import trials as curate_trials

EVERY_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Plays them all; 1 where one failed."""
    asked = _parser().parse_args(arguments)
    if asked.curate:
        return curate(asked.histories, asked.seed)
    kinds = asked.kinds.split(",") if asked.kinds else sorted(KINDS)
    wanted = [(kinds[number % len(kinds)], asked.seed + number // len(kinds)) for number in range(asked.histories)]
    print(f"{len(wanted)} histories of {len(kinds)} kinds, from seed {asked.seed} on")
    endings: Counter[str] = Counter()
    failed, begun = 0, time.monotonic()
    said = begun
    for number, trial in enumerate(trials(wanted), 1):
        endings.update(trial.endings)
        if trial.problem is not None:
            failed += 1
            print(f"\n{trial.kind}, seed {trial.seed}: {trial.problem}\n{trial.shortest}\n", flush=True)
        if time.monotonic() - said > EVERY_S:
            said = time.monotonic()
            print(f"{number} of {len(wanted)} histories in {said - begun:.0f} s, {failed} failed", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in endings.most_common())
    print(f"{len(wanted)} histories from seed {asked.seed} on, {failed} failed; invocations: {counts}")
    return 1 if failed else 0


def curate(histories: int, seed: int) -> int:
    """Plays histories of documents through curating; 1 where a table was not the model's."""
    print(f"{histories} histories of documents, from seed {seed} on", flush=True)
    failed, played, begun = 0, 0, time.monotonic()
    for together, problems in curate_trials.trials(histories, seed):
        print("\n".join(problems), end="\n" if problems else "")
        failed, played = failed + bool(problems), played + together
        print(
            f"{played} of {histories} histories in {time.monotonic() - begun:.0f} s, {failed} runs failed", flush=True
        )
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Play random histories.")
    parser.add_argument("--histories", type=int, default=1_000, help="how many (default 1,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", default="", help=f"some of {', '.join(KINDS)}")
    parser.add_argument("--curate", action="store_true", help="histories of documents, curated in pieces and at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
