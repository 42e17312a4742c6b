"""The reports of runs, as the runs wrote them (docs/formats.md, `runs/<run_id>.json`)."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.cli.aws import Stack, client
from lake.cli.errors import code_of


@dataclass(frozen=True, slots=True)
class Report:
    """A run's report, and its S3 address."""

    address: str
    document: dict[str, Any]


def read_report(stack: Stack, run_id: str) -> Report | None:
    """The report of a run; None where it wrote none (yet)."""
    bucket, key = stack.output("RawBucketName"), f"runs/{run_id}.json"
    try:
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise
    return Report(f"s3://{bucket}/{key}", json.loads(body))
