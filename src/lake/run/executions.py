"""Executions of the state machine: whether one still runs, and how one is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_stepfunctions import SFNClient


def runs_in(sfn: SFNClient) -> Callable[[str], bool]:
    """Says of an execution's ARN whether it is running; one that does not exist is not."""

    def still_runs(execution: str) -> bool:
        try:
            return sfn.describe_execution(executionArn=execution)["status"] == "RUNNING"
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return False
            raise

    return still_runs


def start_in(sfn: SFNClient, machine: str) -> Callable[[dict[str, Any]], str]:
    """Starts an execution of this machine with an input; the new execution's ARN."""

    def start(request: dict[str, Any]) -> str:
        return sfn.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"]

    return start
