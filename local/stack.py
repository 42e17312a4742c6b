"""The local stack: the AWS endpoint and both source simulators, as processes of their own.

`python -m local.stack up|down|status`. Pid files and logs lie in the stack's folder. The emulator keeps everything in
memory: when its process is gone, so is the lake that was deployed to it, and `status` says so.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local import ports as machine
from local import processes
from local.emulator.settings import client_environment
from local.toolchain.errors import ToolchainError
from local.toolchain.install import install

PROJECT = Path(__file__).parents[1]
READY_WITHIN_S = 90
POLL_S = 0.1

Lake = Literal["none", "deployed", "lost"]


class StackError(RuntimeError):
    """The local stack can't be started."""


class PortInUse(StackError):
    """Another program listens where one of ours should."""


class NotReady(StackError):
    """A process of the stack ended, or did not answer in time."""


@dataclass(frozen=True)
class Ports:
    """Where the endpoint and the simulators listen on 127.0.0.1."""

    aws: int = 4566
    crm: int = 8801
    erp: int = 8802


@dataclass(frozen=True)
class Data:
    """What the simulators generate: size `S`, `M` or `L`, and the seed that makes it the same each time."""

    size: str = "S"
    seed: int = 7


@dataclass(frozen=True)
class Process:
    """One of the stack's processes: how it is started, and the address that answers when it is ready."""

    name: str
    port: int
    arguments: tuple[str, ...]
    health: str


@dataclass(frozen=True)
class State:
    """What `status` finds: each process's pid (None where it does not run), and what became of the lake."""

    pids: dict[str, int | None]
    lake: Lake

    @property
    def up(self) -> bool:
        return all(self.pids.values())


