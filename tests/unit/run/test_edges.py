"""The run's functions meet AWS and their environment."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lake.run.environment import LeaseEnvironment
from lake.run.events import Notify
from lake.run.executions import runs_in, start_in
from lake.run.notice import publish
from lake.settings import BadEnvironment
from tests.unit.run.world import MACHINE, execution

ME = execution("me")
NOW = "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(("status", "runs"), [("RUNNING", True), ("ABORTED", False), ("TIMED_OUT", False)])
def test_an_execution_runs_or_it_does_not(status: str, runs: bool) -> None:
    sfn = boto3.client("stepfunctions")
    with Stubber(sfn) as stub:
        told = {"executionArn": ME, "stateMachineArn": MACHINE, "status": status, "startDate": NOW}
        stub.add_response("describe_execution", told, {"executionArn": ME})
        assert runs_in(sfn)(ME) is runs


def test_an_execution_that_does_not_exist_does_not_run_and_a_refusal_is_no_answer() -> None:
    sfn = boto3.client("stepfunctions")
    with Stubber(sfn) as stub:
        stub.add_client_error("describe_execution", "ExecutionDoesNotExist")
        assert not runs_in(sfn)(ME)
        stub.add_client_error("describe_execution", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            runs_in(sfn)(ME)


def test_what_waited_is_started_with_its_own_input() -> None:
    sfn = boto3.client("stepfunctions")
    request = {"sources": ["crm"], "trigger": "schedule"}
    with Stubber(sfn) as stub:
        stub.add_response(
            "start_execution",
            {"executionArn": ME, "startDate": NOW},
            {"stateMachineArn": MACHINE, "input": json.dumps(request)},
        )
        assert start_in(sfn, MACHINE)(request) == ME


def test_people_are_told_in_a_form_that_the_topic_takes() -> None:
    sns = boto3.client("sns")
    told = Notify(run_id="run-1", outcome="FAILED", subject="lake: FAILED,\nGröße", message="What went wrong ...")
    with Stubber(sns) as stub:
        stub.add_response(
            "publish",
            {"MessageId": "m-1"},
            {
                "TopicArn": "arn:aws:sns:eu-central-1:123456789012:lake-alarms",
                "Subject": "lake: FAILED, Gr??e",
                "Message": "What went wrong ...",
                "MessageAttributes": {"outcome": {"DataType": "String", "StringValue": "FAILED"}},
            },
        )
        assert publish(told, sns, "arn:aws:sns:eu-central-1:123456789012:lake-alarms") == {"message_id": "m-1"}


def test_the_environment_is_read_by_its_documented_names_and_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE_NAME", "lake")
    monkeypatch.setenv("LAKE_STATE_TABLE", "lake-state")
    monkeypatch.delenv("LAKE_PIPELINE", raising=False)
    with pytest.raises(BadEnvironment, match="LAKE_PIPELINE"):
        LeaseEnvironment.read()
    monkeypatch.setenv("LAKE_PIPELINE", MACHINE)
    environment = LeaseEnvironment.read()
    assert (environment.state_table, environment.pipeline) == ("lake-state", MACHINE)
