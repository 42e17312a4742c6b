"""The deployed handler with a bucket, a table and a secret behind an AWS endpoint: called until the entity is done."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

from bench.measuring import Task, measure
from lake.extract.handler import handler_for

INVOCATION_S = 900


class Context:
    """Lambda's context, as far as anybody looks at it."""

    function_name = "bench"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:bench"

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        """An invocation's time; no invocation of a benchmark uses it up."""
        return INVOCATION_S * 1000


def until_done(handler: Any, entity: str, url: str, bucket: str) -> None:
    """Invocations until there is nothing left to read."""
    os.environ |= {"LAKE_SOURCE_URL": url, "LAKE_RAW_BUCKET": bucket, "LAKE_STATE_TABLE": bucket}
    while handler({"run_id": f"run-{uuid.uuid4()}", "entity": entity}, Context())["status"] != "DONE":
        pass


def handler_of(task: Task) -> tuple[Any, str]:
    """The handler of the task's source, and the entity to read."""
    plan = json.loads(Path(task.plan).read_text("utf-8"))
    return handler_for(plan["source"]), plan["entity"]


def main() -> None:
    """Reads once to warm up, once to be measured."""
    task = Task.told()
    handler, entity = handler_of(task)
    measure(
        task,
        lambda: until_done(handler, entity, task.url + task.warm_up, "warm-up"),
        lambda: until_done(handler, entity, task.url, "rows"),
    )


if __name__ == "__main__":
    main()
