"""Releases the pipeline lease and starts what waited behind it."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.run.end import end
from lake.run.environment import LeaseEnvironment
from lake.run.events import EndRun
from lake.run.executions import runs_in, start_in
from lake.run.lease import PipelineLease

logger = Logger()
environment = LeaseEnvironment.read()
stepfunctions = boto3.client("stepfunctions")
lease = PipelineLease(boto3.client("dynamodb"), environment.state_table, runs_in(stepfunctions))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ended = end(EndRun.model_validate(event).execution, lease, start_in(stepfunctions, environment.pipeline))
    logger.info("ended", extra=ended)
    return ended
