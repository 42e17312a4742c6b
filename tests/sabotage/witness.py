"""What a run of one test says about the code: a pytest plugin that records it, and the judgement.

Only the test itself is a witness. A fixture that fails, a module that cannot be imported, a name that is not defined and a test
that does not end fail under any careless change, and so prove nothing about the promise.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis.errors import FailedHealthCheck

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

# Errors of code that is broken as Python, and of time that ran out; their subclasses count as well.
NO_PROOF = (NameError, ImportError, SyntaxError, TimeoutError, subprocess.TimeoutExpired, FailedHealthCheck)
# The same in a text: code may have caught the error and told of it, and so may another process.
IN_TEXT = re.compile(
    r"\b(NameError|UnboundLocalError|ImportError|ModuleNotFoundError|SyntaxError|IndentationError)\b: .*"
)
PHASES = {
    "collect": "could not be collected",
    "setup": "failed in its set-up",
    "teardown": "failed in its teardown",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a run failed (`collect`, `setup`, `call`, `teardown`), by which class of error, and what of it proves nothing."""

    phase: str
    error: str
    worthless: str | None
    text: str

    @property
    def is_proof(self) -> bool:
        """Whether the test itself failed, and not by broken Python or by time."""
        return self.phase == "call" and self.worthless is None


@dataclass(slots=True)
class Testimony:
    """What happened to the items of one named test. `code` is pytest's exit code."""

    passed: int = 0
    failures: list[Failure] = field(default_factory=list)
    code: int = 0

    def write(self, file: Path) -> None:
        """Stores it as JSON."""
        file.write_text(json.dumps(asdict(self)), "utf-8")


def read_testimony(file: Path) -> Testimony:
    """What `write` stored."""
    stored = json.loads(file.read_text("utf-8"))
    return Testimony(stored["passed"], [Failure(**each) for each in stored["failures"]], stored["code"])


class Witness:
    """The plugin."""

    def __init__(self) -> None:
        self.testimony = Testimony()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Records how each phase of each item ended."""
        report = yield
        if report.failed:
            error = call.excinfo.value if call.excinfo else None
            name = type(error).__name__ if error else ""
            self.testimony.failures.append(
                Failure(report.when or "", name, worthless_in(error, report.longreprtext), report.longreprtext)
            )
        elif report.when == "call" and report.passed:
            self.testimony.passed += 1
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Records modules that cannot be imported."""
        if report.failed:
            self.testimony.failures.append(Failure("collect", "", None, report.longreprtext))


def worthless_in(error: BaseException | None, text: str = "") -> str | None:
    """The error that proves nothing in this error, in what it was raised from, in a group or in the failure's text.

    Causes and contexts count: code that wraps whatever goes wrong in an error of its own must not turn a typing mistake of the
    sabotage into a proof.
    """
    found = next((f"{type(each).__name__}: {each}" for each in _chain(error) if isinstance(each, NO_PROOF)), None)
    told = IN_TEXT.search(text)
    return found or (told[0] if told else None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, None if each.__suppress_context__ else each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def unproven(testimony: Testimony) -> str | None:
    """Why this run does not show that the test noticed the sabotage; None where it does."""
    if any(failure.is_proof for failure in testimony.failures):
        return None
    if testimony.failures:
        first = testimony.failures[0]
        if first.phase == "call":
            return f"failed by broken Python, or by time, not by a broken promise: {first.worthless}"
        return f"{PHASES[first.phase]}:\n{_end(first.text)}"
    if testimony.passed:
        return "passed: the sabotage went unnoticed"
    if testimony.code == pytest.ExitCode.OK:
        return "was skipped"
    return f"could not be collected (pytest's exit code {testimony.code})"


def untrue(testimony: Testimony) -> str | None:
    """Why the test does not pass as the code is; None where it does."""
    if testimony.failures:
        first = testimony.failures[0]
        return f"{PHASES.get(first.phase, 'fails')} without any sabotage:\n{_end(first.text)}"
    if testimony.passed:
        return None
    return f"did not run (pytest's exit code {testimony.code})"


def _end(text: str) -> str:
    return text[-3000:]
