"""Takes the pipeline lease, or queues the request behind the execution that holds it."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.contract.packaged import plans, sources
from lake.instants import now
from lake.run.begin import begin
from lake.run.environment import LeaseEnvironment
from lake.run.events import BeginRun
from lake.run.executions import runs_in
from lake.run.lease import PipelineLease
from lake.run.state import RunState

logger = Logger()
environment = LeaseEnvironment.read()
dynamodb = boto3.client("dynamodb")
state = RunState(dynamodb, environment.state_table)
lease = PipelineLease(dynamodb, environment.state_table, runs_in(boto3.client("stepfunctions")))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = BeginRun.model_validate(event)
    begun = begin(request.execution, request.input, list(plans()), sources(), lease, state, now(), environment.name)
    logger.info("begun", extra=begun)
    return begun
