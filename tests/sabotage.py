"""Sabotages the code as docs/proof.md says, one line at a time, and sees whether the named test notices.

`python -m tests.sabotage [--quick] [ID ...]`. Each sabotage is applied in a scratch copy of the project, where its test alone
runs. It is noticed when that test fails; a test that cannot even be collected has noticed nothing. Exit code 1 where a sabotage
went unnoticed, its text no longer stands in the code, or a test fails without any sabotage.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROJECT = Path(__file__).resolve().parents[1]
PROOF = "docs/proof.md"
# What is installed, not written: the copy borrows it.
BORROWED = (".venv", ".lake")
# Exit codes of pytest.
PASSED, FAILED = 0, 1
AT_ONCE = 2
WITHIN_S = {"quick": 60, "slow": 600}
# Loading these takes longer than most quick tests: a process does it once, and each test runs in a fork of it.
PRELOADED = ["boto3", "hypothesis", "moto", "pyarrow.parquet", "pydantic", "pytest", "requests", "yaml"]
FORKS = multiprocessing.get_context("forkserver")

ENTRY = re.compile(
    r"^### (?P<id>[a-z0-9-]+): (?P<requirement>.+?)\n"
    r"(?P<text>.*?)"
    r"^Test \((?P<pace>quick|slow)\): `(?P<test>tests/[^`]+)`\n"
    r"(?:\n```diff\n(?P<diff>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


class BadProof(Exception):
    """docs/proof.md is not what this reader expects, or the code is no longer what it sabotages."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A file of the project, text that stands in it once, and what the text becomes."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Changes the file below `root`; raises BadProof where the text is not there exactly once."""
        file = root / self.path
        code = file.read_text("utf-8") if file.is_file() else ""
        if (times := code.count(self.old)) != 1:
            raise BadProof(f"{self.path} holds this text {times} times instead of once:\n{self.old.rstrip()}")
        file.write_text(code.replace(self.old, self.new), "utf-8")


@dataclass(frozen=True, slots=True)
class Proof:
    """A requirement, the test that proves it, and a sabotage that this test must notice (None: it is shown otherwise)."""

    id: str
    requirement: str
    pace: Literal["quick", "slow"]
    test: str
    sabotage: Sabotage | None


def read_proofs(text: str) -> list[Proof]:
    """The entries of docs/proof.md; raises BadProof where a heading is none of them, or an id stands twice."""
    proofs = [_proof(match) for match in ENTRY.finditer(text)]
    ids = [proof.id for proof in proofs]
    headings = re.findall(r"^### ([^:\n]+)", text, re.MULTILINE)
    if headings != ids:
        raise BadProof(
            f"{PROOF}: not an entry: {', '.join(sorted(set(headings) - set(ids))) or 'one without a heading'}"
        )
    if doubles := {name for name in ids if ids.count(name) > 1}:
        raise BadProof(f"{PROOF}: stands twice: {', '.join(sorted(doubles))}")
    return proofs


def _proof(match: re.Match[str]) -> Proof:
    diff = match["diff"]
    pace: Literal["quick", "slow"] = "quick" if match["pace"] == "quick" else "slow"
    sabotage = None if diff is None else _sabotage(match["id"], diff)
    return Proof(match["id"], match["requirement"], pace, match["test"], sabotage)


def _sabotage(name: str, diff: str) -> Sabotage:
    first, *lines = diff.splitlines(keepends=True)
    if not first.startswith("--- ") or any(line[:1] not in "-+ " for line in lines):
        raise BadProof(f"{PROOF}, {name}: the diff is `--- path`, then lines that start with -, + or a blank")
    old = "".join(line[1:] for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    return Sabotage(first[4:].strip(), old, new)


def copy_project(root: Path, target: Path) -> None:
    """Copies what git knows or would add, and borrows what is installed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    for name in BORROWED:
        if (root / name).exists():
            (target / name).symlink_to((root / name).resolve())