@dataclass(frozen=True)
class Stack:
    """One stack; two may run side by side with other ports and another directory."""

    ports: Ports = Ports()
    directory: Path = Path(".lake/stack")
    toolchain: Path = Path(".lake")
    data: Data = Data()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports.aws}"

    @property
    def crm_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.crm}"

    @property
    def erp_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.erp}"

    @property
    def calls(self) -> Path:
        """One JSON line for each AWS call that was judged."""
        return self.directory / "aws" / "calls.jsonl"

    @property
    def sources(self) -> Path:
        """The folder of the simulators' SQLite files, `crm.sqlite` and `erp.sqlite`."""
        return self._folder("sources")

    def env(self) -> dict[str, str]:
        """The variables with which an AWS SDK or the SAM CLI speaks to this stack as its administrator.

        A session token of the shell's own would not belong to these keys: it is emptied.
        """
        return {**client_environment(self.endpoint), "AWS_SESSION_TOKEN": ""}

    def processes(self) -> tuple[Process, ...]:
        return (
            Process(
                "aws",
                self.ports.aws,
                (
                    "local.emulator",
                    f"--port={self.ports.aws}",
                    f"--data={self._folder('aws')}",
                    f"--toolchain={self.toolchain.resolve()}",
                ),
                f"{self.endpoint}/_ministack/health",
            ),
            self._simulator("crm", self.ports.crm),
            self._simulator("erp", self.ports.erp),
        )

    def up(self, say: Callable[[str], None] = print) -> None:
        """Start what does not run yet, and wait until all of it answers.

        Raises `PortInUse`, `NotReady`, or a `ToolchainError` where the set-up is incomplete.
        """
        install(self.toolchain.resolve(), say)
        waiting = [process for process in self.processes() if self._pid(process) is None]
        for process in waiting:
            if machine.in_use(process.port):
                raise PortInUse(
                    f"port {process.port}, which {process.name} wants, is in use by {machine.owner(process.port)}: "
                    "end that program, or choose other ports with --port-base"
                )
        started = [(process, self._start(process)) for process in waiting]
        for process, child in started:
            self._wait(process, child)
            say(f"{process.name} is ready on port {process.port}")

    def down(self) -> None:
        """End all processes of the stack. The lake in the emulator's memory goes with them; the sources' data stay."""
        for process in reversed(self.processes()):
            pid = self._pid(process) or self._on_other_ports(process)
            if pid is not None:
                processes.end(pid)
            self._pid_file(process).unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def wipe(self) -> None:
        """Forget lake and sources, so that the next `up` starts anew. The stack must be down."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def status(self) -> State:
        return State({process.name: self._pid(process) for process in self.processes()}, self._lake())

    def mark_deployed(self) -> None:
        """Remember that a lake was deployed to the emulator that runs now."""
        self._deployed_file().write_text(json.dumps({"instance": self._instance()}), encoding="utf-8")

    def _lake(self) -> Lake:
        if not self._deployed_file().exists():
            return "none"
        deployed_to = json.loads(self._deployed_file().read_text(encoding="utf-8"))["instance"]
        return "deployed" if deployed_to == self._instance() else "lost"

    def _instance(self) -> str | None:
        """Which emulator runs; None where none does."""
        file = self._folder("aws") / "instance.json"
        if self._pid(self.processes()[0]) is None or not file.exists():
            return None
        return str(json.loads(file.read_text(encoding="utf-8"))["instance"])

    def _simulator(self, name: str, port: int) -> Process:
        arguments = (
            "local.simulators",
            name,
            f"--port={port}",
            f"--data={self.sources}",
            f"--size={self.data.size}",
            f"--seed={self.data.seed}",
        )
        return Process(name, port, arguments, f"http://127.0.0.1:{port}/_control/health")

    def _start(self, process: Process) -> subprocess.Popen[bytes]:
        for folder in (self.sources, self._scratch):
            folder.mkdir(parents=True, exist_ok=True)
        with self._log_file(process).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *process.arguments],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(self._scratch)},
                start_new_session=True,  # Ctrl-C in a terminal is for the command, not for the stack
            )
        self._pid_file(process).write_text(str(child.pid), encoding="utf-8")
        return child

    def _wait(self, process: Process, child: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + READY_WITHIN_S
        while not processes.answers(process.health):
            if child.poll() is not None:
                self._pid_file(process).unlink(missing_ok=True)
                raise NotReady(
                    f"{process.name} ended with code {child.returncode} at its start; {self._last_words(process)}"
                )
            if time.monotonic() > give_up:
                late = f"{process.name} did not answer at {process.health} in {READY_WITHIN_S} s"
                raise NotReady(f"{late}; {self._last_words(process)}")
            time.sleep(POLL_S)

    def _last_words(self, process: Process) -> str:
        lines = self._log_file(process).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"its log {self._log_file(process)} ends with: {' | '.join(lines[-3:])}"

    def _pid(self, process: Process) -> int | None:
        """The running process's pid; None where the file is missing or names a process that is gone or another's."""
        file = self._pid_file(process)
        if not file.exists():
            return None
        pid = int(file.read_text(encoding="utf-8"))
        return pid if processes.runs(pid) and machine.in_use(process.port) else None

    def _on_other_ports(self, process: Process) -> int | None:
        """The pid of a process of this folder that was started with other ports; its command names the folder."""
        file = self._pid_file(process)
        pid = int(file.read_text(encoding="utf-8")) if file.exists() else None
        return pid if pid is not None and str(self.directory.resolve()) in processes.command(pid) else None

    @property
    def _scratch(self) -> Path:
        """Where the processes keep what is temporary: an unpacked function takes 185 MB, and outlives a killed emulator."""
        return self._folder("scratch")

    def _folder(self, name: str) -> Path:
        return self.directory.resolve() / name

    def _pid_file(self, process: Process) -> Path:
        return self.directory.resolve() / f"{process.name}.pid"

    def _log_file(self, process: Process) -> Path:
        return self.directory.resolve() / f"{process.name}.log"

    def _deployed_file(self) -> Path:
        return self.directory.resolve() / "deployed.json"


def main(arguments: list[str]) -> int:
    parsed = _parser().parse_args(arguments)
    base = parsed.port_base
    ports = Ports() if base is None else Ports(base, base + 1, base + 2)
    stack = Stack(ports, parsed.directory, parsed.toolchain, Data(parsed.size, parsed.seed))
    try:
        COMMANDS[parsed.command](stack)
    except (StackError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument(
        "--port-base", type=int, help="AWS endpoint; CRM and ERP take the two ports above (else 4566, 8801, 8802)"
    )
    parser.add_argument("--directory", type=Path, default=Path(".lake/stack"))
    parser.add_argument("--toolchain", type=Path, default=Path(".lake"))
    parser.add_argument("--size", default="S", choices=("S", "M", "L"))
    parser.add_argument("--seed", type=int, default=7)
    return parser


def _print_status(stack: Stack) -> None:
    state = stack.status()
    text: dict[str, Any] = {
        "processes": state.pids,
        "lake": state.lake,
        "endpoint": stack.endpoint,
        "crm": stack.crm_url,
        "erp": stack.erp_url,
    }
    print(json.dumps(text, indent=2))


COMMANDS: dict[str, Callable[[Stack], None]] = {"up": Stack.up, "down": Stack.down, "status": _print_status}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
