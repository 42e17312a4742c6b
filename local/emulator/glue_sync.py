"""The state machine's integrations `glue:startJobRun` and `glue:startJobRun.sync`, which the emulator lacks.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
"""

import json
import time
from typing import Any

from ministack.services import glue, stepfunctions

RESOURCE = "arn:aws:states:::glue:startJobRun"
POLL_S = 0.2
GOOD = "SUCCEEDED"
ENDED = (GOOD, "FAILED", "STOPPED", "TIMEOUT", "ERROR")


def start_job_run(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Start a run; with `.sync` wait for its end and answer the JobRun.

    Errors are named as on AWS: `Glue.<error>` where the start is refused, `States.TaskFailed` with the JobRun as JSON
    where the run fails.
    """
    status, _, body = glue._start_job_run(arguments)
    answer: dict[str, Any] = json.loads(body)
    if status >= 400:
        error = str(answer.get("__type", "GlueException")).rsplit("#", 1)[-1]
        raise stepfunctions._ExecutionError(f"Glue.{error}", answer.get("message", ""))
    if not resource.endswith(".sync"):
        return answer
    run = _ended_run(arguments["JobName"], answer["JobRunId"])
    if run["JobRunState"] != GOOD:
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(run))
    return run


def install() -> None:
    stepfunctions._SERVICE_DISPATCH[RESOURCE] = start_job_run


def _ended_run(job: str, run_id: str) -> dict[str, Any]:
    while True:
        _, _, body = glue._get_job_run({"JobName": job, "RunId": run_id})
        run: dict[str, Any] = json.loads(body)["JobRun"]
        if run["JobRunState"] in ENDED and run.get("CompletedOn"):
            return _as_state_output(run)
        time.sleep(POLL_S)


def _as_state_output(run: dict[str, Any]) -> dict[str, Any]:
    """A JobRun as a state's output has it: instants in milliseconds, nothing empty."""
    instants = ("StartedOn", "LastModifiedOn", "CompletedOn")
    return {name: value * 1000 if name in instants else value for name, value in run.items() if value not in (None, "")}
