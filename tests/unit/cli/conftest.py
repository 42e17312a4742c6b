"""An AWS endpoint with nothing in it for the command's tests, and an environment that is nobody else's."""

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
from typer.testing import CliRunner, Result

from lake.cli.main import app

REGION = "eu-central-1"
PROJECT = Path(__file__).parents[3]
STARTS_WITHIN_S = 60


def lake(*arguments: str) -> Result:
    """Runs the command."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no region, no profile, a folder without a project."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def credentials(own_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator as its makers ship it: no Spark, no judgement of roles."""
    port = free_port()
    folder = tmp_path_factory.mktemp("endpoint")
    variables = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [str(Path(sys.executable).parent / "ministack")],
            cwd=folder,
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_ministack/health", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(timeout=20)


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < give_up and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (an address of this machine)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the emulator did not start")


@pytest.fixture
def aws(endpoint: str, credentials: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment speaks to the endpoint."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return endpoint


@dataclass(frozen=True)
class Lake:
    """A stack with what the command looks for, and nothing that runs."""

    name: str

    def run(self, *arguments: str) -> Result:
        return lake(*arguments, "--stack", self.name)

    def client(self, service: str) -> Any:
        return boto3.client(service)  # type: ignore[call-overload]

    def write_state(self, pk: str, sk: str, **attributes: Any) -> None:
        item = {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}
        self.client("dynamodb").put_item(TableName=f"{self.name}-state", Item=item)

    def write_raw(self, key: str, document: object) -> None:
        body = document if isinstance(document, str) else json.dumps(document)
        self.client("s3").put_object(Bucket=f"{self.name}-raw", Key=key, Body=body.encode())

    def start(self, run_id: str) -> str:
        """The ARN of an execution that has ended."""
        machine = self.client("stepfunctions")
        arn: str = machine.start_execution(
            stateMachineArn=f"arn:aws:states:{REGION}:000000000000:stateMachine:{self.name}-pipeline",
            name=run_id,
            input="{}",
        )["executionArn"]
        deadline = time.monotonic() + 30
        while machine.describe_execution(executionArn=arn)["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{arn} does not end"
            time.sleep(0.05)
        return arn


@pytest.fixture
def a_lake(aws: str, request: pytest.FixtureRequest) -> Lake:
    """A deployed lake of its own for each test."""
    name = f"lake{abs(hash(request.node.name)) % 10**8}"
    template = {
        "Parameters": {
            "LakeName": {"Type": "String", "Default": name},
            **{f"{source}SecretArn": {"Type": "String", "Default": f"{name}/{source}"} for source in ("Crm", "Erp")},
            "CrmUrl": {"Type": "String", "Default": aws},
            "ErpUrl": {"Type": "String", "Default": f"http://127.0.0.1:{free_port()}"},
        },
        "Resources": _resources(name),
        "Outputs": {key: {"Value": value} for key, value in _outputs(name).items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    boto3.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return Lake(name)


def _backfill() -> dict[str, Any]:
    """A machine that reads nothing and answers as the real one does."""
    output = {"loads": [7], "landed": 1234}
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "End",
        "States": {"End": {"Type": "Pass", "Output": output, "End": True}},
    }


def _resources(name: str) -> dict[str, Any]:
    ends = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
    role = {"Version": "2012-10-17", "Statement": []}
    databases = {
        f"{layer.title()}Database": {
            "Type": "AWS::Glue::Database",
            "Properties": {"CatalogId": "000000000000", "DatabaseInput": {"Name": f"{name}_{layer}"}},
        }
        for layer in ("raw", "curated", "analytics")
    }
    return {
        "Raw": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{name}-raw"}},
        "Assets": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{name}-assets"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": role}},
        "State": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": f"{name}-state",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": keys,
                "AttributeDefinitions": attributes,
            },
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": f"{name}-pipeline",
                "DefinitionString": json.dumps(ends),
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        },
        "BackfillMachine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": f"{name}-backfill",
                "DefinitionString": json.dumps(_backfill()),
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        },
        "WorkGroup": {
            "Type": "AWS::Athena::WorkGroup",
            "Properties": {
                "Name": name,
                "WorkGroupConfiguration": {
                    "ResultConfiguration": {"OutputLocation": f"s3://{name}-assets/query-results/"}
                },
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{name}-alarms"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-dead"}},
        **databases,
    }


def _outputs(name: str) -> dict[str, Any]:
    return {
        "Pipeline": {"Ref": "Machine"},
        "Backfill": {"Ref": "BackfillMachine"},
        "RawBucketName": f"{name}-raw",
        "CuratedBucketName": f"{name}-curated",
        "AnalyticsBucketName": f"{name}-analytics",
        "AssetsBucketName": f"{name}-assets",
        "StateTableName": f"{name}-state",
        "RawDatabaseName": f"{name}_raw",
        "CuratedDatabaseName": f"{name}_curated",
        "AnalyticsDatabaseName": f"{name}_analytics",
        "WorkGroupName": {"Ref": "WorkGroup"},
        "AlarmTopicArn": {"Ref": "Topic"},
        "DeadLettersUrl": {"Ref": "Queue"},
    }
