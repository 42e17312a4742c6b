"""A scratch copy of the project, in which one test at a time runs as a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sabotage.witness import Testimony, Witness, read_testimony
from tests.support.project_files import copy_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess

PROJECT = Path(__file__).resolve().parents[2]
# What is installed, not written: the copy borrows it.
BORROWED = (".venv", ".lake")
# Loading these takes longer than most quick tests: a process does it once, and each test runs in a fork of it.
PRELOADED = [
    "_hypothesis_pytestplugin",
    "boto3",
    "hypothesis",
    "moto.dynamodb.models",
    "moto.s3.models",
    "open_data_contract_standard.model",
    "pyarrow.parquet",
    "pydantic",
    "pyspark.sql",
    "pytest_cov.plugin",
    "requests",
    "xdist.plugin",
    "yaml",
]
FORKS = multiprocessing.get_context("forkserver")
OPTIONS = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0"]


class NoTestimony(Exception):
    """The process of a test did not come to an end by itself, within its time."""


@contextlib.contextmanager
def workshop(project: Path) -> Iterator[Workshop]:
    """A workshop with a copy of the project as it is now; both go at the end."""
    with tempfile.TemporaryDirectory(prefix="lake-sabotage-") as folder:
        copy = Path(folder) / "project"
        copy_project(project, copy)
        for name in BORROWED:
            if (project / name).exists():
                (copy / name).symlink_to((project / name).resolve())
        yield Workshop(copy)


class Workshop:
    """Runs tests in a copy of the project."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy

    def run(self, test: str, within_s: float) -> Testimony:
        """What happened to the test; raises NoTestimony where it took longer than `within_s`, or its process died."""
        said, log = self.copy.with_name("testimony.json"), self.copy.with_name("pytest.log")
        said.unlink(missing_ok=True)
        process = FORKS.Process(target=_run_pytest, args=(self.copy, test, said, log))
        process.start()
        process.join(within_s)
        late = process.exitcode is None
        _end(process)
        shutil.rmtree(self.copy / ".hypothesis", ignore_errors=True)
        if late:
            raise NoTestimony(f"ran into its time limit of {within_s:.0f} s")
        if not said.exists():
            raise NoTestimony(
                f"ended its process with exit code {process.exitcode}:\n{log.read_text('utf-8', 'replace')[-3000:]}"
            )
        return read_testimony(said)


def _end(process: BaseProcess) -> None:
    """Ends the process, and whatever it has started and left."""
    assert process.pid is not None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _run_pytest(copy: Path, test: str, said: Path, log: Path) -> None:
    """Becomes a pytest that has nothing of the project but the copy."""
    os.setsid()
    os.chdir(copy)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("lake", "local", "tests")]:
        del sys.modules[name]
    here = {PROJECT, PROJECT / "src"}
    sys.path[:] = [str(copy / "src"), str(copy), *(path for path in sys.path if Path(path).resolve() not in here)]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    with (
        log.open("w", encoding="utf-8", buffering=1) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        import pytest  # noqa: PLC0415 - in the fork, where it is loaded already

        witness = Witness()
        witness.testimony.code = int(pytest.main([*OPTIONS, test], plugins=[witness]))
    witness.testimony.write(said)
    os._exit(0)
