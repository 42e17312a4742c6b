"""Spark processes for Glue runs. Two are started ahead, for a pipeline's two jobs, so that neither waits for a JVM.

New ones are started when no run has been at work for a while: on two cores they would only slow it down.
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.emulator.settings import REGION, EmulatorSettings
from local.toolchain.jvm import Toolchain, local_settings, s3_settings, write_properties

logger = logging.getLogger("local.spark")
PROJECT = Path(__file__).parents[2]
STARTED_AHEAD = 2
QUIET_S = 3.0
STAGGER_S = 5.0  # two that start at once keep each other from being ready


@dataclass(frozen=True)
class Job:
    """One run of a script: its S3 address, Glue's arguments, the credentials of the job's role as STS gives them."""

    script: str
    arguments: Mapping[str, str]
    credentials: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `SUCCEEDED`, `FAILED` or `TIMEOUT`, and why."""

    state: str
    message: str = ""


class Worker:
    """One process with a JVM, for one run. Its folder holds `out.log`, `error.log`, `worker.pid`, `jvm.pid`."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        with (directory / "out.log").open("wb") as out, (directory / "error.log").open("wb") as error:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROJECT / "local" / "emulator" / "spark_worker.py"), str(directory)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=error,
                env=dict(environment),
                cwd=directory,
                text=True,
                start_new_session=True,  # one signal ends Python and JVM together
            )
        (directory / "worker.pid").write_text(str(self._process.pid), encoding="utf-8")

    def alive(self) -> bool:
        return self._process.poll() is None

    def run(self, job: Job, timeout_s: float) -> Outcome:
        """Run the job to its end in this process, which is used up then; the outcome says what went wrong."""
        try:
            self._send(job)
            code = self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return Outcome(
                "TIMEOUT", f"the run took longer than its time-out of {timeout_s / 60:.0f} minutes and was ended"
            )
        finally:
            self.end()
        return Outcome("SUCCEEDED") if code == 0 else Outcome("FAILED", self._reason(code))

    def end(self) -> None:
        """End Python and JVM, whatever they do; the folder keeps the logs only."""
        with contextlib.suppress(ProcessLookupError):  # both are gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.directory / "scratch", ignore_errors=True)
        shutil.rmtree(self.directory / "warm", ignore_errors=True)

    def _send(self, job: Job) -> None:
        pipe: IO[str] | None = self._process.stdin
        if pipe is None:
            raise RuntimeError("a Spark process was started without a pipe to its standard input")
        line = {"script": job.script, "arguments": dict(job.arguments), "credentials": dict(job.credentials)}
        try:
            pipe.write(json.dumps(line) + "\n")
            pipe.flush()
        except BrokenPipeError:
            pass  # the process has ended before its job came: its exit code and log say why

    def _reason(self, code: int) -> str:
        written = self.directory / "error.txt"
        if written.exists():
            return written.read_text(encoding="utf-8")
        where = f"its log is {self.directory / 'error.log'}"
        if code < 0:
            ended_by = signal.Signals(-code).name
            return f"the Spark process {self._process.pid} was ended by {ended_by} in the middle of the run; {where}"
        return f"the Spark process {self._process.pid} ended with code {code} before it could run the script; {where}"


class SparkPool:
    """Hands out workers, and starts new ones in quiet times."""

    def __init__(self, settings: EmulatorSettings, toolchain: Toolchain) -> None:
        self._settings = settings
        self._toolchain = toolchain
        self._lock = threading.Lock()
        self._waiting: list[Worker] = []
        self._at_work = 0

    def start_ahead(self) -> None:
        """Start what is missing, one after the other, unless a run is at work.

        One that ended without a job would end again: nothing more is started then, and the next run says why.
        """
        with self._lock:
            if self._drop_dead() or self._at_work or len(self._waiting) >= STARTED_AHEAD:
                return
            self._waiting.append(self._start())
        self._later(self.start_ahead, STAGGER_S)

    def take(self) -> Worker:
        """A live worker for one run; `give_back` it."""
        with self._lock:
            self._at_work += 1
            self._drop_dead()
            return self._waiting.pop(0) if self._waiting else self._start()

    def _drop_dead(self) -> bool:
        dead = [worker for worker in self._waiting if not worker.alive()]
        for worker in dead:
            logger.error("a Spark process ended before it had a job; its log is %s", worker.directory / "error.log")
            self._waiting.remove(worker)
        return bool(dead)

    def give_back(self, worker: Worker) -> None:
        """The run is over: end its process."""
        worker.end()
        with self._lock:
            self._at_work -= 1
        self._later(self.start_ahead, QUIET_S)

    def close(self) -> None:
        with self._lock:
            for worker in self._waiting:
                worker.end()
            self._waiting.clear()

    @staticmethod
    def _later(work: Callable[[], None], seconds: float) -> None:
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        timer.start()

    def _start(self) -> Worker:
        directory = self._settings.logs / "spark" / uuid.uuid4().hex[:12]
        scratch = directory / "scratch"
        scratch.mkdir(parents=True)
        settings = local_settings(self._toolchain, scratch) | s3_settings(self._settings.endpoint, REGION)
        properties = write_properties(directory / "spark.properties", settings)
        logger.info("starting a Spark process in %s", directory)
        return Worker(directory, self._environment(properties))

    def _environment(self, properties: Path) -> dict[str, str]:
        """The emulator's own environment without its credentials: a run has its role's, or none."""
        secret = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
        inherited = {name: value for name, value in os.environ.items() if name not in secret}
        return {
            **inherited,
            **self._toolchain.environment(properties),
            "AWS_ENDPOINT_URL": self._settings.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": str(PROJECT),
            "TZ": "UTC",
        }
