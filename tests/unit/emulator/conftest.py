"""An emulator of its own for these tests, with a job's role, buckets and databases in it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.emulator.settings import REGION, client_environment

PROJECT = Path(__file__).parents[3]
ICEBERG_CONF = " --conf ".join(
    (
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.glue_catalog.warehouse=s3://curated/",
        f"spark.sql.catalog.glue_catalog.client.region={REGION}",
    )
)
JOB_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "glue:*", "logs:*")


@dataclass(frozen=True)
class Emulator:
    """A running emulator and clients of it."""

    endpoint: str
    data: Path

    def client(self, service: str) -> Any:
        environment = client_environment(self.endpoint)
        session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def role(
        self,
        name: str,
        actions: tuple[str, ...],
        service: str = "glue.amazonaws.com",
        resource: str | list[str] = "*",
    ) -> str:
        """A role with the given actions; its ARN."""
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        iam = self.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
        return arn

    def job(self, name: str, script: str, role: str, **properties: Any) -> None:
        """A Glue 6.0 job of the given Python text."""
        self.client("s3").put_object(Bucket="assets", Key=f"glue/{name}.py", Body=script.encode())
        arguments = {"--conf": ICEBERG_CONF, **properties.pop("DefaultArguments", {})}
        self.client("glue").create_job(
            Name=name,
            Role=role,
            GlueVersion="6.0",
            Command={"Name": "glueetl", "ScriptLocation": f"s3://assets/glue/{name}.py", "PythonVersion": "3"},
            DefaultArguments=arguments,
            **properties,
        )

    def start(self, job: str, **arguments: str) -> str:
        named = {f"--{name}": value for name, value in arguments.items()}
        run: str = self.client("glue").start_job_run(JobName=job, Arguments=named)["JobRunId"]
        return run

    def ended(self, job: str, run: str, within_s: float = 60) -> dict[str, Any]:
        """The run once it has ended."""
        glue = self.client("glue")
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            found: dict[str, Any] = glue.get_job_run(JobName=job, RunId=run)["JobRun"]
            if found.get("CompletedOn"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{job} {run} did not end in {within_s} s")

    def calls(self) -> list[dict[str, str]]:
        text = (self.data / "calls.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    data = tmp_path_factory.mktemp("emulator")
    port = _free_port()
    with (data / "emulator.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "local.emulator", f"--port={port}", f"--data={data}"],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        started = Emulator(f"http://127.0.0.1:{port}", data)
        _wait_for(f"{started.endpoint}/_ministack/health", child, data / "emulator.log")
        _prepare(started)
        yield started
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture(scope="session")
def job_role(emulator: Emulator) -> str:
    return emulator.role("job", JOB_ACTIONS)


def _prepare(emulator: Emulator) -> None:
    for bucket in ("raw", "curated", "assets"):
        location = {"LocationConstraint": REGION}
        emulator.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    for database in ("lake_raw", "lake_curated"):
        emulator.client("glue").create_database(DatabaseInput={"Name": database})


def _wait_for(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (an address of this machine)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the emulator did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def alive() -> Any:
    """Whether a process runs (a zombie does not)."""

    def runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        stat = Path(f"/proc/{pid}/stat")
        return not (stat.exists() and stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z")

    return runs
