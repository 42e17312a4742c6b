"""The project as the rules see it: its files, its Markdown, its Makefile."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.support.project_files import project_files

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1$", re.MULTILINE | re.DOTALL)


@cache
def files() -> tuple[Path, ...]:
    """What git knows or would add, relative to the root."""
    return tuple(project_files(ROOT))


def python_files(*folders: str) -> list[Path]:
    """The Python files below these folders."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


def markdown() -> list[Path]:
    """The documents."""
    return [path for path in files() if path.suffix == ".md"]


def read(path: Path | str) -> str:
    """A file of the project."""
    return (ROOT / path).read_text("utf-8")


def links(text: str) -> list[str]:
    """The targets of a document's links and pictures, those in fenced blocks left out."""
    return [first or second for first, second in LINK.findall(FENCE.sub("", text))]


def anchors(text: str) -> set[str]:
    """The anchors that a document's headings make."""
    headings = re.findall(r"^#+ +(.+?)\s*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def make_targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", read("Makefile"), re.MULTILINE))
