"""Each function runs in Lambda's own container, started by `sam local invoke` with its sample event, against the local stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local import invoke
from tests.e2e.deployed import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.deployed import DeployedLake

LACKING = invoke.missing()
pytestmark = [
    pytest.mark.stack,
    pytest.mark.docker,
    pytest.mark.usefixtures("changed"),
    pytest.mark.skipif(LACKING is not None, reason=f"sam local invoke needs Docker and Lambda's image: {LACKING}"),
]

EVENTS = ROOT / "events" / "functions"
# In the order of a run: the lease that begin_run takes is the sample's own, and end_run gives it back.
EXPECTED: dict[str, Callable[[Any], bool]] = {
    "begin_run": lambda answer: bool(answer["status"] == "HELD" and answer["sources"][0]["source"] == "crm"),
    "extract_crm": lambda answer: bool(answer["status"] == "DONE" and answer["entity"] == "crm.account"),
    "extract_erp": lambda answer: bool(answer["status"] == "DONE" and answer["entity"] == "erp.sales_order"),
    "plan_work": lambda answer: set(answer) == {"curate", "build", "crawlers"},
    "settle_run": lambda answer: bool(answer["outcome"] == "DEGRADED" and "SourceAuthError" in answer["message"]),
    "notify": lambda answer: bool(answer["message_id"]),
    "end_run": lambda answer: bool(answer["started"] == []),
    "publish_assets": lambda answer: answer is None,
}


def test_there_is_a_sample_for_each_function() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(EXPECTED)
    assert {path.name for path in (ROOT / "functions").iterdir() if (path / "app.py").exists()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_runs_in_lambdas_container_with_its_sample(lake: DeployedLake, name: str) -> None:
    project = invoke.Project(lake.project, "lake", lake.stack.env())
    function = "".join(word.capitalize() for word in name.split("_")) + "Function"
    done = invoke.invoke(project, function, EVENTS / f"{name}.json", "--skip-pull-image")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout or "null")
    assert EXPECTED[name](answer), answer
