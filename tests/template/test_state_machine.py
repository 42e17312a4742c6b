"""The definition is well formed, what it names exists, and whatever breaks, the lease is released."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonata  # type: ignore[import-untyped]
import jsonschema
import pytest

from lake.contract.build import compile_folder
from lake.run.work import Work
from tests.template.stack import ROOT, Scope, all_states, functions, machine, resources, scopes, strings, template

EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
PIPELINE = resources("AWS::Serverless::StateMachine")["Pipeline"]
SCOPES = list(scopes())


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


def test_the_definition_fits_the_language() -> None:
    schema = json.loads((Path(__file__).parent / "asl.schema.json").read_text("utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(machine())
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors] == []


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.name)
def test_each_state_that_is_named_exists_and_each_that_exists_is_reached(scope: Scope) -> None:
    named = {name for state in scope.states.values() for name in following(state)} | {scope.start}
    assert named <= set(scope.states), "a state is named that does not exist"
    assert reachable(scope, scope.start) == set(scope.states), "a state is never reached"


def test_no_two_states_share_a_name() -> None:
    names = [name for name, _ in all_states()]
    assert len(names) == len(set(names))


def test_each_expression_can_be_parsed() -> None:
    texts = [found[1] for text in strings(machine()) if (found := EXPRESSION.match(text))]
    assert len(texts) > 50
    for text in texts:
        jsonata.Jsonata.jsonata(SUBSTITUTION.sub("x", text))


def test_no_expression_uses_a_variable_that_nobody_assigns() -> None:
    assigned = {
        name
        for _, state in all_states()
        for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]
        for name in rule.get("Assign", {})
    }
    used = {
        name
        for text in strings(machine())
        if EXPRESSION.match(text)
        for name in re.findall(r"\$([A-Za-z_]\w*)(?!\w*\()", text)
    }
    assert used - {"states"} == assigned


def test_substitutions_are_those_that_the_template_makes() -> None:
    used = {name for text in strings(machine()) for name in SUBSTITUTION.findall(text)}
    assert used == set(PIPELINE["DefinitionSubstitutions"])


def test_each_function_and_job_that_is_named_exists() -> None:
    invoked = {
        state["Arguments"]["FunctionName"]
        for _, state in all_states()
        if state.get("Resource", "").endswith("lambda:invoke")
    }
    started = {state["Arguments"]["JobName"] for _, state in all_states() if "startJobRun" in state.get("Resource", "")}
    made = PIPELINE["DefinitionSubstitutions"]
    assert {made[name[2:-1]] for name in invoked} == {
        f"${{{name}.Arn}}" for name in functions() if name != "PublishAssetsFunction"
    }
    assert {made[name[2:-1]] for name in started} == {f"${{{name}}}" for name in resources("AWS::Glue::Job")}


def test_a_crawler_exists_for_each_source_that_work_may_name() -> None:
    sources = {name.split(".")[1] for name in compile_folder(ROOT / "contracts") if name.startswith("source.")}
    named = Work([], build=False, crawl=sorted(sources)).as_answer("${LakeName}")["crawlers"]
    assert {crawler["Name"] for crawler in resources("AWS::Glue::Crawler").values()} == set(named)


def test_each_task_of_ours_ends_in_time() -> None:
    """A function that hangs must not hold the lease until the machine's own end."""
    for name, state in all_states():
        if state["Type"] == "Task" and "aws-sdk" not in state["Resource"]:
            assert state.get("TimeoutSeconds", 0) > 0, name
    longest = max(properties["Timeout"] for properties in functions().values())
    assert longest < min(
        state["TimeoutSeconds"] for name, state in all_states() if name in {"ReadCrmEntity", "ReadErpEntity"}
    )


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


def test_one_entitys_failure_leaves_the_others_running() -> None:
    for scope in SCOPES:
        if scope.name in {"ExtractCrm", "ExtractErp", "CrawlRaw"}:
            tasks = [state for state in scope.states.values() if state["Type"] == "Task"]
            assert tasks
            assert all(state["Catch"][-1]["ErrorEquals"] == ["States.ALL"] for state in tasks), scope.name


def test_what_is_worth_another_try_is_tried_again_with_backoff_and_jitter() -> None:
    reads = [state for name, state in all_states() if name in {"ReadCrmEntity", "ReadErpEntity"}]
    for state in reads:
        retried = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
        assert retried == {
            *("SourceUnavailable", "LeaseHeld"),
            *("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"),
            *("Lambda.TooManyRequestsException", "Lambda.Unknown", "Sandbox.Timedout"),
        }
        assert all(retry["JitterStrategy"] == "FULL" and retry["BackoffRate"] > 1 for retry in state["Retry"])


def test_the_run_is_logged() -> None:
    (destination,) = PIPELINE["Logging"]["Destinations"]
    assert destination["CloudWatchLogsLogGroup"]["LogGroupArn"] == "${PipelineLogGroup.Arn}"
    assert template()["Resources"]["PipelineLogGroup"]["Properties"]["LogGroupName"].startswith(
        "/aws/vendedlogs/states/"
    )
