"""A lake on a local stack of its own, as the end-to-end tests see it: deployed, run, asked, examined.

It is operated as an operator would: by the command `lake`, by AWS's APIs, by the sources' control API.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from lake.cli.deploying import overrides
from local.emulator.settings import ADMIN_KEY, ADMIN_SECRET, REGION
from local.simulators.client import Simulator
from local.stack import Ports, Stack
from tests.support.endpoints import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
# What `sam build` needs; a copy, so that a test may deploy something else and no build of a person is disturbed.
DEPLOYED = ("contracts", "functions", "glue", "layers", "requirements", "src", "statemachine")
POLL_S = 0.2
RUN_WITHIN_S = 900


class Late(AssertionError):
    """Something that was waited for did not happen."""


@dataclass(frozen=True)
class Run:
    """An execution that has ended. `report`: what it wrote, None where it wrote nothing."""

    arn: str
    status: str
    output: dict[str, Any]
    error: str | None
    cause: str | None
    report: dict[str, Any] | None

    @property
    def run_id(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def outcome(self) -> str:
        """GOOD, DEGRADED, FAILED or QUEUED."""
        return str(self.output.get("outcome") or self.status)

    def entity(self, name: str) -> dict[str, Any]:
        """One entity's part in the report."""
        assert self.report is not None, f"run {self.run_id} wrote no report"
        return next(dict(item) for item in self.report["entities"] if item["entity"] == name)

    def problem(self, where: str) -> dict[str, str]:
        """The problem that the report tells of an entity or a step."""
        assert self.report is not None, f"run {self.run_id} wrote no report"
        return next(dict(item) for item in self.report["problems"] if item["where"] == where)


