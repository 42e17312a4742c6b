"""The process that keeps one Spark JVM warm, and forks a Python for each Glue job run in it.

`python spark_worker.py DIRECTORY` starts the JVM and warms it up unless a job waits already. It then reads lines from its
standard input, each a job as JSON (see `spark_pool.Job`), and answers each on its standard output with a line: how the run
ended (`state`, `message`), and whether the JVM is fit for another (`is_fit`). A run's Python is a fork that knows nothing of the
runs before it, and in the JVM no session, setting or credential of them is left either. When the pool goes, all of it goes.
"""

import contextlib
import json
import os
import re
import runpy
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

import boto3
from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from local.spark import keep_classes
from local.toolchain import warm_up

PROJECT = Path(__file__).parents[2]
RUNTIME = Path(__file__).with_name("glue_runtime")
# What Glue keeps for itself; the rest reaches the script.
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
RESERVED = re.compile(r"--(conf|extra-.*|datalake-formats|enable-.*|custom-logGroup-prefix|job-language|additional-.*)")
MESSAGE_LENGTH = 4000
JVM_ENDS_WITHIN_S = 2
LOOK_AT_JVM_S = 1.0
# Written into a run's folder when nothing of the run is left in the JVM.
CLOSED = "closed"
# Exit codes of a run's Python: the script failed; the connection to the JVM broke.
SCRIPT_FAILED, CONNECTION_BROKE = 1, 3


