"""A run's logs in CloudWatch Logs, written under the job's role as Glue does."""

import logging
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.emulator import service_role
from local.emulator.settings import EmulatorSettings

logger = logging.getLogger("local.glue")
# One request of PutLogEvents takes 10,000 events and 1 MiB: the end of a log is what one looks for.
LINES = 1000
LINE_LENGTH = 900


def keep_logs(settings: EmulatorSettings, role: dict[str, str], run: dict[str, Any], directory: Path) -> None:
    """Put the end of both logs to `<prefix>/output` and `<prefix>/error`, one stream a run.

    A role that may not write logs loses them, on AWS as here; the emulator's own log tells.
    """
    logs = service_role.client(settings, "logs", role)
    try:
        for file, group in (("out.log", "output"), ("error.log", "error")):
            _put(logs, f"{run['LogGroupName']}/{group}", run["Id"], directory / file)
    except ClientError as error:
        logger.warning("the logs of the Glue run %s were not kept: %s", run["Id"], error)


def _put(logs: Any, group: str, stream: str, file: Path) -> None:
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except logs.exceptions.ResourceNotFoundException:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    text = file.read_text(encoding="utf-8", errors="replace")
    lines = [line[:LINE_LENGTH] for line in text.splitlines() if line.strip()]
    events = [{"timestamp": now, "message": line} for line in lines[-LINES:]]
    if events:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
