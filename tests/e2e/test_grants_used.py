"""Each role may do what its code does, and no more: the calls that the scenario made, compared with the template.

The local endpoint enforces IAM on functions and jobs. What it does not judge (state machine, schedules, crawlers) is derived from
their definitions in tests/template.
"""

from __future__ import annotations

import json
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deployed import ROOT
from tests.e2e.killing import end_function
from tests.support.grants import ROLE_IN_CALL, granted_actions, unused_actions, used_actions
from tests.support.stack import functions, resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.deployed import DeployedLake

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("changed")]

AWS_ONLY = tomllib.loads((ROOT / "tests" / "template" / "aws_only.toml").read_text("utf-8"))["grant"]
EXCUSED = {(role, action) for grant in AWS_ONLY for role in grant["roles"] for action in grant["actions"]}
# Roles that run our code; the others' needs are derived from their definitions.
OURS = {
    properties["Role"][2:-1].removesuffix(".Arn")
    for properties in [*functions().values(), *resources("AWS::Glue::Job").values()]
}
ELSEWHERE = "arn:aws:states:eu-central-1:000000000000:execution:lake-pipeline:elsewhere"


@pytest.fixture(scope="module")
def calls(lake: DeployedLake) -> list[str]:
    """The calls of the scenario so far, and of a release's retirement, which a first deployment has no reason for."""
    release = lake.aws("glue").get_job(JobName="lake-curate")["Job"]["Command"]["ScriptLocation"].split("/")[-2]
    lake.invoke("publish_assets", {"RequestType": "Delete", "PhysicalResourceId": f"glue-{release}"})
    return lake.stack.calls.read_text("utf-8").splitlines()


def test_no_call_of_the_scenario_lacked_a_grant(calls: list[str]) -> None:
    lines = [json.loads(line) for line in calls]
    ours = [line for line in lines if ROLE_IN_CALL.match(line["principal"])]
    assert len(ours) > 500
    assert [line for line in ours if line["verdict"] == "denied"] == []


def test_every_role_of_a_function_or_a_job_was_seen_at_work(calls: list[str]) -> None:
    assert set(used_actions(calls)) >= OURS


def test_a_grant_that_the_scenario_did_not_use_has_its_reason_and_source(calls: list[str]) -> None:
    unused = {(role, action) for role, actions in unused_actions(calls).items() if role in OURS for action in actions}
    assert unused - EXCUSED == set()


def test_the_list_of_reasons_names_no_grant_that_is_used_or_gone(calls: list[str]) -> None:
    used, granted = used_actions(calls), granted_actions()
    assert {(role, action) for role, action in EXCUSED if action in used.get(role, set())} == set()
    assert {(role, action) for role, action in EXCUSED if action not in granted.get(role, set())} == set()
    assert all(grant["reason"] and grant["source"].startswith("https://") for grant in AWS_ONLY)


@dataclass(frozen=True)
class Denial:
    """A permission that is taken from a role, and what then fails: a function (by its folder) or a job."""

    role: str
    action: str
    does: str
    given: dict[str, Any]
    prepare: Callable[[DeployedLake], None] = lambda _: None

    def __str__(self) -> str:
        return f"{self.does}-{self.action}"


def hold_elsewhere(lake: DeployedLake) -> None:
    """Another execution holds the pipeline, and a request waits behind it."""
    lake.put_lease(ELSEWHERE, [{"entities": ["crm.account"]}])


def let_time_pass(lake: DeployedLake) -> None:
    """There is a window with a row in it to read, and no warm function that knows a secret."""
    for source, entity in ((lake.crm, "crm.account"), (lake.erp, "erp.business_partner")):
        source.touch(entity, rows=1)
        source.advance(hours=0.1)
        end_function(lake.stack, f"lake-extract-{entity.partition('.')[0]}")


