"""What each resource of a kind has: buckets private and kept, functions with logs and a role, jobs as Glue 6.0 wants them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.grants import granted_actions
from tests.support.stack import ROOT, TEMPLATE, functions, resources, template

BUCKETS = resources("AWS::S3::Bucket")
FUNCTIONS = functions()
JOBS = resources("AWS::Glue::Job")


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_versioned_and_outlives_the_stack(name: str) -> None:
    bucket, whole = BUCKETS[name], template()["Resources"][name]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert (whole["DeletionPolicy"], whole["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_takes_no_request_without_tls(name: str) -> None:
    (policy,) = [item for item in resources("AWS::S3::BucketPolicy").values() if item["Bucket"] == f"${{{name}}}"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"${{{name}.Arn}}", f"${{{name}.Arn}}/*"]


def lifecycle(name: str) -> dict[str, dict[str, Any]]:
    return {rule["Id"]: rule for rule in BUCKETS[name]["LifecycleConfiguration"]["Rules"]}


@pytest.mark.parametrize("name", BUCKETS)
def test_unfinished_uploads_are_aborted(name: str) -> None:
    assert lifecycle(name)["abort-uploads"]["AbortIncompleteMultipartUpload"]


def test_nothing_in_raw_expires_or_goes_to_an_archive() -> None:
    assert set(lifecycle("RawBucket")) == {"abort-uploads"}


@pytest.mark.parametrize("name", ["CuratedBucket", "AnalyticsBucket"])
def test_of_an_icebergs_files_only_what_it_let_go_expires(name: str) -> None:
    assert set(lifecycle(name)) == {"abort-uploads", "expire-noncurrent"}
    assert lifecycle(name)["expire-noncurrent"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_the_state_can_be_brought_back_and_outlives_the_stack() -> None:
    ((name, table),) = resources("AWS::DynamoDB::Table").items()
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert template()["Resources"][name]["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_logs_to_a_group_of_its_own_with_retention(name: str) -> None:
    config = FUNCTIONS[name]["LoggingConfig"]
    group = resources("AWS::Logs::LogGroup")[config["LogGroup"][2:-1]]
    assert group["LogGroupName"] == f"/aws/lambda/{FUNCTIONS[name]['FunctionName']}"
    assert config["LogFormat"] == "JSON"


def test_no_log_is_kept_for_ever() -> None:
    assert {group["RetentionInDays"] for group in resources("AWS::Logs::LogGroup").values()} == {"${LogRetentionDays}"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_folder_with_a_handler_and_a_sample_event(name: str) -> None:
    folder = ROOT / FUNCTIONS[name]["CodeUri"]
    assert "handler" in (folder / "app.py").read_text("utf-8")
    assert (ROOT / "events" / "functions" / f"{folder.name}.json").is_file()
    assert FUNCTIONS[name]["FunctionName"] == f"${{LakeName}}-{folder.name.replace('_', '-')}"


def test_each_function_folder_is_deployed() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == {properties["CodeUri"] for properties in FUNCTIONS.values()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_on_the_python_that_the_layers_are_built_for(name: str) -> None:
    assert FUNCTIONS[name]["Runtime"] == "python3.13"
    assert FUNCTIONS[name]["Layers"] == ["${DepsLayer}", "${LakeLayer}"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_variable_that_a_function_reads_is_declared(name: str) -> None:
    """The names in docs/formats.md; pydantic's models read them, so that a missing one is an error at the first start."""
    declared = (
        FUNCTIONS[name]["Environment"]["Variables"] | template()["Globals"]["Function"]["Environment"]["Variables"]
    )
    documented = re.search(
        r"Environment of functions: (.*?)\n\n", (ROOT / "docs/formats.md").read_text("utf-8"), re.DOTALL
    )
    assert documented
    own = {key for key in declared if key.startswith("LAKE_")}
    assert own <= set(re.findall(r"`(LAKE_\w+)`", documented[1]))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_one_that_the_state_machine_can_follow(name: str) -> None:
    job = JOBS[name]
    assert (job["GlueVersion"], job["MaxRetries"], job["ExecutionClass"]) == ("6.0", 0, "STANDARD")
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert job["Timeout"] <= 120


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_what_was_published_with_this_deployment(name: str) -> None:
    job = JOBS[name]
    assert job["Command"]["ScriptLocation"] == f"${{PublishedAssets.{name.removesuffix('Job')}}}"
    assert job["DefaultArguments"]["--extra-py-files"] == "${PublishedAssets.Library}"
    assert template()["Resources"]["PublishedAssets"]["Properties"]["Code"] == "${PublishAssetsFunction.Version}"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_leaves_out_what_glue_6_does_not_know_or_asks_too_much_for(name: str) -> None:
    refused = {
        *("--enable-continuous-cloudwatch-log", "--enable-job-insights", "--enable-glue-datacatalog"),
        *("--additional-python-modules", "--job-bookmark-option"),
    }
    assert refused & set(JOBS[name]["DefaultArguments"]) == set()
    assert "lakeformation" not in JOBS[name]["DefaultArguments"]["--conf"]


def test_an_alarm_can_publish_to_its_topic() -> None:
    """CloudWatch publishes to an encrypted topic only where the key lets it."""
    assert resources("AWS::SNS::Topic")["AlarmTopic"]["KmsMasterKeyId"] == "${AlarmKey}"
    statements = resources("AWS::KMS::Key")["AlarmKey"]["KeyPolicy"]["Statement"]
    (publish,) = [item for item in statements if item["Sid"] == "AlarmsPublish"]
    assert "cloudwatch.amazonaws.com" in publish["Principal"]["Service"]
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} == set(publish["Action"])
    for name, alarm in resources("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == ["${AlarmTopic}"], name
        assert alarm["TreatMissingData"] == "notBreaching", name


def test_a_line_above_each_resource_says_why_it_is_there() -> None:
    """Log groups and roles stand with what they belong to; the first of a row speaks for the row."""
    lines = TEMPLATE.read_text("utf-8").splitlines()
    start = lines.index("Resources:")
    spoken = {
        "AWS::Logs::LogGroup",
        "AWS::IAM::Role",
        "AWS::S3::BucketPolicy",
        "AWS::Glue::Crawler",
        "AWS::CloudWatch::Alarm",
    }
    for number, line in enumerate(lines[start:], start):
        found = re.match(r"^  (\w+):$", line)
        if found and template()["Resources"].get(found[1], {}).get("Type") not in spoken | {
            *("AWS::KMS::Alias", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"),
            "AWS::Serverless::Function" if found[1] == "ExtractErpFunction" else None,
        }:
            assert lines[number - 1].strip().startswith("#"), f"{found[1]} has no line that says why it is there"


def test_each_grant_that_no_local_test_uses_is_granted_and_has_reason_and_source() -> None:
    listed = tomllib.loads((Path(__file__).parent / "aws_only.toml").read_text("utf-8"))["grant"]
    for entry in listed:
        assert set(entry) == {"roles", "actions", "reason", "source"}
        assert len(entry["reason"]) > 20
        assert entry["source"].startswith("https://"), entry
        for role in entry["roles"]:
            assert set(entry["actions"]) <= granted_actions()[role], (role, entry["actions"])