def run_tests(root: Path, tests: Iterable[str], within_s: float) -> tuple[int | None, str]:
    """pytest's exit code (None: it took too long) and what it said."""
    said = root / "pytest.log"
    process = FORKS.Process(target=_run_pytest, args=(root, list(tests), said))
    process.start()
    process.join(within_s)
    if process.exitcode is None and process.pid is not None:
        os.killpg(process.pid, signal.SIGKILL)  # with whatever the test has started
        process.join()
        return None, f"took longer than {within_s:.0f} s"
    return process.exitcode, said.read_text("utf-8", errors="replace")[-4000:] if said.exists() else ""


def _run_pytest(root: Path, tests: list[str], said: Path) -> None:
    """Becomes a pytest that knows nothing but the copy in `root`."""
    os.chdir(root)
    os.setsid()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("lake", "local", "tests")]:
        del sys.modules[name]
    here = {PROJECT, PROJECT / "src"}
    sys.path[:] = [str(root / "src"), str(root), *(path for path in sys.path if Path(path).resolve() not in here)]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    with (
        said.open("w", encoding="utf-8", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        import pytest  # noqa: PLC0415 - in the fork, where it is loaded already

        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *tests])
    os._exit(int(code))


def in_copy[T](root: Path, work: Callable[[Path], T]) -> T:
    """What `work` makes of a scratch copy of the project."""
    with tempfile.TemporaryDirectory(prefix="lake-sabotage-") as folder:
        copy = Path(folder)
        copy_project(root, copy)
        return work(copy)


def complaint(proof: Proof, copy: Path) -> str | None:
    """Sabotages a copy and runs the proof's test; why that proves nothing, or None where the test noticed."""
    if proof.sabotage is None:
        return None
    try:
        proof.sabotage.apply(copy)
    except BadProof as error:
        return str(error)
    code, said = run_tests(copy, [proof.test], WITHIN_S[proof.pace])
    if code in (FAILED, None):
        return None
    return (
        f"went unnoticed by {proof.test}" if code == PASSED else f"{proof.test} did not run (exit code {code}):\n{said}"
    )


def check(root: Path, proofs: list[Proof], at_once: int) -> list[str]:
    """The complaints about these proofs: whether their tests pass as the code is, then sabotage by sabotage."""
    if not proofs:
        return []
    tests = list(dict.fromkeys(proof.test for proof in proofs))
    FORKS.set_forkserver_preload(PRELOADED)
    with ThreadPoolExecutor(at_once) as pool:
        untouched = pool.submit(in_copy, root, partial(_pass, tests, sum(WITHIN_S[proof.pace] for proof in proofs)))
        complaints = list(filter(None, pool.map(partial(_told, root), proofs)))
        return list(filter(None, [untouched.result()])) + complaints


def _pass(tests: list[str], within_s: float, copy: Path) -> str | None:
    code, said = run_tests(copy, tests, within_s)
    return None if code == PASSED else f"the tests do not pass without any sabotage:\n{said}"


def _told(root: Path, proof: Proof) -> str | None:
    started = time.monotonic()
    found = in_copy(root, partial(complaint, proof))
    print(f"{'NOT NOTICED' if found else 'noticed':12}{proof.id} ({time.monotonic() - started:.1f} s)", flush=True)
    return f"{proof.id}: {found}" if found else None


def main() -> int:
    """Exit code 0, or 1 with each complaint."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only those whose test takes seconds")
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these")
    arguments = parser.parse_args()
    try:
        proofs = read_proofs((PROJECT / PROOF).read_text("utf-8"))
    except BadProof as error:
        print(error, file=sys.stderr)
        return 1
    if unknown := set(arguments.ids) - {proof.id for proof in proofs}:
        print(f"{PROOF} has no entry {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    wanted = [
        proof
        for proof in proofs
        if proof.sabotage
        and (not arguments.ids or proof.id in arguments.ids)
        and (proof.pace == "quick" or not arguments.quick)
    ]
    started = time.monotonic()
    complaints = check(PROJECT, [proof for proof in wanted if proof.pace == "quick"], AT_ONCE)
    complaints += check(PROJECT, [proof for proof in wanted if proof.pace == "slow"], 1)
    for text in complaints:
        print(f"\n{text}", file=sys.stderr)
    print(f"{len(wanted)} sabotages, {len(complaints)} complaints, {time.monotonic() - started:.0f} s")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
