"""What the documents say exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rules.project import ROOT, anchors, files, links, make_targets, markdown, read

WHERE = "To change X, look in Y"


def paths_in_readme_table() -> list[str]:
    """The paths in the second column of the README's table of places."""
    section = read("README.md").partition(f"## {WHERE}")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [path for row in rows for path in re.findall(r"`([^`]+)`", row[2])]


def test_each_place_that_the_readme_names_exists() -> None:
    paths = paths_in_readme_table()
    assert len(paths) > 15
    assert [path for path in paths if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("document", markdown(), ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for link in links(read(document)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (ROOT / document.parent / target) if target else ROOT / document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("document", markdown(), ids=str)
def test_documents_name_only_make_targets_that_there_are(document: Path) -> None:
    named = set(re.findall(r"(?:`|^|&& |\$ )make ([a-z][a-z-]*)", read(document), re.MULTILINE))
    assert named - make_targets() == set()


@pytest.mark.parametrize("document", [path for path in markdown() if not path.name.startswith("adding-")], ids=str)
def test_documents_name_only_files_that_there_are(document: Path) -> None:
    """Paths in backticks that begin with a folder of the project; what tells how to add files may name new ones."""
    folders = "|".join(sorted({path.parts[0] for path in files() if len(path.parts) > 1 and path.parts[0][0] != "."}))
    named = re.findall(rf"`((?:{folders})/[\w./*-]+)`", read(document))
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


def test_decisions_are_numbered_once() -> None:
    numbers = [path.name[:4] for path in markdown() if path.parent == Path("docs/decisions")]
    assert numbers
    assert all(number.isdigit() for number in numbers)
    assert len(numbers) == len(set(numbers))
