"""The processes of the benchmark: source and AWS endpoint on one core, the side that is measured on another."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.measuring import Sample, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PATIENCE_S = 120
SIDES_CORE, SERVERS_CORE = 0, 1


class SideFailed(Exception):
    """A side ended without a sample; the message holds its last words."""


def pin(core: int) -> None:
    """Keeps this process, and what it starts, on one core."""
    os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def serving(module: str, port: int, *words: str) -> Iterator[str]:
    """A server's URL while it runs."""
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, "--port", str(port), "--core", str(SERVERS_CORE), *words]
    with subprocess.Popen(command) as process:
        try:
            _wait(process, f"{url}/-/counts")
            yield url
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=PATIENCE_S).close()  # noqa: S310
            return
        time.sleep(0.1)
    raise SideFailed(f"no server came up at {url}: is the port free?")


def run_side(python: Path, side: str, task: Task, environment: Mapping[str, str], log: Path) -> Sample:
    """One side in a fresh process; raises SideFailed."""
    with log.open("wb") as file:
        ended = subprocess.run(
            [python, "-m", f"bench.sides.{side}", json.dumps(asdict(task))],
            env={**os.environ, **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        words = "\n".join(log.read_text("utf-8", "replace").splitlines()[-12:])
        raise SideFailed(f"{side} ended with {ended.returncode}; {log} says\n{words}")
    return Sample.read(log.with_suffix(".json"))
