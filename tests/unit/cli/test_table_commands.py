"""Commands for the tables that are there: each starts an execution with a task."""

import json
from typing import Any

import pytest

from lake.run.request import parse
from tests.support.cli_lake import Lake

ORDER, ACCOUNT = "erp.sales_order", "crm.account"


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["verify"], {"task": "verify"}),
        (["verify", ORDER, ACCOUNT], {"task": "verify", "entities": [ACCOUNT, ORDER]}),
        (["rebuild", ORDER], {"task": "rebuild", "entities": [ORDER]}),
        (["maintain"], {"task": "maintain"}),
    ],
)
def test_a_task_is_an_execution_of_the_pipeline(a_lake: Lake, command: list[str], asked: dict[str, Any]) -> None:
    begun = json.loads(a_lake.run(*command, "--no-wait", "--json").stdout)
    described = a_lake.client("stepfunctions").describe_execution(executionArn=begun["execution"])
    assert json.loads(described["input"]) == {**asked, "trigger": "lake"}
    parse(json.loads(described["input"]), [ORDER, ACCOUNT])


def test_a_rebuild_wants_its_entities_named(a_lake: Lake) -> None:
    assert a_lake.run("rebuild").exit_code == 2
