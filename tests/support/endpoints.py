"""Free ports, and emulators that answer at them."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

STARTS_WITHIN_S = 60


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on, each another one."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def wait_until_healthy(endpoint: str, child: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once the emulator of a process answers; AssertionError with the log's end where it does not."""
    give_up = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < give_up and child.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1):  # noqa: S310 (an address of this machine)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the emulator did not start: {log.read_text(encoding='utf-8')[-2000:]}")
