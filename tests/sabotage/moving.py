"""Finds the text of a sabotage again that moved to another file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.sabotage.files import Sabotage

PLACES = ("src", "functions", "glue", "layers", "local", "contracts", "template.yaml", "statemachine")


def follow(root: Path, sabotages: Iterable[Sabotage]) -> tuple[list[str], list[str]]:
    """Rewrites the path of each sabotage whose text is gone from its file and occurs once elsewhere.

    Returns a line for each that was rewritten, and one for each that was not found.
    """
    done, lost = [], []
    texts = {str(file.relative_to(root)): _text(file) for file in _files(root)}
    for each in sabotages:
        if each.occurrences(root) == 1:
            continue
        counts = {path: text.count(each.old) for path, text in texts.items() if each.old in text}
        if sum(counts.values()) == 1:
            (path,) = counts
            _rewrite(root, replace(each, path=path), each.path)
            done.append(f"{each.file}: {each.path} -> {path}")
        else:
            lost.append(f"{each.file}: {_where(counts)}. Write its diff anew, or delete the file.")
    return done, lost


def _files(root: Path) -> Iterable[Path]:
    for place in PLACES:
        found = [root / place] if (root / place).is_file() else sorted((root / place).rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _text(file: Path) -> str:
    return file.read_text("utf-8", errors="replace")


def _where(counts: dict[str, int]) -> str:
    if not counts:
        return f"the old text occurs nowhere in {', '.join(PLACES)}"
    return f"the old text occurs {sum(counts.values())} times, in {', '.join(counts)}"


def _rewrite(root: Path, moved: Sabotage, before: str) -> None:
    file = root / moved.file
    file.write_text(file.read_text("utf-8").replace(f"--- {before}\n", f"--- {moved.path}\n", 1), "utf-8")