class Keeper:
    """Holds the JVM, and runs one job after the other in it."""

    def __init__(self, directory: Path, answers: TextIO) -> None:
        self.directory = directory
        self.answers = answers
        gateway = launch_gateway()
        self.jvm: subprocess.Popen[bytes] = gateway.proc
        os.environ["PYSPARK_GATEWAY_PORT"] = str(gateway.gateway_parameters.port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = gateway.gateway_parameters.auth_token

    def warm_up(self) -> None:
        """Has the JVM load what each job needs. One in which that fails is fit for nothing: SystemExit."""
        pid, held = self._fork(lambda: warm_up.run(self.directory / "warm"))
        os.close(held)
        if self._ended(pid):
            raise SystemExit("the Spark JVM could not be warmed up")

    def serve(self) -> None:
        """Runs the jobs that come, until the pool or the JVM goes."""
        while line := self._next():
            print(json.dumps(self.run(json.loads(line))), file=self.answers, flush=True)

    def _next(self) -> str:
        """The next line of the pool; empty where there will be none."""
        while not select.select([sys.stdin], [], [], LOOK_AT_JVM_S)[0]:
            if self.jvm.poll() is not None:
                return ""
        return sys.stdin.readline()

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Runs a job to its end: the answer to the pool."""
        folder = Path(job["folder"])
        (folder / "jvm.pid").write_text(str(self.jvm.pid), encoding="utf-8")
        pid, held = self._fork(lambda: _run(folder, job))
        _leave_with_pool(held)
        os.close(held)
        return self._answer(self._ended(pid), folder)

    def _answer(self, code: int, folder: Path) -> dict[str, Any]:
        if code == CONNECTION_BROKE:  # which is seen a moment before the end of the process itself
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.jvm.wait(timeout=JVM_ENDS_WITHIN_S)
        lives = self.jvm.poll() is None
        is_fit = lives and (folder / CLOSED).exists()
        if code == 0:
            return {"state": "SUCCEEDED", "message": "", "is_fit": is_fit}
        written = folder / "error.txt"
        reason = written.read_text(encoding="utf-8") if written.exists() else f"its log is {folder / 'error.log'}"
        if not lives:
            how = f"ended in the middle of the run with code {self.jvm.returncode}"
            reason = f"the Spark JVM (process {self.jvm.pid}) {how}; last error: {reason}"
        elif code < 0:
            reason = f"the run's Python was ended by {signal.Signals(-code).name} in the middle of the run; {reason}"
        return {"state": "FAILED", "message": reason[:MESSAGE_LENGTH], "is_fit": is_fit}

    def _fork(self, work: Callable[[], None]) -> tuple[int, int]:
        """The pid of a fork that does the work, and a pipe that is closed when it has ended. The pool's own pipes and the JVM's
        are not the fork's."""
        held, closes = os.pipe()
        pid = os.fork()
        if pid:
            os.close(closes)
            return pid, held
        os.close(held)
        self.answers.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if self.jvm.stdin is not None:
            self.jvm.stdin.close()
        code = SCRIPT_FAILED
        try:
            work()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 (a fork must not go on as its parent)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # Python's own end would wait for Spark's

    @staticmethod
    def _ended(pid: int) -> int:
        """A fork's exit code, or the number of the signal that ended it, below zero."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _leave_with_pool(running: int) -> None:
    """Waits until a run is over; ends all where the pool, which sends nothing meanwhile, goes first."""
    ready, _, _ = select.select([running, sys.stdin], [], [])
    if running not in ready:
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _run(folder: Path, job: dict[str, Any]) -> None:
    """In the fork: becomes the Python of a job, which writes into its run's folder alone."""
    (folder / "worker.pid").write_text(str(os.getpid()), encoding="utf-8")
    for name, stream in (("out.log", 1), ("error.log", 2)):
        with (folder / name).open("ab") as log:
            os.dup2(log.fileno(), stream)
    try:
        _run_script(folder, job)
    except SystemExit as end:
        if end.code not in (None, 0):
            _fail(folder, f"SystemExit: {end.code}", SCRIPT_FAILED)
    except BaseException as error:  # noqa: BLE001 (whatever the script raises is the run's reason)
        traceback.print_exc()
        broke = isinstance(error, (ConnectionError, Py4JError)) and not isinstance(error, Py4JJavaError)
        _fail(folder, f"{type(error).__name__}: {error}", CONNECTION_BROKE if broke else SCRIPT_FAILED)


def _fail(folder: Path, reason: str, code: int) -> NoReturn:
    (folder / "error.txt").write_text(reason, encoding="utf-8")
    raise SystemExit(code)


def _run_script(folder: Path, job: dict[str, Any]) -> None:
    arguments: dict[str, str] = job["arguments"]
    SparkContext._ensure_initialized()
    keep_classes(SparkContext._jvm)
    given = {**_credentials(job["credentials"]), **_configured(arguments.get("--conf", ""))}
    with _clean_jvm(given, folder / CLOSED):
        s3 = boto3.client("s3")
        _only_installed_packages()
        extra = arguments.get("--extra-py-files", "").split(",")
        sys.path[:0] = [str(_fetch(s3, uri, folder)) for uri in extra if uri]
        sys.path.append(str(RUNTIME))
        script = _fetch(s3, job["script"], folder)
        words = [word for name, value in arguments.items() if not RESERVED.fullmatch(name) for word in (name, value)]
        sys.argv = [str(script), *words]
        runpy.run_path(str(script), run_name="__main__")


@contextlib.contextmanager
def _clean_jvm(properties: dict[str, str], closed: Path) -> Iterator[None]:
    """The JVM with a run's system properties. Afterwards they are as before, and what the script has opened under its role is
    closed: `closed` is written then, and only then."""
    jvm: Any = SparkContext._jvm
    system = jvm.java.lang.System
    before = {name: system.getProperty(name) for name in properties}
    for name, value in properties.items():
        system.setProperty(name, value)
    try:
        yield
    finally:
        # A JVM that died has nothing to close, and one that fails here is not used again; the script's own error says more.
        with contextlib.suppress(Py4JError, ConnectionError):
            _close_session()
            jvm.org.apache.hadoop.fs.FileSystem.closeAll()
            for name, value in before.items():
                if value is None:
                    system.clearProperty(name)
                else:
                    system.setProperty(name, value)
            closed.touch()


def _close_session() -> None:
    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()
    context = SparkContext._active_spark_context
    if context is not None:
        context.stop()


def _credentials(given: dict[str, str]) -> dict[str, str]:
    """Gives Python the role's credentials as variables, for boto3; the same as system properties, for the Java SDK."""
    os.environ["AWS_ACCESS_KEY_ID"] = given["AccessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = given["SecretAccessKey"]
    os.environ["AWS_SESSION_TOKEN"] = given["SessionToken"]
    return {
        "aws.accessKeyId": given["AccessKeyId"],
        "aws.secretAccessKey": given["SecretAccessKey"],
        "aws.sessionToken": given["SessionToken"],
    }


def _configured(conf: str) -> dict[str, str]:
    """`--conf` holds several settings in one argument: `a=1 --conf b=2`."""
    settings = (setting.strip().partition("=") for setting in re.split(r"\s+--conf\s+", conf.strip()))
    return {name: value for name, _, value in settings if name}


def _only_installed_packages() -> None:
    """Take the project's own sources off the path: a job finds the library that was deployed, or none."""
    sys.path[:] = [entry for entry in sys.path if not _is_ours(entry)]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    for name in [name for name in sys.modules if name == "lake" or name.startswith("lake.")]:
        del sys.modules[name]


def _is_ours(entry: str) -> bool:
    path = Path(entry).resolve()
    return path == PROJECT or path == PROJECT / "src"


def _fetch(s3: Any, uri: str, folder: Path) -> Path:
    """Download an object; the file keeps the object's name."""
    bucket, _, key = uri.strip().removeprefix("s3://").partition("/")
    target = folder / "files" / key.rsplit("/", 1)[-1]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return target


def main(directory: Path) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    keeper = Keeper(directory, answers)
    try:
        nobody_waits = not select.select([sys.stdin], [], [], 0)[0]
        if nobody_waits:
            keeper.warm_up()
        keeper.serve()
    except BaseException:  # noqa: BLE001 (whatever it is, the JVM must not stay)
        traceback.print_exc()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
