"""The definition is well formed, what it names exists, and whatever breaks, the lease is released."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonata  # type: ignore[import-untyped]
import jsonschema
import pytest

from lake.analytics.inputs import digest
from lake.contract.build import compile_folder
from lake.run.state import Progress
from lake.run.work import Work, plan_work
from tests.support.stack import (
    ROOT,
    SOURCES_FUNCTION,
    Scope,
    all_states,
    functions,
    machine,
    machines,
    resources,
    scopes,
    strings,
    template,
)

EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
PIPELINE = resources("AWS::Serverless::StateMachine")["Pipeline"]
SCOPES = list(scopes())
MACHINES = sorted(machines())
READS = {"ReadEntity", "ReadRange"}
EVERY_SCOPE = [(name, scope) for name in MACHINES for scope in scopes(machine(name))]


def following(state: dict[str, Any]) -> set[str]:
    """The states that may come after a state."""
    rules = [*state.get("Choices", []), *state.get("Catch", []), state]
    return {item["Next"] for item in rules if "Next" in item} | set(filter(None, [state.get("Default")]))


def reachable(scope: Scope, start: str) -> set[str]:
    """The states that may be entered from one of a scope, itself included."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += following(scope.states[name])
    return seen


@pytest.mark.parametrize("name", MACHINES)
def test_the_definition_fits_the_language(name: str) -> None:
    schema = json.loads((Path(__file__).parent / "asl.schema.json").read_text("utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(machine(name))
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors] == []


@pytest.mark.parametrize(
    "scope", [s for _, s in EVERY_SCOPE], ids=[f"{name}-{scope.name}" for name, scope in EVERY_SCOPE]
)
def test_each_state_that_is_named_exists_and_each_that_exists_is_reached(scope: Scope) -> None:
    named = {name for state in scope.states.values() for name in following(state)} | {scope.start}
    assert named <= set(scope.states), "a state is named that does not exist"
    assert reachable(scope, scope.start) == set(scope.states), "a state is never reached"


@pytest.mark.parametrize("machine_name", MACHINES)
def test_no_two_states_share_a_name(machine_name: str) -> None:
    names = [name for name, _ in all_states(machine_name)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "many"), [("Pipeline", 50), ("Backfill", 20)])
def test_each_expression_can_be_parsed(name: str, many: int) -> None:
    texts = [found[1] for text in strings(machine(name)) if (found := EXPRESSION.match(text))]
    assert len(texts) > many
    for text in texts:
        jsonata.Jsonata.jsonata(SUBSTITUTION.sub("x", text))


@pytest.mark.parametrize("machine_name", MACHINES)
def test_no_expression_uses_a_variable_that_nobody_assigns(machine_name: str) -> None:
    assigned = {
        name
        for _, state in all_states(machine_name)
        for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]
        for name in rule.get("Assign", {})
    }
    used = {
        name
        for text in strings(machine(machine_name))
        if EXPRESSION.match(text)
        for name in re.findall(r"\$([A-Za-z_]\w*)(?!\w*\()", text)
    }
    assert used - {"states"} == assigned


@pytest.mark.parametrize("machine_name", MACHINES)
def test_substitutions_are_those_that_the_template_makes(machine_name: str) -> None:
    used = {name for text in strings(machine(machine_name)) for name in SUBSTITUTION.findall(text)}
    assert used == set(machines()[machine_name]["DefinitionSubstitutions"])


def test_each_function_and_job_that_is_named_exists() -> None:
    named = {
        state["Arguments"]["FunctionName"]
        for _, state in all_states()
        if state.get("Resource", "").endswith("lambda:invoke")
    }
    invoked = {name for name in named if not SOURCES_FUNCTION.fullmatch(name)}
    assert len(named - invoked) == 1
    started = {state["Arguments"]["JobName"] for _, state in all_states() if "startJobRun" in state.get("Resource", "")}
    made = PIPELINE["DefinitionSubstitutions"]
    extractors = {name for name in functions() if name.startswith("Extract")}
    assert {made[name[2:-1]] for name in invoked} == {
        f"${{{name}.Arn}}" for name in functions().keys() - extractors - {"PublishAssetsFunction"}
    }
    assert {made[name[2:-1]] for name in started} == {f"${{{name}}}" for name in resources("AWS::Glue::Job")}


def test_an_extract_function_exists_for_each_source_under_the_name_that_the_machine_calls() -> None:
    sources = {name.split(".")[1] for name in compile_folder(ROOT / "contracts") if name.startswith("source.")}
    prefix = PIPELINE["DefinitionSubstitutions"]["ExtractFunctions"]
    deployed = {properties["FunctionName"] for properties in functions().values()}
    assert {f"{prefix}{source}" for source in sources} == {name for name in deployed if name.startswith(prefix)}


def test_a_crawler_exists_for_each_source_that_work_may_name() -> None:
    sources = {name.split(".")[1] for name in compile_folder(ROOT / "contracts") if name.startswith("source.")}
    named = Work([], build=False, crawl=sorted(sources)).as_answer("${LakeName}")["crawlers"]
    assert {crawler["Name"] for crawler in resources("AWS::Glue::Crawler").values()} == set(named)


