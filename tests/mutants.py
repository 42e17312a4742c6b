"""A second opinion beside the sabotages: changes the modules that decide, one expression at a time, and tells which changes no
test notices.

`python -m tests.mutants [MODULE ...]`, or `--show MUTANT` for one of the last run. pyproject.toml names modules and tests
(`[tool.mutmut]`). mutmut works in a copy of the project, in an environment of its own. Survivors fail nothing: docs/mutants.md
says which ones are known, and why.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environments import install
from tests.support.project_files import copy_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROJECT = Path(__file__).resolve().parents[1]
HOME = PROJECT / ".lake" / "mutants"
COPY = HOME / "project"
PINS = ("mutants.txt",)
AT_ONCE = 2
COLUMNS = ("killed", "timeout", "survived", "no tests")
HEADINGS = ("mutants", "killed", "timed out", "survived", "without test", "else")
RESULT = re.compile(r"^ +(?P<mutant>\S+__mutmut_\d+): (?P<status>.+)$", re.MULTILINE)

type Verdicts = dict[str, str]
"""Mutant → what became of it, in mutmut's words."""


def main() -> int:
    """Exit code 0, whatever survives; that of mutmut where it could not run."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition("\n\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="only these, such as lake.run.balance")
    parser.add_argument("--show", metavar="MUTANT", help="what a mutant of the last run has changed")
    arguments = parser.parse_args()
    mutmut = str(install(HOME / "env", PINS).parent / "mutmut")
    if arguments.show:
        return subprocess.run([mutmut, "show", arguments.show], cwd=COPY, check=False).returncode
    if unknown := set(arguments.modules) - set(modules()):
        parser.error(f"{', '.join(sorted(unknown))}: pyproject.toml has {', '.join(modules())}")
    shutil.rmtree(COPY, ignore_errors=True)
    copy_project(PROJECT, COPY)
    wanted = [f"{module}.*" for module in arguments.modules]
    done = subprocess.run(
        [mutmut, "run", "--max-children", str(AT_ONCE), *wanted], cwd=COPY, env=environment(), check=False
    )
    if done.returncode == 0:
        listed = subprocess.run([mutmut, "results", "--all", "true"], cwd=COPY, check=True, capture_output=True)
        print("\n".join(report(read(listed.stdout.decode()))))
    return done.returncode


def modules() -> list[str]:
    """The modules that pyproject.toml names."""
    paths: list[str] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]["only_mutate"]
    return [path.removeprefix("src/").removesuffix(".py").replace("/", ".") for path in paths]


def environment() -> Mapping[str, str]:
    """The variables of a run: no path to the project itself, the same examples for each mutant."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {"HYPOTHESIS_PROFILE": "mutants"}


def read(listed: str) -> Verdicts:
    """The verdicts in what `mutmut results` prints; mutants that were not asked for are left out."""
    found = {match["mutant"]: match["status"] for match in RESULT.finditer(listed)}
    return {mutant: status for mutant, status in found.items() if status != "not checked"}


def report(verdicts: Verdicts) -> Iterable[str]:
    """A table by module, then what survived or has no test."""
    counts: dict[str, Counter[str]] = {}
    for mutant, status in verdicts.items():
        counts.setdefault(mutant.rpartition(".")[0], Counter())[status] += 1
    total = sum(counts.values(), Counter[str]())
    width = max(map(len, [*counts, "together"]))
    yield "".join(["module".ljust(width), *(heading.rjust(14) for heading in HEADINGS)])
    for module, count in [*sorted(counts.items()), ("together", total)]:
        known = [count[column] for column in COLUMNS]
        numbers = [count.total(), *known, count.total() - sum(known)]
        yield "".join([module.ljust(width), *(f"{number:14}" for number in numbers)])
    for status, heading in (("survived", "No test noticed"), ("no tests", "No test runs")):
        if mutants := sorted(mutant for mutant, found in verdicts.items() if found == status):
            yield f"\n{heading}:"
            yield from (f"  {mutant}" for mutant in mutants)
    yield '\nWhat a mutant has changed: make mutants ARGS="--show MUTANT"'


if __name__ == "__main__":
    sys.exit(main())
