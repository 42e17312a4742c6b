"""`lake deploy` with SAM against an endpoint: a small template with the project's contracts."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import Result

from tests.support.cli_lake import PROJECT, lake

pytestmark = pytest.mark.stack

TOPIC = '{"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "LakeName"}}}'
NOBODY = "arn:aws:lambda:eu-central-1:000000000000:function:nobody"
FAILING = json.dumps({"Type": "AWS::CloudFormation::CustomResource", "Properties": {"ServiceToken": NOBODY}})


def write_template(folder: Path, resource: str) -> None:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"LakeName": {"Type": "String"}},
        "Resources": {"Thing": json.loads(resource)},
        "Outputs": {"Thing": {"Value": {"Ref": "Thing"}}},
    }
    (folder / "template.yaml").write_text(json.dumps(template), encoding="utf-8")


@pytest.fixture
def project(aws: str, tmp_path: Path) -> Path:
    """A project of contracts, SAM's settings and a template of one topic; the current folder."""
    shutil.copytree(PROJECT / "contracts", tmp_path / "contracts")
    shutil.copyfile(PROJECT / "samconfig.toml", tmp_path / "samconfig.toml")
    write_template(tmp_path, TOPIC)
    return tmp_path


def deploy(stack: str) -> Result:
    return lake("deploy", "--stack", stack, "--parameter", f"LakeName={stack}", "--json")


def test_a_deployment_answers_what_people_look_up_and_a_second_one_keeps_parameters_and_changes_nothing(
    project: Path,
) -> None:
    first = deploy("first")
    second = lake("deploy", "--stack", "first")

    document = json.loads(first.stdout)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert document["status"] == "CREATE_COMPLETE"
    assert document["outputs"]["Thing"].endswith(":first")
    assert set(document["seconds"]) == {"build", "deploy"}
    assert "nothing has changed" in second.stderr
    assert ":first" in second.stdout
    assert "nothing has changed" not in first.stderr
    assert "Build Succeeded" in (project / ".lake" / "deploy.log").read_text(encoding="utf-8")


def test_a_resource_that_fails_is_named_with_its_reason_and_the_dead_stack_with_the_way_out(project: Path) -> None:
    write_template(project, FAILING)

    failed, again = deploy("dead"), deploy("dead")

    assert failed.exit_code == 1
    error = json.loads(failed.stdout)["error"]
    assert f"Thing: Custom resource ServiceToken '{NOBODY}' not found" in error
    assert str(Path(".lake") / "deploy.log") in json.loads(failed.stdout)["next_step"]
    assert again.exit_code == 1
    assert "ROLLBACK_COMPLETE" in json.loads(again.stdout)["error"]
    assert "sam delete --stack-name dead" in json.loads(again.stdout)["next_step"]


def test_a_template_that_is_none_fails_with_sams_own_words(project: Path) -> None:
    (project / "template.yaml").write_text("Resources: [", encoding="utf-8")

    result = deploy("never")

    assert result.exit_code == 1
    assert "sam build failed" in json.loads(result.stdout)["error"]
    assert "Traceback" not in result.output
