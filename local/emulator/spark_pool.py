"""Spark processes for Glue runs. One is started ahead, and serves one run after the other: a JVM takes long to start, and
longer to get fast.

A new one is started when no run has been at work for a while: on two cores it would only slow it down.
"""

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.emulator.settings import REGION, EmulatorSettings
from local.toolchain.jvm import Toolchain, local_settings, s3_settings, write_properties

logger = logging.getLogger("local.spark")
PROJECT = Path(__file__).parents[2]
QUIET_S = 3.0
RUNS_EACH = 40
"""Runs that a JVM serves: whatever it has gathered goes with it."""


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
    """One process with a JVM. Its folder holds `error.log` and a folder for each run (see `folder`)."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.runs = 0
        self._said = 0
        with self.errors.open("ab") as error:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROJECT / "local" / "emulator" / "spark_worker.py"), str(directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=error,
                env=dict(environment),
                cwd=directory,
                text=True,
                start_new_session=True,  # one signal ends Python and JVM together
            )

    @property
    def errors(self) -> Path:
        """What the JVM says, over all runs."""
        return self.directory / "error.log"

    @property
    def folder(self) -> Path:
        """The run at work: `out.log`, `error.log`, `worker.pid` (its Python's), `jvm.pid`, `files`."""
        return self.directory / f"run-{self.runs}"

    def begin(self) -> None:
        """Makes a folder for the next run."""
        self.runs += 1
        self._said = self.errors.stat().st_size
        self.folder.mkdir()
        for name in ("out.log", "error.log"):
            (self.folder / name).touch()

    def alive(self) -> bool:
        return self._process.poll() is None

    def run(self, job: Job, timeout_s: float) -> Outcome:
        """Run the job to its end; the outcome says what went wrong. A process that is not fit for another is ended."""
        try:
            answer = self._answer(job, timeout_s)
        finally:
            self._keep_words()
        if answer is None:
            self.end()
            minutes = f"{timeout_s / 60:.0f} minutes"
            return Outcome("TIMEOUT", f"the run took longer than its time-out of {minutes} and was ended")
        if not answer:
            self.end()
            return Outcome("FAILED", self._reason(self._process.wait()))
        found = json.loads(answer)
        if not found["is_fit"]:
            self.end()
        return Outcome(found["state"], found["message"])

    def _keep_words(self) -> None:
        """Adds what the JVM has said meanwhile to the run's log."""
        with self.errors.open("rb") as whole, (self.folder / "error.log").open("ab") as own:
            whole.seek(self._said)
            own.write(whole.read())

    def _answer(self, job: Job, timeout_s: float) -> str | None:
        """What the process said of a run: nothing where it ended, None where it took too long."""
        tells, takes = self._process.stdout, self._process.stdin
        if tells is None or takes is None:
            raise RuntimeError("a Spark process was started without pipes")
        line = {**asdict(job), "folder": str(self.folder)}
        with contextlib.suppress(BrokenPipeError):  # it has ended before its job came: its exit code and log say why
            takes.write(json.dumps(line) + "\n")
            takes.flush()
        ready, _, _ = select.select([tells], [], [], timeout_s)
        return tells.readline() if ready else None

    def end(self) -> None:
        """End Python and JVM, whatever they do; the folder keeps the logs only."""
        with contextlib.suppress(ProcessLookupError):  # both are gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.directory / "scratch", ignore_errors=True)
        shutil.rmtree(self.directory / "warm", ignore_errors=True)

    def _reason(self, code: int) -> str:
        where = f"its log is {self.errors}"
        if code < 0:
            ended_by = signal.Signals(-code).name
            return f"the Spark process {self._process.pid} was ended by {ended_by} in the middle of the run; {where}"
        return f"the Spark process {self._process.pid} ended with code {code} before it could run the script; {where}"


class SparkPool:
    """Hands out workers, and starts a new one in quiet times."""

    def __init__(self, settings: EmulatorSettings, toolchain: Toolchain) -> None:
        self._settings = settings
        self._toolchain = toolchain
        self._lock = threading.Lock()
        self._waiting: list[Worker] = []
        self._at_work = 0

    def start_ahead(self) -> None:
        """Start a worker where none waits, unless a run is at work.

        One that ended without a job would end again: nothing more is started then, and the next run says why.
        """
        with self._lock:
            if not self._drop_dead() and not self._at_work and not self._waiting:
                self._waiting.append(self._start())

    def take(self) -> Worker:
        """A live worker, with a folder for a run; `give_back` it."""
        with self._lock:
            self._at_work += 1
            self._drop_dead()
            worker = self._waiting.pop(0) if self._waiting else self._start()
        worker.begin()
        return worker

    def _drop_dead(self) -> bool:
        dead = [worker for worker in self._waiting if not worker.alive()]
        for worker in dead:
            logger.error("a Spark process ended before it had a job; its log is %s", worker.errors)
            self._waiting.remove(worker)
        return bool(dead)

    def give_back(self, worker: Worker) -> None:
        """The run is over: the worker waits for the next one, unless it has ended, has done enough, or one waits already."""
        with self._lock:
            self._at_work -= 1
            is_kept = worker.alive() and worker.runs < RUNS_EACH and not self._waiting
            if is_kept:
                self._waiting.append(worker)
        if not is_kept:
            worker.end()
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
