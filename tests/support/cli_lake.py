"""The command, and a stack with what it looks for and nothing that runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from typer.testing import CliRunner, Result

from lake.cli.main import app

REGION = "eu-central-1"
PROJECT = Path(__file__).parents[2]


def lake(*arguments: str) -> Result:
    """Runs the command."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


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


def _backfill() -> dict[str, Any]:
    """A machine that reads nothing and answers as the real one does."""
    output = {"loads": [7], "landed": 1234}
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "End",
        "States": {"End": {"Type": "Pass", "Output": output, "End": True}},
    }


def resources(name: str) -> dict[str, Any]:
    """The resources of a stack, as CloudFormation takes them."""
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


def outputs(name: str) -> dict[str, Any]:
    """The outputs of a stack, which the command reads."""
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


def put_table(lake: Lake, name: str, types: dict[str, str], rows: list[dict[str, Any]]) -> None:
    """Puts a table of JSON lines into the curated database."""
    lake.client("glue").create_table(
        DatabaseName=f"{lake.name}_curated",
        TableInput={
            "Name": name,
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": kind} for column, kind in types.items()],
                "Location": f"s3://{lake.name}-assets/{name}/",
                "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
            },
            "Parameters": {"classification": "json"},
        },
    )
    body = "\n".join(json.dumps(row) for row in rows)
    lake.client("s3").put_object(Bucket=f"{lake.name}-assets", Key=f"{name}/rows.json", Body=body.encode())
