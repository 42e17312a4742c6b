"""A Python function's exception keeps its class: Step Functions retries and catches by it, as on AWS.

MiniStack's warm workers answer an exception as text, and what fails is called `Runtime.HandlerError` whatever it was. The
worker's script says the class at the end of the trace, and the answer's error takes it from there.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

SAID = '"error": str(e), "trace": traceback.format_exc()}'
SAYS_CLASS = '"error": str(e), "trace": traceback.format_exc() + "\\nerror class: " + type(e).__name__}'
CLASS = re.compile(r"^error class: (\w+)$", re.MULTILINE)

type Execute = Callable[[dict[str, Any], Any, str], dict[str, Any]]


def with_class(execute: Execute) -> Execute:
    """The emulator's execution of a function, whose errors name the exception's class."""

    def executed(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        answer = execute(func, event, request_id)
        classes = CLASS.findall(answer.get("log") or "")
        if answer.get("error") and classes and answer["body"].get("errorType") == "Runtime.HandlerError":
            answer["body"] = {**answer["body"], "errorType": classes[-1]}
        return answer

    return executed


def install() -> None:
    """Raises RuntimeError where the worker's script is not the known one."""
    if SAID not in lambda_runtime._PYTHON_WORKER_SCRIPT:
        raise RuntimeError(
            "the emulator's Python worker no longer reports errors as it did: see local/emulator/function_errors.py"
        )
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(SAID, SAYS_CLASS)
    lambda_svc._execute_function_warm = with_class(lambda_svc._execute_function_warm)
