"""Processes of this machine: whether one runs, whether it answers, and its end."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

ENDED_WITHIN_S = 10
POLL_S = 0.1


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (an address of this machine)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def runs(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # one of our own that has ended would else look alive
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def command(pid: int) -> str:
    """How the process was started; empty where it is gone, or nothing tells."""
    try:
        asked = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def end(pid: int) -> None:
    """Ask the process to end; after a while end it and all that it started."""
    os.kill(pid, signal.SIGTERM)
    give_up = time.monotonic() + ENDED_WITHIN_S
    while runs(pid) and time.monotonic() < give_up:
        time.sleep(POLL_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
