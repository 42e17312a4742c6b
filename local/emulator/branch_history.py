"""The events of task states inside Parallel and Map, which an execution's history holds on AWS and here otherwise lacks."""

import json
import threading
from typing import Any

from ministack.services import stepfunctions

States = dict[str, dict[str, Any]]

# The states of the branch that a thread is going through; none where it is not in a branch.
_branch = threading.local()
_one_event = threading.Lock()


def install() -> None:
    add, run, execute = stepfunctions._add_event, stepfunctions._run_sub_machine, stepfunctions._execute_task

    def add_event(execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        with _one_event:  # an event's number is how many there are: branches must not count at once
            event: dict[str, Any] = add(execution, event_type, details)
        return event

    def run_branch(states: States, start_at: str, data: object, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        outer, _branch.states = getattr(_branch, "states", None), states
        try:
            return run(states, start_at, data, execution, ctx)
        finally:
            _branch.states = outer

    def execute_task(state: dict[str, Any], data: object, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        # Branches share one context, so that the name in it may be another branch's.
        name = next((name for name, known in (getattr(_branch, "states", None) or {}).items() if known is state), None)
        if name is None:
            return execute(state, data, execution, ctx)
        entered = {"name": name, "input": json.dumps(data)}
        add_event(execution, "TaskStateEntered", {"stateEnteredEventDetails": entered})
        output, following = execute(state, data, execution, ctx)
        left = {"name": name, "output": json.dumps(output)}
        add_event(execution, "TaskStateExited", {"stateExitedEventDetails": left})
        return output, following

    stepfunctions._add_event = add_event
    stepfunctions._run_sub_machine = run_branch
    stepfunctions._execute_task = execute_task
