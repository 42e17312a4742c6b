"""The sabotages fit the project, and the harness that tries them accepts no other failure than that of the test itself."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.rules.project import ROOT, read
from tests.sabotage import trial
from tests.sabotage.__main__ import table
from tests.sabotage.files import misfits, read_sabotages
from tests.sabotage.moving import PLACES, follow
from tests.sabotage.trial import Trial
from tests.sabotage.witness import worthless_in

if TYPE_CHECKING:
    from pathlib import Path

SUMS = """\
def add(a, b):
    total = a + b
    return total


UNUSED = 1
TWICE = 1
TWICE = 1
"""
TESTS = """\
import pytest
import sums


@pytest.fixture
def five():
    total = sums.add(2, 3)
    assert total == 5
    yield total
    assert sums.add(2, 3) == 5


def test_two_and_three():
    assert sums.add(2, 3) == 5


def test_five(five):
    assert five == 5


def test_wrapped():
    try:
        sums.add(2, 3)
    except Exception as error:
        raise AssertionError("no sum") from error


def test_skipped():
    pytest.skip("not here")


def test_wrong():
    assert sums.add(2, 3) == 6
"""


def test_all_sabotages_fit_the_project() -> None:
    sabotages, complaints = read_sabotages(ROOT)
    complaints += misfits(ROOT, sabotages)
    assert not complaints, "\n\n".join(complaints)
    assert sabotages
    assert [each.id for each in sabotages if not each.path.startswith(PLACES)] == [], "no command would follow them"


@dataclass
class SmallProject:
    """A project of one module, one test module and the sabotages that a test writes."""

    root: Path

    def sabotage(
        self, old: str, new: str, test: str = "test_two_and_three", *, name: str = "sums", pace: str = "gate"
    ) -> None:
        change = "".join(f"-{line}\n" for line in old.splitlines()) + "".join(f"+{line}\n" for line in new.splitlines())
        self.file(name, f"promise: Sums\ntest: tests/test_sums.py::{test}\npace: {pace}\n\n--- src/sums.py\n{change}")

    def file(self, name: str, text: str) -> None:
        file = self.root / "tests" / "sabotages" / "area" / f"{name}.diff"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def try_all(self, *, alone: bool = False) -> list[str]:
        """The complaints of a trial of all sabotages."""
        sabotages, complaints = read_sabotages(self.root)
        assert complaints == []
        tried = Trial(self.root, 1)
        tried.run(sabotages, alone=alone)
        assert (self.root / "src" / "sums.py").read_text("utf-8") == SUMS
        return tried.complaints

    def static_complaints(self) -> list[str]:
        """What reading and holding against the project finds, without a trial."""
        sabotages, complaints = read_sabotages(self.root)
        return complaints + misfits(self.root, sabotages)


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    for folder in ("src", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src" / "sums.py").write_text(SUMS, "utf-8")
    (tmp_path / "tests" / "test_sums.py").write_text(TESTS, "utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return SmallProject(tmp_path)


def test_a_sabotage_that_the_test_notices_is_no_complaint(project: SmallProject) -> None:
    project.sabotage("    total = a + b", "    total = a - b")
    assert project.try_all(alone=True) == []


def test_each_sabotage_is_undone_before_the_next_one(project: SmallProject) -> None:
    """Three changes of equal size within one second: neither text nor compiled code of one is left for another."""
    project.sabotage("    total = a + b", "    total = a - b", name="a")
    project.sabotage("UNUSED = 1", "UNUSED = 2", name="b")
    project.sabotage("    total = a + b", "    total = a * b", name="c")
    (complaint,) = project.try_all()
    assert complaint.startswith("b: not proven")


NO_PROOF = {
    "unnoticed": ("UNUSED = 1", "UNUSED = 2", "test_two_and_three", "passed: the sabotage went unnoticed"),
    "fixture": ("    total = a + b", "    total = a - b", "test_five", "failed in its set-up"),
    "teardown": (
        "    total = a + b\n    return total",
        "    add.calls = getattr(add, 'calls', 0) + 1\n    return a + b if add.calls == 1 else 0",
        "test_five",
        "failed in its teardown",
    ),
    "skipped": ("UNUSED = 1", "UNUSED = 2", "test_skipped", "was skipped"),
    "not-collected": ("UNUSED = 1", "UNUSED = 1 / 0", "test_two_and_three", "could not be collected"),
    "no-such-test": ("UNUSED = 1", "UNUSED = 2", "test_three", "could not be collected"),
    "NameError": ("    total = a + b", "    total = a + c", "test_two_and_three", "broken Python, .*: NameError"),
    "ImportError": (
        "    total = a + b",
        "    import nowhere as total",
        "test_two_and_three",
        "broken Python, .*: ModuleNotFoundError",
    ),
    "SyntaxError": (
        "    total = a + b",
        "    total = eval('a +')",
        "test_two_and_three",
        "broken Python, .*: SyntaxError",
    ),
    "SyntaxError-of-module": ("UNUSED = 1", "UNUSED = = 1", "test_two_and_three", "could not be collected"),
    "wrapped": ("    total = a + b", "    total = a + c", "test_wrapped", "broken Python, .*: NameError"),
    "told": (
        "    total = a + b",
        "    raise ValueError(\"no sum: NameError: name 'c' is not defined\")",
        "test_two_and_three",
        "broken Python, .*: NameError",
    ),
    "late": (
        "    total = a + b",
        "    raise TimeoutError('no sum in 5 s')",
        "test_two_and_three",
        "or by time, .*: TimeoutError",
    ),
    "died": (
        "    total = a + b",
        "    import os; os._exit(3)",
        "test_two_and_three",
        "ended its process with exit code 3",
    ),
}


@pytest.mark.parametrize("name", NO_PROOF)
def test_no_proof(name: str, project: SmallProject) -> None:
    old, new, test, why = NO_PROOF[name]
    project.sabotage(old, new, test, name=name)
    (complaint,) = project.try_all()
    assert complaint.startswith(f"{name}: not proven. tests/test_sums.py::{test} ")
    assert re.search(why, complaint)


def test_a_test_that_runs_into_its_time_limit_has_noticed_nothing(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trial.WITHIN_S, "gate", 3.0)
    project.sabotage("    total = a + b", "    while True: pass")
    (complaint,) = project.try_all()
    assert "ran into its time limit of 3 s" in complaint


def test_a_test_that_fails_by_itself_tries_no_sabotage(project: SmallProject) -> None:
    project.sabotage("    total = a + b", "    total = a - b", "test_wrong", name="first")
    project.sabotage("UNUSED = 1", "UNUSED = 2", "test_wrong", name="second")
    of_test, *of_sabotages = project.try_all(alone=True)
    assert of_test.startswith("tests/test_sums.py::test_wrong: fails without any sabotage")
    assert [text.partition(":")[0] for text in of_sabotages] == ["first", "second"]


def test_a_text_that_is_gone_or_occurs_twice_is_named_with_what_to_do(project: SmallProject) -> None:
    project.sabotage("    total = a * b", "    total = a", name="gone")
    project.sabotage("TWICE = 1", "TWICE = 2", name="twice")
    gone, twice = project.static_complaints()
    assert gone.startswith(
        "tests/sabotages/area/gone.diff: src/sums.py has the old text 0 times instead of once. Run `make"
    )
    assert twice.startswith(
        "tests/sabotages/area/twice.diff: src/sums.py has the old text 2 times instead of once. Make"
    )
    assert project.try_all() == [f"gone: {gone}", f"twice: {twice}"]


def test_wrong_files_are_named_with_what_to_do(project: SmallProject) -> None:
    good = (
        "promise: Sums\ntest: tests/test_sums.py::test_five\npace: gate\n\n--- src/sums.py\n-UNUSED = 1\n+UNUSED = 2\n"
    )
    project.file("diff", good.replace("-UNUSED", "UNUSED"))
    project.file("header", good.replace("promise", "promises"))
    project.file("pace", good.replace("gate", "fast"))
    project.file("same", good.replace("UNUSED = 2", "UNUSED = 1"))
    project.file("test", good.replace("test_five", "test_six"))
    (project.root / "tests" / "sabotages" / "stray.txt").write_text("", "utf-8")
    found = [text.removeprefix("tests/sabotages/") for text in project.static_complaints()]
    assert found == [
        "area/diff.diff: bad diff. Write `--- path` first, then lines that start with -, + or a blank.",
        "area/header.diff: bad header. Begin with `promise: ...`, `test: tests/...::...`, `pace: ...` and an empty line.",
        "area/pace.diff: the pace fast is unknown. Write gate, quick or slow.",
        "area/same.diff: the diff changes nothing. Write the old text with -, the new one with +.",
        "stray.txt: not a sabotage. Move it to tests/sabotages/<area>/<id>.diff.",
        "area/test.diff: the test tests/test_sums.py::test_six does not exist. Name the test that holds this promise now.",
    ]


def test_one_id_for_two_and_two_paces_for_one_test_are_named(project: SmallProject) -> None:
    project.sabotage("UNUSED = 1", "UNUSED = 2", name="one", pace="slow")
    other = project.root / "tests" / "sabotages" / "other"
    other.mkdir()
    text = (project.root / "tests" / "sabotages" / "area" / "one.diff").read_text("utf-8")
    (other / "one.diff").write_text(text.replace("slow", "quick"), "utf-8")
    doubles, paces = project.static_complaints()
    assert "area/one.diff and tests/sabotages/other/one.diff: one id for 2 sabotages" in doubles
    assert paces.startswith(
        "tests/sabotages/other/one.diff: its test is quick here and slow in tests/sabotages/area/one.diff"
    )


def test_a_text_that_moved_is_followed_where_it_occurs_once(project: SmallProject) -> None:
    project.sabotage("MOVED = 1", "MOVED = 2", name="moved")
    project.sabotage("TWICE = 1", "TWICE = 2", name="twice")
    project.sabotage("GONE = 1", "GONE = 2", name="gone")
    project.sabotage("UNUSED = 1", "UNUSED = 2", name="still")
    for folder, text in (("glue", "MOVED = 1\nTWICE = 1\n"), ("local", "TWICE = 1\n"), ("docs", "GONE = 1\n")):
        (project.root / folder).mkdir()
        (project.root / folder / "code.py").write_text(text, "utf-8")

    done, lost = follow(project.root, read_sabotages(project.root)[0])

    assert done == ["tests/sabotages/area/moved.diff: src/sums.py -> glue/code.py"]
    assert [text.partition(". ")[0] for text in lost] == [
        f"tests/sabotages/area/gone.diff: the old text occurs nowhere in {', '.join(PLACES)}",
        "tests/sabotages/area/twice.diff: the old text occurs 4 times, in src/sums.py, glue/code.py, local/code.py",
    ]
    assert {each.id: each.path for each in read_sabotages(project.root)[0]} == {
        "gone": "src/sums.py",
        "moved": "glue/code.py",
        "still": "src/sums.py",
        "twice": "src/sums.py",
    }


def test_the_table_has_pace_id_promise_and_test_of_each_by_area(project: SmallProject) -> None:
    project.sabotage("UNUSED = 1", "UNUSED = 2", name="long-name")
    project.sabotage("UNUSED = 1", "UNUSED = 2", name="short", pace="quick")
    assert table(read_sabotages(project.root)[0]) == dedent("""\
        area (2)
          gate   long-name  Sums  tests/test_sums.py::test_two_and_three
          quick  short      Sums  tests/test_sums.py::test_two_and_three""")


def test_errors_in_a_group_count_and_suppressed_ones_do_not() -> None:
    assert worthless_in(ExceptionGroup("both", [ValueError("a"), NameError("b")])) == "NameError: b"
    hidden = ValueError("a")
    hidden.__context__, hidden.__suppress_context__ = NameError("b"), True
    assert worthless_in(hidden) is None


def test_the_page_of_proof_is_short_and_names_tests_and_sabotages_that_there_are() -> None:
    page = read("docs/proof.md")
    test_of = {each.id: each.test for each in read_sabotages(ROOT)[0]}
    sections = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    assert len(page.splitlines()) <= 150
    assert len(sections) == 20
    for section in sections:
        tests = re.findall(r"^- Test: `([^`]+)`$", section, re.MULTILINE)
        broken = re.findall(r"`([^`]+)` \(", "".join(re.findall(r"^- Broken: .*", section, re.MULTILINE)))
        assert tests
        assert {test_of.get(name, f"no sabotage {name}") for name in broken} == set(tests), section
