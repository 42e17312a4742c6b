"""Copies Glue scripts, library and plans to S3 at deployment, and answers CloudFormation."""

from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.run.assets import Shelves, answer, handle
from lake.run.environment import PublishEnvironment

logger = Logger()
environment = PublishEnvironment.read()
shelves = Shelves(boto3.client("s3"), environment.assets_bucket, environment.raw_bucket)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    try:
        result: dict[str, Any] | Exception = handle(event, Path(__file__).parent / "assets", shelves)
    except Exception as error:
        logger.exception("the assets were not published")
        result = error
    answer(event, result)
