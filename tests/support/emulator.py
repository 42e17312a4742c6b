"""A running emulator, and what a job needs in it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local.emulator.settings import REGION, client_environment

PROJECT = Path(__file__).parents[2]
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


def prepare(emulator: Emulator) -> None:
    """Makes the buckets and databases of a lake."""
    for bucket in ("raw", "curated", "assets"):
        location = {"LocationConstraint": REGION}
        emulator.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    for database in ("lake_raw", "lake_curated"):
        emulator.client("glue").create_database(DatabaseInput={"Name": database})
