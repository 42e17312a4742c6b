"""Publishes a run's outcome to the topic."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.run.environment import NotifyEnvironment
from lake.run.events import Notify
from lake.run.notice import publish

logger = Logger()
environment = NotifyEnvironment.read()
sns = boto3.client("sns")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return publish(Notify.model_validate(event), sns, environment.topic)
