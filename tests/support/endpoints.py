"""Free ports, and emulators that answer at them."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

STARTS_WITHIN_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
