"""Ends processes of a stack in the middle of their work, as a machine that fails does: by SIGKILL."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.stack import Stack

ENDED_WITHIN_S = 10


def end_function(stack: Stack, name: str) -> int:
    """Kills the processes in which a function runs, warm ones included; how many there were."""
    emulator = (stack.directory / "aws.pid").read_text("utf-8").strip()
    numbers = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    pids = [int(folder.name) for folder in numbers if _is_function(folder, name, emulator)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    give_up = time.monotonic() + ENDED_WITHIN_S
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < give_up, f"{name} survived SIGKILL for {ENDED_WITHIN_S} s"
        time.sleep(0.01)
    return len(pids)


def end_spark(stack: Stack, job_run: str) -> None:
    """Kills the JVM of a Glue run."""
    (folder,) = (stack.directory / "aws" / "logs" / "glue").glob(f"*/{job_run}")
    os.kill(int((folder / "jvm.pid").read_text("utf-8")), signal.SIGKILL)


def _lives(pid: int) -> bool:
    """Whether a process is still at work; what only waits to be collected by its parent is not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False


def _is_function(process: Path, name: str, emulator: str) -> bool:
    """Whether a process is a function's, started by this emulator."""
    try:
        parent = re.search(r"^PPid:\t(\d+)$", (process / "status").read_text("utf-8"), re.MULTILINE)
        environment = (process / "environ").read_bytes().split(b"\0")
    except OSError:  # a process that has just ended, or another user's
        return False
    named = f"AWS_LAMBDA_FUNCTION_NAME={name}".encode() in environment
    return parent is not None and parent[1] == emulator and named