BEGIN = {"execution": f"{ELSEWHERE}-2", "input": {"entities": ["crm.account"]}}
END = {"run_id": "elsewhere", "execution": ELSEWHERE}
SETTLE = {"run_id": "elsewhere", "execution": ELSEWHERE, "extractions": [], "skipped": [], "problems": []}
TELL = {"run_id": "elsewhere", "outcome": "GOOD", "subject": "a test", "message": "Nothing happened."}
CRM, ERP = ({"run_id": "elsewhere", "entity": name} for name in ("crm.account", "erp.business_partner"))
CURATE = {"--run_id": "elsewhere", "--entities": "crm.account"}
BUILD = {"--run_id": "elsewhere"}
DENIALS = [
    Denial("BeginRunRole", "dynamodb:UpdateItem", "begin_run", BEGIN),
    Denial("BeginRunRole", "states:DescribeExecution", "begin_run", BEGIN, hold_elsewhere),
    Denial("PlanWorkRole", "dynamodb:GetItem", "plan_work", {"run_id": "elsewhere"}),
    Denial("PlanWorkRole", "glue:GetPartition", "plan_work", {"run_id": "elsewhere"}),
    Denial("SettleRunRole", "dynamodb:Query", "settle_run", SETTLE),
    Denial("SettleRunRole", "s3:PutObject", "settle_run", SETTLE),
    Denial("NotifyRole", "sns:Publish", "notify", TELL),
    Denial("EndRunRole", "dynamodb:UpdateItem", "end_run", END),
    Denial("EndRunRole", "states:StartExecution", "end_run", END, hold_elsewhere),
    Denial("PublishAssetsRole", "s3:PutObject", "publish_assets", {"RequestType": "Create"}),
    Denial("ExtractCrmRole", "secretsmanager:GetSecretValue", "extract_crm", CRM, let_time_pass),
    Denial("ExtractCrmRole", "dynamodb:UpdateItem", "extract_crm", CRM, let_time_pass),
    Denial("ExtractCrmRole", "s3:GetObject", "extract_crm", CRM, let_time_pass),
    Denial("ExtractErpRole", "secretsmanager:GetSecretValue", "extract_erp", ERP, let_time_pass),
    Denial("ExtractErpRole", "dynamodb:UpdateItem", "extract_erp", ERP, let_time_pass),
    Denial("ExtractErpRole", "s3:GetObject", "extract_erp", ERP, let_time_pass),
    Denial("CurateRole", "s3:GetObject", "lake-curate", CURATE),
    Denial("CurateRole", "glue:GetTable", "lake-curate", CURATE),
    Denial("CurateRole", "dynamodb:PutItem", "lake-curate", CURATE),
    Denial("BuildAnalyticsRole", "s3:GetObject", "lake-build-analytics", BUILD),
    Denial("BuildAnalyticsRole", "glue:GetTable", "lake-build-analytics", BUILD),
    Denial("BuildAnalyticsRole", "dynamodb:PutItem", "lake-build-analytics", BUILD),
]
# Glue writes a job's log under the job's role: where it may not, the log is missing and the job goes on.
LOGGING = {"lake-curate": ("CurateRole", CURATE), "lake-build-analytics": ("BuildAnalyticsRole", BUILD)}


def test_each_service_that_a_role_uses_is_denied_below() -> None:
    services = {
        (role, action.partition(":")[0])
        for role, actions in granted_actions().items()
        for action in actions
        if role in OURS and (role, action) not in EXCUSED
    }
    logging = {(role, "logs") for role, _ in LOGGING.values()}
    assert {(denial.role, denial.action.partition(":")[0]) for denial in DENIALS} | logging == services


@pytest.mark.usefixtures("calls")  # those of the scenario are counted before a call is denied
@pytest.mark.parametrize("denial", DENIALS, ids=str)
def test_a_permission_that_is_taken_away_is_denied_by_name(lake: DeployedLake, denial: Denial) -> None:
    denial.prepare(lake)
    with without(lake, denial.role, denial.action):
        told = failure_of(lake, denial)
    lake.put_lease(None, [])
    assert denial.action in told
    assert denial.role in told
    assert "is not authorized to perform" in told


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("job", LOGGING)
def test_a_job_that_may_not_write_its_log_is_denied_by_name(lake: DeployedLake, job: str) -> None:
    role, arguments = LOGGING[job]
    with without(lake, role, "logs:PutLogEvents"), without(lake, role, "s3:GetObject"):  # which ends it at once
        lake.failed_job(job, arguments)
    lines = [json.loads(line) for line in lake.stack.calls.read_text("utf-8").splitlines()]
    denied = [line for line in lines if line["verdict"] == "denied" and line["action"] == "logs:PutLogEvents"]
    assert any(f"-{role}-" in line["principal"] for line in denied)


def failure_of(lake: DeployedLake, denial: Denial) -> str:
    """How the function or the job fails."""
    if denial.does.startswith("lake-"):
        return lake.failed_job(denial.does, denial.given)
    answer = lake.invoke(denial.does, denial.given)
    assert "errorMessage" in answer, answer
    return str(answer["errorMessage"])


@contextmanager
def without(lake: DeployedLake, role: str, action: str) -> Iterator[None]:
    """A role without one of its actions, on any resource."""
    iam = lake.aws("iam")
    (name,) = [each["RoleName"] for each in iam.list_roles()["Roles"] if f"-{role}-" in each["RoleName"]]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(less(whole, action)))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(whole))


def less(document: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy without an action; what allowed nothing else is left out."""
    granted = [(statement, _listed(statement["Action"])) for statement in document["Statement"]]
    assert any(action in actions for _, actions in granted), f"{action} is not granted"
    left = [(statement, [each for each in actions if each != action]) for statement, actions in granted]
    return document | {"Statement": [statement | {"Action": actions} for statement, actions in left if actions]}


def _listed(actions: str | list[str]) -> list[str]:
    return actions if isinstance(actions, list) else [actions]