def test_each_task_of_ours_ends_in_time() -> None:
    """A function that hangs must not hold the lease until the machine's own end."""
    states = [item for machine_name in MACHINES for item in all_states(machine_name)]
    for name, state in states:
        if state["Type"] == "Task" and "aws-sdk" not in state["Resource"]:
            assert state.get("TimeoutSeconds", 0) > 0, name
    longest = max(properties["Timeout"] for properties in functions().values())
    assert longest < min(state["TimeoutSeconds"] for name, state in states if name in READS)


def test_whatever_breaks_the_lease_is_released() -> None:
    (scope, *_) = SCOPES
    held = reachable(scope, "ExtractSources") - {"EndRun"}
    for name in held:
        state = scope.states[name]
        if state["Type"] in {"Task", "Parallel", "Map"}:
            catches = [catcher for catcher in state["Catch"] if catcher["ErrorEquals"] == ["States.ALL"]]
            assert catches, f"{name} may end the run without EndRun"
            assert "EndRun" in reachable(scope, catches[-1]["Next"]), name
    assert not [name for name in held - reachable(scope, "EndRun") if scope.states[name].get("End")]


def chosen(scope: Scope, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The choice that a Choice state makes of an input."""
    rules = scope.states[name]["Choices"]
    texts = [found[1] for rule in rules if (found := EXPRESSION.match(rule["Condition"]))]
    met = [jsonata.Jsonata.jsonata(text).evaluate({}, frame_of(given)) for text in texts]
    return dict(rules[met.index(True)])


def frame_of(given: dict[str, Any]) -> Any:
    """`$states.input`, as Step Functions binds it."""
    frame = jsonata.Jsonata.jsonata("$states").create_frame()
    frame.bind("states", {"input": given})
    return frame


def test_a_task_goes_straight_to_the_tables() -> None:
    (scope, *_) = SCOPES
    work = Work(["erp.sales_order"], build=False, crawl=[], task="curate").as_answer("lake")
    held = {"status": "HELD", "run_id": "r", "sources": [], "skipped": []}
    task = chosen(scope, "CheckLease", held | {"work": work})
    assert (task["Next"], task["Output"]) == ("ProcessLoads", "{% $states.input.work %}")
    assert chosen(scope, "CheckLease", held | {"work": None})["Next"] == "ExtractSources"
    (job,) = [state for name, state in all_states() if name == "Curate"]
    assert job["Arguments"]["Arguments"]["--task"] == "{% $states.input.task %}"
    run = chosen(scope, "CheckLease", held | {"work": None})
    assert {"sources", "skipped", "extractions", "problems"} == set(run["Assign"]) - {"run_id"}
    assert {"skipped", "extractions", "problems"} == set(task["Assign"]) - {"run_id"}


def test_a_run_in_which_twenty_entities_bring_nothing_starts_no_job() -> None:
    (scope, *_) = SCOPES
    progress = [Progress(f"erp.entity_{number}", last_load=number, through=number) for number in range(1, 21)]
    built = digest({state.entity: state.through for state in progress}, {})
    nothing = plan_work(progress, built, {}, [], lambda _: True)
    assert chosen(scope, "CheckWork", nothing.as_answer("lake"))["Next"] == "SettleRun"
    ahead = plan_work([*progress[1:], Progress("erp.entity_1", last_load=2, through=1)], built, {}, [], lambda _: True)
    assert ahead.as_answer("lake")["curate"] == "erp.entity_1"


def test_one_entitys_failure_leaves_the_others_running() -> None:
    for scope in SCOPES:
        if scope.name in {"ReadSource", "CrawlRaw"}:
            tasks = [state for state in scope.states.values() if state["Type"] == "Task"]
            assert tasks
            assert all(state["Catch"][-1]["ErrorEquals"] == ["States.ALL"] for state in tasks), scope.name


def test_what_is_worth_another_try_is_tried_again_with_backoff_and_jitter() -> None:
    reads = [state for machine_name in MACHINES for name, state in all_states(machine_name) if name in READS]
    assert len(reads) == len(READS)
    for state in reads:
        retried = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
        assert retried == {
            *("SourceUnavailable", "LeaseHeld"),
            *("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"),
            *("Lambda.TooManyRequestsException", "Lambda.Unknown", "Sandbox.Timedout"),
        }
        assert all(retry["JitterStrategy"] == "FULL" and retry["BackoffRate"] > 1 for retry in state["Retry"])


@pytest.mark.parametrize("name", MACHINES)
def test_each_machine_is_logged(name: str) -> None:
    (destination,) = machines()[name]["Logging"]["Destinations"]
    assert destination["CloudWatchLogsLogGroup"]["LogGroupArn"] == f"${{{name}LogGroup.Arn}}"
    group = template()["Resources"][f"{name}LogGroup"]["Properties"]["LogGroupName"]
    assert group.startswith("/aws/vendedlogs/states/")
