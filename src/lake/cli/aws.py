"""The AWS side: clients, and the stack by whose outputs everything else is found."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lake.cli.errors import NoStack, OperatorError, code_of

# An operator waits in front of it: an endpoint that is down must be named soon.
CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 3})
MISSING_STACK = "ValidationError"


def client(service: str) -> Any:
    """A client of an AWS service; each command names the type of what it asks for."""
    return boto3.client(service, region_name=region(), config=CONFIG)  # type: ignore[call-overload]


def region() -> str | None:
    """The chosen region. AWS_REGION goes first, as with AWS's other SDKs; boto3 alone does not read it."""
    return os.environ.get("AWS_REGION") or boto3.Session().region_name


def endpoint() -> str | None:
    """The endpoint that stands in for AWS; None on AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed lake: its CloudFormation stack."""

    name: str
    status: str
    changed_at: datetime
    outputs: dict[str, str]
    parameters: dict[str, str]

    def output(self, name: str) -> str:
        """An output's value; OperatorError where the stack has none of this name."""
        if name not in self.outputs:
            raise OperatorError(
                f"The stack {self.name} ({self.status}) has no output {name}.",
                "Deploy this version of the lake: `lake deploy`.",
            )
        return self.outputs[name]

    @property
    def lake(self) -> str:
        """The prefix of every name in the stack."""
        return self.parameters.get("LakeName", "lake")


def find_stack(name: str) -> Stack:
    """The stack of this name; NoStack where there is none."""
    try:
        found = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == MISSING_STACK:
            raise NoStack(_absent(name), "Deploy it with `lake deploy`, or name another with --stack.") from None
        raise
    return Stack(
        name=name,
        status=found["StackStatus"],
        changed_at=found.get("LastUpdatedTime") or found["CreationTime"],
        outputs={item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])},
        parameters={item["ParameterKey"]: item.get("ParameterValue", "") for item in found.get("Parameters", [])},
    )


def _absent(name: str) -> str:
    where = f"at {endpoint()}" if endpoint() else f"in {region()}"
    return f"There is no stack {name} {where}."
