"""What AWS does in our name and no local engine checks: derived from definition and targets, compared with the grants."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.grants import Grant, granted, granted_actions, unexplained, unused_actions, used_actions
from tests.support.stack import SOURCES_FUNCTION, all_states, machines, resources, template

PIPELINE = resources("AWS::Serverless::StateMachine")["Pipeline"]
LAMBDA = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
GLUE = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}"
LOG_DELIVERY = (
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
CATALOG_OF_A_CRAWLER = (
    *("GetDatabase", "GetTable", "GetTables", "CreateTable", "UpdateTable"),
    *("GetPartition", "GetPartitions", "BatchGetPartition"),
    *("BatchCreatePartition", "UpdatePartition", "BatchUpdatePartition"),
)


def needed_by_task(state: dict[str, Any], made: dict[str, str]) -> set[Grant]:
    """What a state machine's role needs for one task; `made` are the machine's substitutions."""
    service = state["Resource"].removeprefix("arn:aws:states:::")
    if service == "lambda:invoke":
        named = state["Arguments"]["FunctionName"]
        if SOURCES_FUNCTION.fullmatch(named):
            return {("lambda:InvokeFunction", f"{LAMBDA}:function:{made['ExtractFunctions']}*")}
        function = made[named[2:-1]]
        return {("lambda:InvokeFunction", function), ("lambda:InvokeFunction", f"{function}:*")}
    if service == "glue:startJobRun.sync":
        job = f"{GLUE}:job/{made[state['Arguments']['JobName'][2:-1]]}"
        return {(f"glue:{action}", job) for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")}
    assert service.startswith("aws-sdk:glue:"), f"say here what {service} needs"
    action = service.removeprefix("aws-sdk:glue:")
    crawlers = resources("AWS::Glue::Crawler")
    return {(f"glue:{action[0].upper()}{action[1:]}", f"{GLUE}:crawler/${{{crawler}}}") for crawler in crawlers}


@pytest.mark.parametrize("name", sorted(machines()))
def test_a_state_machine_may_do_what_its_definition_asks_for_and_no_more(name: str) -> None:
    made = machines()[name]["DefinitionSubstitutions"]
    tasks = [state for _, state in all_states(name) if state["Type"] == "Task"]
    needed = {pair for state in tasks for pair in needed_by_task(state, made)}
    needed |= {(f"logs:{action}", "*") for action in LOG_DELIVERY}
    assert granted()[role_of(machines()[name]["Role"])] == needed


def test_the_schedules_may_start_the_pipeline_and_write_to_their_dead_letters_and_no_more() -> None:
    needed: set[Grant] = set()
    for event in PIPELINE["Events"].values():
        schedule = event["Properties"]
        assert event["Type"] == "ScheduleV2"
        assert role_of(schedule["RoleArn"]) == "ScheduleRole"
        machine = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{PIPELINE['Name']}"
        needed |= {("states:StartExecution", machine), ("sqs:SendMessage", schedule["DeadLetterConfig"]["Arn"])}
    assert granted()["ScheduleRole"] == needed


def test_only_this_lakes_schedules_may_use_the_schedules_role() -> None:
    trust = resources("AWS::IAM::Role")["ScheduleRole"]["AssumeRolePolicyDocument"]["Statement"][0]
    group = resources("AWS::Scheduler::ScheduleGroup")["ScheduleGroup"]["Name"]
    named = trust["Condition"]["StringEquals"]
    assert named["aws:SourceAccount"] == "${AWS::AccountId}"
    assert named["aws:SourceArn"].endswith(f":schedule-group/{group}")
    assert {event["Properties"]["GroupName"] for event in PIPELINE["Events"].values()} == {"${ScheduleGroup}"}


def test_the_crawlers_may_read_their_targets_and_write_their_database_and_no_more() -> None:
    needed: set[Grant] = set()
    for crawler in resources("AWS::Glue::Crawler").values():
        assert role_of(crawler["Role"]) == "CrawlerRole"
        (target,) = crawler["Targets"]["S3Targets"]
        bucket, _, prefix = re.sub(r"^s3://\$\{(\w+)\}/", r"\1/", target["Path"]).partition("/")
        top = prefix.split("/")[0]
        needed |= {(f"s3:{action}", f"${{{bucket}.Arn}}") for action in ("ListBucket", "GetBucketLocation")}
        needed |= {("s3:GetObject", f"${{{bucket}.Arn}}/{top}/*")}
        database = crawler["DatabaseName"]
        places = [f"{GLUE}:catalog", f"{GLUE}:database/{database}", f"{GLUE}:table/{database}/*"]
        needed |= {(f"glue:{action}", place) for action in CATALOG_OF_A_CRAWLER for place in places}
    logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws-glue/crawlers*"
    needed |= {(f"logs:{action}", logs) for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents")}
    assert granted()["CrawlerRole"] == needed


def test_no_role_is_granted_whole_services_or_everything_without_need() -> None:
    """What AWS knows no resource for, and what a condition bounds, may stand on `*`."""
    unbounded = {f"logs:{action}" for action in LOG_DELIVERY} | {"cloudwatch:PutMetricData"}
    for role, pairs in granted().items():
        assert not [action for action, _ in pairs if action.endswith(":*") or action == "*"], role
        assert {action for action, resource in pairs if resource == "*"} <= unbounded, role


def test_no_two_resources_share_a_role_but_the_crawlers() -> None:
    kinds = ("AWS::Serverless::Function", "AWS::Glue::Job", "AWS::Serverless::StateMachine")
    roles = [properties["Role"] for kind in kinds for properties in resources(kind).values()]
    assert len(roles) == len(set(roles))
    assert {role_of(role) for role in roles} | {"CrawlerRole", "ScheduleRole"} == set(granted_actions())


def test_a_recorded_call_counts_for_the_role_that_made_it_where_it_was_allowed() -> None:
    calls = [
        '{"principal": "assumed-role/lake-BeginRunRole-0A1B/lake-begin-run", "action": "dynamodb:GetItem", "verdict": "allowed"}',
        '{"principal": "assumed-role/lake-EndRunRole-0A1B/lake-end-run", "action": "dynamodb:GetItem", "verdict": "denied"}',
        '{"principal": "root", "action": "s3:PutObject", "verdict": "allowed"}',
    ]
    assert used_actions(calls) == {"BeginRunRole": {"dynamodb:GetItem"}}
    assert "dynamodb:GetItem" not in unused_actions(calls)["BeginRunRole"]
    assert "dynamodb:GetItem" in unused_actions(calls)["EndRunRole"]


def test_a_grant_that_is_listed_as_needed_on_aws_alone_is_explained_and_another_is_not() -> None:
    left = unexplained([])
    assert "logs:PutLogEvents" not in left["EndRunRole"]
    assert "states:StartExecution" in left["EndRunRole"]
    assert "PipelineRole" not in left


def role_of(reference: str) -> str:
    """The logical id in `${PipelineRole.Arn}`."""
    name = reference[2:-1].removesuffix(".Arn")
    assert name in template()["Resources"], reference
    return name
