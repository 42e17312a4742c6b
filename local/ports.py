"""Who listens on a port of this machine."""

import shutil
import socket
import subprocess
from pathlib import Path

LISTENING = "0A"  # the kernel's number for this state, in /proc/net/tcp


def in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def owner(port: int) -> str:
    """ "python (process 123)", or "another program" where the system does not tell."""
    process = _by_lsof(port) or _by_proc(port)
    if process is None:
        return "another program"
    number, name = process
    return f"{name} (process {number})"


def _by_lsof(port: int) -> tuple[int, str] | None:
    lsof = shutil.which("lsof")
    if lsof is None:
        return None
    command = [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    fields = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    found = {line[0]: line[1:] for line in reversed(fields) if line}
    return (int(found["p"]), found["c"]) if {"p", "c"} <= found.keys() else None


def _by_proc(port: int) -> tuple[int, str] | None:
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            if str(link.readlink()) in inodes:
                process = link.parents[1]
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return int(process.name), " ".join(words).strip()[:80]
        except OSError:  # a process that has just ended, or another user's
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found
