"""An emulator of its own for these tests, with a job's role, buckets and databases in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import JOB_ACTIONS, PROJECT, Emulator, prepare
from tests.support.endpoints import free_port, wait_until_healthy


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    data = tmp_path_factory.mktemp("emulator")
    port = free_port()
    with (data / "emulator.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "local.emulator", f"--port={port}", f"--data={data}"],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        started = Emulator(f"http://127.0.0.1:{port}", data)
        wait_until_healthy(started.endpoint, child, data / "emulator.log")
        prepare(started)
        yield started
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture(scope="session")
def job_role(emulator: Emulator) -> str:
    return emulator.role("job", JOB_ACTIONS)


@pytest.fixture
def alive() -> Any:
    """Whether a process runs (a zombie does not)."""

    def runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        stat = Path(f"/proc/{pid}/stat")
        return not (stat.exists() and stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z")

    return runs
