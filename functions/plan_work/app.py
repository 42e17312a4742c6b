"""Says what there is to curate, to build and to crawl."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.analytics.inputs import models
from lake.contract.packaged import plans
from lake.run.environment import PlanEnvironment
from lake.run.events import PlanWork
from lake.run.state import RunState
from lake.run.work import catalogued_in, newest_partitions, plan_work

logger = Logger()
environment = PlanEnvironment.read()
state = RunState(boto3.client("dynamodb"), environment.state_table)
catalogued = catalogued_in(boto3.client("glue"), environment.raw_database)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    PlanWork.model_validate(event)
    progress = [state.progress(entity) for entity in plans()]
    work = plan_work(progress, state.built_inputs(), models(), newest_partitions(progress, plans()), catalogued)
    planned = work.as_answer(environment.name)
    logger.info("planned", extra=planned)
    return planned
