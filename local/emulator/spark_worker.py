"""The process in which one Glue job run happens: Python, and the Spark JVM that it starts.

`python spark_worker.py DIRECTORY` starts the JVM, warms it up below DIRECTORY unless a job waits already, then waits on
its standard input for one line: the job as JSON (see `spark_pool.Job`). It fetches script and library from S3 under the
credentials that came with the job, runs the script as Glue does and leaves by exit code 0, or 1 with the reason in
`DIRECTORY/error.txt`. When its parent goes, it goes too.
"""

import contextlib
import json
import os
import re
import runpy
import select
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.sql import SparkSession

from local.toolchain import warm_up

PROJECT = Path(__file__).parents[2]
RUNTIME = Path(__file__).with_name("glue_runtime")
# What Glue keeps for itself; the rest reaches the script.
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
RESERVED = re.compile(r"--(conf|extra-.*|datalake-formats|enable-.*|custom-logGroup-prefix|job-language|additional-.*)")
MESSAGE_LENGTH = 4000
JVM_ENDS_WITHIN_S = 2


def main(directory: Path) -> None:
    SparkContext._ensure_initialized()  # the JVM, without a Spark session yet
    (directory / "jvm.pid").write_text(str(SparkContext._gateway.proc.pid), encoding="utf-8")
    nobody_waits = not select.select([sys.stdin], [], [], 0)[0]
    if nobody_waits:
        warm_up.run(directory / "warm")
    line = sys.stdin.readline()
    if not line:
        return
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    job = json.loads(line)
    try:
        _run(job, directory)
    except SystemExit as end:
        if end.code not in (None, 0):
            _fail(directory, f"SystemExit: {end.code}")
    except BaseException as error:  # noqa: BLE001 (whatever the script raises is the run's reason)
        traceback.print_exc()
        _fail(directory, _reason(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Python's own end would wait for Spark's; the run is over, and the pool ends the JVM


def _run(job: dict[str, Any], directory: Path) -> None:
    arguments: dict[str, str] = job["arguments"]
    _assume(job["credentials"])
    _configure(arguments.get("--conf", ""))
    _only_installed_packages()
    s3 = boto3.client("s3")
    sys.path[:0] = [str(_fetch(s3, uri, directory)) for uri in arguments.get("--extra-py-files", "").split(",") if uri]
    sys.path.append(str(RUNTIME))
    script = _fetch(s3, job["script"], directory)
    words = [word for name, value in arguments.items() if not RESERVED.fullmatch(name) for word in (name, value)]
    sys.argv = [str(script), *words]
    with _closed_session():
        runpy.run_path(str(script), run_name="__main__")


@contextlib.contextmanager
def _closed_session() -> Iterator[None]:
    try:
        yield
    finally:
        session = SparkSession.getActiveSession()
        if session is not None:
            with contextlib.suppress(
                Exception
            ):  # a JVM that died has nothing to close; its death is told by the script's own error
                session.stop()


def _assume(credentials: dict[str, str]) -> None:
    """Give Python and the JVM the role's credentials: variables for boto3, system properties for the Java SDK."""
    os.environ["AWS_ACCESS_KEY_ID"] = credentials["AccessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials["SecretAccessKey"]
    os.environ["AWS_SESSION_TOKEN"] = credentials["SessionToken"]
    _set_property("aws.accessKeyId", credentials["AccessKeyId"])
    _set_property("aws.secretAccessKey", credentials["SecretAccessKey"])
    _set_property("aws.sessionToken", credentials["SessionToken"])


def _configure(conf: str) -> None:
    """`--conf` holds several settings in one argument: `a=1 --conf b=2`."""
    for setting in re.split(r"\s+--conf\s+", conf.strip()):
        name, _, value = setting.strip().partition("=")
        if name:
            _set_property(name, value)


def _set_property(name: str, value: str) -> None:
    jvm: Any = SparkContext._jvm
    jvm.java.lang.System.setProperty(name, value)


def _only_installed_packages() -> None:
    """Take the project's own sources off the path: a job finds the library that was deployed, or none."""
    sys.path[:] = [entry for entry in sys.path if not _is_ours(entry)]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    for name in [name for name in sys.modules if name == "lake" or name.startswith("lake.")]:
        del sys.modules[name]


def _is_ours(entry: str) -> bool:
    path = Path(entry).resolve()
    return path == PROJECT or path == PROJECT / "src"


def _fetch(s3: Any, uri: str, directory: Path) -> Path:
    """Download an object; the file keeps the object's name."""
    bucket, _, key = uri.strip().removeprefix("s3://").partition("/")
    target = directory / "files" / key.rsplit("/", 1)[-1]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return target


def _reason(error: BaseException) -> str:
    process = SparkContext._gateway.proc
    # A broken connection is seen a moment before the end of the process itself; an error of Java's own comes over a whole one.
    if isinstance(error, (ConnectionError, Py4JError)) and not isinstance(error, Py4JJavaError):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=JVM_ENDS_WITHIN_S)
    if process.poll() is not None:
        how = f"ended in the middle of the run with code {process.returncode}"
        return f"the Spark JVM (process {process.pid}) {how}; last error: {error}"
    return f"{type(error).__name__}: {error}"


def _fail(directory: Path, reason: str) -> NoReturn:
    (directory / "error.txt").write_text(reason[:MESSAGE_LENGTH], encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)  # the JVM sees its standard input end and leaves as well


if __name__ == "__main__":
    main(Path(sys.argv[1]))