@dataclass
class DeployedLake:
    """One stack with both sources, and the lake that is deployed to it. `project`: the copy that is deployed from."""

    stack: Stack
    project: Path
    secrets: dict[str, str] = field(default_factory=dict)
    mailbox: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def crm(self) -> Simulator:
        return Simulator(self.stack.crm_url)

    @cached_property
    def erp(self) -> Simulator:
        return Simulator(self.stack.erp_url)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        found = self.aws("cloudformation").describe_stacks(StackName="lake")["Stacks"][0]["Outputs"]
        return {item["OutputKey"]: item["OutputValue"] for item in found}

    def aws(self, service: str) -> Any:
        """A client of the local endpoint, as its administrator; the process's own environment plays no part."""
        if service not in self._clients:
            session = boto3.Session(ADMIN_KEY, ADMIN_SECRET, region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.stack.endpoint)  # type: ignore[call-overload]
        return self._clients[service]

    def put_secret(self, source: str, values: Mapping[str, str]) -> None:
        """What the source's secret says from now on."""
        manager, text = self.aws("secretsmanager"), json.dumps(dict(values))
        if source in self.secrets:
            manager.put_secret_value(SecretId=self.secrets[source], SecretString=text)
        else:
            self.secrets[source] = manager.create_secret(Name=f"lake/{source}", SecretString=text)["ARN"]

    def deploy(self, **parameters: str) -> subprocess.CompletedProcess[str]:
        """`lake deploy` with the parameters that this stack needs, and those that are given."""
        given = [f"--parameter={name}={value}" for name, value in (self._parameters() | parameters).items()]
        return self.lake("deploy", *given)

    def deploy_parameters(self, **parameters: str) -> None:
        """`sam deploy` of what is built, with other parameters."""
        given = overrides(self._parameters() | parameters)
        done = self._call("sam", "deploy", "--stack-name=lake", *given, folder=self.project)
        assert done.returncode == 0, done.stderr

    def _parameters(self) -> dict[str, str]:
        return {
            "CrmUrl": self.stack.crm_url,
            "ErpUrl": self.stack.erp_url,
            "CrmSecretArn": self.secrets["crm"],
            "ErpSecretArn": self.secrets["erp"],
            "ScheduleState": "DISABLED",
            "NotifyGood": "true",
        }

    def lake(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The command `lake`, in the deployed project's folder or another."""
        return self._call("lake", *arguments, folder=folder or self.project)

    def _call(self, program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / program), *arguments]
        environment = {**os.environ, **self.stack.env(), "SAM_CLI_TELEMETRY": "0"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    def start(self, request: Mapping[str, Any] | None = None) -> str:
        """Starts an execution with an input; its ARN."""
        started = self.aws("stepfunctions").start_execution(
            stateMachineArn=self.outputs["Pipeline"], input=json.dumps(request or {})
        )
        return str(started["executionArn"])

    def wait(self, execution: str, within_s: float = RUN_WITHIN_S) -> Run:
        """The execution when it has ended."""
        give_up = time.monotonic() + within_s
        while (found := self.execution(execution))["status"] == "RUNNING":
            if time.monotonic() > give_up:
                raise Late(
                    f"{execution} still runs after {within_s:.0f} s; its last states: {self.states(execution)[-5:]}"
                )
            time.sleep(POLL_S)
        output = json.loads(found["output"]) if found.get("output") else {}
        return Run(execution, found["status"], output, found.get("error"), found.get("cause"), self.report(execution))

    def run(self, request: Mapping[str, Any] | None = None) -> Run:
        """Starts an execution and waits for its end."""
        return self.wait(self.start(request))

    def execution(self, arn: str) -> dict[str, Any]:
        """What DescribeExecution says."""
        return dict(self.aws("stepfunctions").describe_execution(executionArn=arn))

    def executions(self) -> list[str]:
        """All executions' ARNs."""
        listed = self.aws("stepfunctions").list_executions(stateMachineArn=self.outputs["Pipeline"])["executions"]
        return [item["executionArn"] for item in listed]

    def states(self, execution: str) -> list[str]:
        """The states that an execution has entered, in their order, those in branches included."""
        pages = self.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def report(self, execution: str) -> dict[str, Any] | None:
        """What a run wrote; None where it wrote nothing."""
        key = f"runs/{execution.rpartition(':')[2]}.json"
        s3, bucket = self.aws("s3"), self.outputs["RawBucketName"]
        try:
            return dict(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
        except s3.exceptions.NoSuchKey:
            return None

    def query(self, sql: str) -> list[dict[str, str | None]]:
        """`lake query`: rows by column, values as texts."""
        asked = self.lake("query", sql, "--json", "--limit=100000")
        assert asked.returncode == 0, asked.stderr
        return list(json.loads(asked.stdout)["rows"])

    def snapshots(self) -> dict[str, str]:
        """Each Iceberg table of curated and analytics, and the id of its current snapshot."""
        glue, s3 = self.aws("glue"), self.aws("s3")
        found = {}
        for database in (self.outputs["CuratedDatabaseName"], self.outputs["AnalyticsDatabaseName"]):
            for table in glue.get_tables(DatabaseName=database)["TableList"]:
                bucket, _, key = table["Parameters"]["metadata_location"].removeprefix("s3://").partition("/")
                metadata = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
                found[f"{database}.{table['Name']}"] = str(metadata.get("current-snapshot-id"))
        return found

    def table_versions(self) -> dict[str, str]:
        """Each curated table and its version: cheap to ask, for it is the catalog's."""
        tables = self.aws("glue").get_tables(DatabaseName=self.outputs["CuratedDatabaseName"])["TableList"]
        return {table["Name"]: table["Parameters"]["metadata_location"] for table in tables}

    def state(self, pk: str, sk: str) -> dict[str, Any]:
        """The plain values of an item of the state table; empty where there is none."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        item = self.aws("dynamodb").get_item(TableName=self.outputs["StateTableName"], Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    def put_lease(self, execution: str | None, pending: list[dict[str, Any]]) -> None:
        """Says who holds the pipeline and what waits behind it, as if it had come so."""
        waiting = {"L": [{"S": json.dumps(request)} for request in pending]}
        held = {"execution": {"S": execution}} if execution else {}
        token = {"N": self.state("pipeline", "lease").get("token", "0")}
        item = {"pk": {"S": "pipeline"}, "sk": {"S": "lease"}, "pending": waiting, "token": token, **held}
        self.aws("dynamodb").put_item(TableName=self.outputs["StateTableName"], Item=item)

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """A function's answer, or its error; `function` is named as its folder is."""
        name = f"lake-{function.replace('_', '-')}"
        answer = self.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(dict(event)))
        return dict(json.loads(answer["Payload"].read()) or {})

    def failed_job(self, job: str, arguments: Mapping[str, str]) -> str:
        """Why a run of a Glue job, started by itself, failed."""
        glue = self.aws("glue")
        run_id = glue.start_job_run(JobName=job, Arguments=dict(arguments))["JobRunId"]
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(glue.get_job_run(JobName=job, RunId=run_id)["JobRun"])
            return found["JobRunState"] not in ("STARTING", "RUNNING")

        self.until(over, f"the end of {job}", within_s=180)
        assert found["JobRunState"] == "FAILED", found
        return str(found["ErrorMessage"])

    def messages(self) -> list[str]:
        """What subscribers of the topic were sent since the last time, oldest first."""
        sqs, found = self.aws("sqs"), []
        while taken := sqs.receive_message(QueueUrl=self.mailbox, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in taken]
            for message in taken:
                sqs.delete_message(QueueUrl=self.mailbox, ReceiptHandle=message["ReceiptHandle"])
        return [str(each["Message"]) for each in sorted(found, key=lambda each: str(each["Timestamp"]))]

    def subscribe(self) -> None:
        """From now on the topic's messages are kept in a mailbox."""
        sqs, topic = self.aws("sqs"), self.outputs["AlarmTopicArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        condition = {"ArnEquals": {"aws:SourceArn": topic}}
        policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": "*", "Condition": condition}]}
        queue = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        self.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
        self.mailbox = queue

    def until(self, true: Callable[[], bool], what: str, within_s: float = 60) -> None:
        """Returns once something is true."""
        give_up = time.monotonic() + within_s
        while not true():
            if time.monotonic() > give_up:
                raise Late(f"not seen within {within_s:.0f} s: {what}")
            time.sleep(POLL_S)

    def job_runs(self) -> list[str]:
        """The ids of all Glue job runs so far."""
        glue = self.aws("glue")
        jobs = ("lake-curate", "lake-build-analytics")
        return [run["Id"] for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"]]

    def crawls(self) -> list[Any]:
        """When each crawler last started."""
        glue = self.aws("glue")
        return [
            glue.get_crawler(Name=name)["Crawler"].get("LastCrawl", {}).get("StartTime")
            for name in ("lake-raw-crm", "lake-raw-erp")
        ]


def copy_project(target: Path) -> Path:
    """What is deployed, copied; the folder."""
    for name in DEPLOYED:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "plans"))
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, target / name)
    return target


def new_stack(directory: Path) -> Stack:
    """A stack on free ports, with its data below a folder."""
    return Stack(Ports(*free_ports(3)), directory, ROOT / ".lake")
