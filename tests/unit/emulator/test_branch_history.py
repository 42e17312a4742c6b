"""What a run's history tells of its branches."""

import json
import time
from typing import Any

import pytest

from tests.support.emulator import Emulator

pytestmark = pytest.mark.stack


def _machine(emulator: Emulator) -> dict[str, Any]:
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables",
        "Output": {"entity": "{% $states.input.entity %}"},
        "End": True,
    }
    each = {
        "Type": "Map",
        "Items": "{% $states.input %}",
        "ItemSelector": {"entity": "{% $states.context.Map.Item.Value %}"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Read", "States": {"Read": read}},
        "End": True,
    }
    branch = {"StartAt": "Each", "States": {"Each": each}}
    both = {"Type": "Parallel", "Branches": [branch, branch], "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Both", "States": {"Both": both}}
    role = emulator.role("branches", ("dynamodb:ListTables",), "states.amazonaws.com")
    created = emulator.client("stepfunctions").create_state_machine(
        name="branches", definition=json.dumps(definition), roleArn=role
    )
    return dict(created)


def test_each_task_of_each_branch_is_entered_and_left_in_the_history(emulator: Emulator) -> None:
    sfn = emulator.client("stepfunctions")
    names = ["crm.account", "erp.sales_order", "erp.business_partner"]
    started = sfn.start_execution(stateMachineArn=_machine(emulator)["stateMachineArn"], input=json.dumps(names))
    give_up = time.monotonic() + 30
    while sfn.describe_execution(executionArn=started["executionArn"])["status"] == "RUNNING":
        assert time.monotonic() < give_up
        time.sleep(0.1)

    events = sfn.get_execution_history(executionArn=started["executionArn"], maxResults=1000)["events"]

    entered = [json.loads(e["stateEnteredEventDetails"]["input"]) for e in events if e["type"] == "TaskStateEntered"]
    left = [json.loads(e["stateExitedEventDetails"]["output"]) for e in events if e["type"] == "TaskStateExited"]
    twice = sorted(names * 2)
    assert sorted(item["entity"] for item in entered) == twice
    assert sorted(item["entity"] for item in left) == twice
    assert sorted(event["id"] for event in events) == list(range(1, len(events) + 1))
