"""Closes the run's balance and writes its report."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.contract.packaged import plans
from lake.instants import now
from lake.run.environment import SettleEnvironment
from lake.run.events import SettleRun
from lake.run.settle import ReportShelf, settle_run
from lake.run.state import RunState

logger = Logger()
environment = SettleEnvironment.read()
state = RunState(boto3.client("dynamodb"), environment.state_table)
shelf = ReportShelf(boto3.client("s3"), environment.raw_bucket)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    settled = settle_run(SettleRun.model_validate(event), plans(), state, shelf, now())
    logger.info("settled", extra={"outcome": settled["outcome"], "report": settled["report"]})
    return settled
