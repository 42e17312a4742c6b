"""Sabotages as files: `tests/sabotages/<area>/<id>.diff`.

A file has a header of three lines, an empty line, and one change of one file of the project:

    promise: A window ends at the earlier of both clocks
    test: tests/unit/extract/test_window.py::test_what_has_settled
    pace: gate

    --- src/lake/extract/window.py
    -    return min(source_now, now) - lag
    +    return source_now - lag

Lines that start with a blank stay as they are. The old text (lines with `-` or a blank) occurs exactly once in the file.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER = Path("tests/sabotages")
HEADER = re.compile(r"promise: (?P<promise>\S.*)\ntest: (?P<test>tests/\S+\.py(?:::.+)?)\npace: (?P<pace>\w+)\n\n")

Pace = Literal["gate", "quick", "slow"]

# Python compares a cached module with its source by size and by whole seconds: each broken version gets seconds of its own.
_seconds = itertools.count(int(time.time()) + 1)


class BadSabotage(Exception):
    """A file of tests/sabotages is not in the form described above, or the code no longer has the text that it changes."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A promise, the test that must fail when it is broken, and the change of the code that breaks it."""

    area: str
    id: str
    promise: str
    test: str
    pace: Pace
    path: str
    old: str
    new: str

    @property
    def file(self) -> Path:
        """Where this sabotage is stored, relative to the project."""
        return FOLDER / self.area / f"{self.id}.diff"

    def occurrences(self, root: Path) -> int:
        """How many times the file to change has the old text; 0 where there is no such file."""
        file = root / self.path
        return file.read_text("utf-8").count(self.old) if file.is_file() else 0

    @contextlib.contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """Breaks the project in `root`, and undoes it at the end; raises BadSabotage where the text does not occur once."""
        if complaint := _misfit(self, root):
            raise BadSabotage(complaint)
        file = root / self.path
        kept, stat = file.read_bytes(), file.stat()
        file.write_text(kept.decode("utf-8").replace(self.old, self.new), "utf-8")
        second = next(_seconds)
        os.utime(file, (second, second))
        try:
            yield
        finally:
            file.write_bytes(kept)
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def read_sabotages(root: Path) -> tuple[list[Sabotage], list[str]]:
    """All sabotages of the project, by area and id, and a complaint for each file that is none."""
    sabotages, complaints = [], []
    for file in sorted((root / FOLDER).rglob("*")):
        if file.is_dir():
            continue
        try:
            sabotages.append(_read(file.relative_to(root), file.read_text("utf-8")))
        except BadSabotage as error:
            complaints.append(str(error))
    return sabotages, complaints


def _read(file: Path, text: str) -> Sabotage:
    parts = file.relative_to(FOLDER).parts
    if len(parts) != 2 or file.suffix != ".diff":
        raise BadSabotage(f"{file}: not a sabotage. Move it to {FOLDER}/<area>/<id>.diff.")
    header = HEADER.match(text)
    if header is None:
        raise BadSabotage(
            f"{file}: bad header. Begin with `promise: ...`, `test: tests/...::...`, `pace: ...` and an empty line."
        )
    if header["pace"] not in get_args(Pace):
        raise BadSabotage(f"{file}: the pace {header['pace']} is unknown. Write gate, quick or slow.")
    path, old, new = _change(file, text[header.end() :])
    pace: Pace = header["pace"]  # type: ignore[assignment] # checked above
    return Sabotage(parts[0], file.stem, header["promise"], header["test"], pace, path, old, new)


def _change(file: Path, diff: str) -> tuple[str, str, str]:
    first, *lines = diff.splitlines(keepends=True) or [""]
    if not first.startswith("--- ") or any(line[0] not in "-+ " for line in lines):
        raise BadSabotage(f"{file}: bad diff. Write `--- path` first, then lines that start with -, + or a blank.")
    old = "".join(line[1:] for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    if old in ("", new):
        raise BadSabotage(f"{file}: the diff changes nothing. Write the old text with -, the new one with +.")
    return first[4:].strip(), old, new


def misfits(root: Path, sabotages: Iterable[Sabotage]) -> list[str]:
    """A complaint for each sabotage that does not fit the project: its text, its test, its id, its pace."""
    sabotages = list(sabotages)
    found = [_misfit(each, root) for each in sabotages] + [_no_test(each, root) for each in sabotages]
    return [text for text in found if text] + _doubles(sabotages) + _two_paces(sabotages)


def _misfit(sabotage: Sabotage, root: Path) -> str | None:
    times = sabotage.occurrences(root)
    if times == 1:
        return None
    advice = (
        "Make the old text longer, until it occurs once."
        if times
        else "Run `make sabotage ARGS=--moved` where it moved to another file; otherwise write the diff anew, or delete the file."
    )
    return f"{sabotage.file}: {sabotage.path} has the old text {times} times instead of once. {advice}\n{sabotage.old.rstrip()}"


def _no_test(sabotage: Sabotage, root: Path) -> str | None:
    file, _, name = sabotage.test.partition("::")
    function = name.partition("[")[0].rpartition("::")[2]
    if (root / file).is_file() and (not function or function in _functions(root / file)):
        return None
    return f"{sabotage.file}: the test {sabotage.test} does not exist. Name the test that holds this promise now."


@cache
def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _doubles(sabotages: list[Sabotage]) -> list[str]:
    files = defaultdict(list)
    for each in sabotages:
        files[each.id].append(str(each.file))
    return [
        f"{' and '.join(names)}: one id for {len(names)} sabotages. Rename one."
        for names in files.values()
        if names[1:]
    ]


def _two_paces(sabotages: list[Sabotage]) -> list[str]:
    """A test is slow or not, whichever sabotage it notices."""
    slow = {each.test: each for each in sabotages if each.pace == "slow"}
    return [
        f"{each.file}: its test is {each.pace} here and slow in {slow[each.test].file}. Give both files one pace."
        for each in sabotages
        if each.pace != "slow" and each.test in slow
    ]
