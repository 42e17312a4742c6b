"""What the emulator enforces, and what of it is written down."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.emulator.glue_resources import resource
from local.emulator.settings import ACCOUNT, REGION
from tests.support.emulator import Emulator

TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("operation", "request_body", "judged_on"),
    [
        ("GetDatabase", {"Name": "d"}, "database/d"),
        ("CreateDatabase", {"DatabaseInput": {"Name": "d"}}, "database/d"),
        ("GetDatabases", {}, "catalog"),
        ("GetTable", {"DatabaseName": "d", "Name": "t"}, "table/d/t"),
        ("UpdateTable", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, "table/d/t"),
        ("GetTables", {"DatabaseName": "d"}, "table/d/*"),
        ("GetPartition", {"DatabaseName": "d", "TableName": "t"}, "table/d/t"),
        ("StartCrawler", {"Name": "c"}, "crawler/c"),
        ("GetJobRun", {"JobName": "j", "RunId": "r"}, "job/j"),
    ],
)
def test_a_glue_request_is_judged_on_the_resource_that_aws_names(
    operation: str, request_body: dict[str, Any], judged_on: str
) -> None:
    assert resource(operation, request_body) == judged_on


@pytest.mark.stack
@pytest.mark.parametrize("lacking", ["catalog", "database/lake_raw", "table/lake_raw/*"])
def test_a_glue_grant_must_name_catalog_database_and_table(emulator: Emulator, lacking: str) -> None:
    parts = {"catalog", "database/lake_raw", "table/lake_raw/*"}
    name = lacking.partition("/")[0]
    whole = _as_role(emulator, _catalog_reader(emulator, f"whole-{name}", parts), "glue")
    partial = _as_role(emulator, _catalog_reader(emulator, f"without-{name}", parts - {lacking}), "glue")

    assert whole.get_tables(DatabaseName="lake_raw")["TableList"] is not None
    with pytest.raises(ClientError, match="not authorized to perform: glue:GetTables"):
        partial.get_tables(DatabaseName="lake_raw")


@pytest.mark.stack
def test_a_role_reads_a_bucket_that_asks_for_tls_and_both_verdicts_are_written_down(emulator: Emulator) -> None:
    admin = emulator.client("s3")
    admin.create_bucket(Bucket="guarded", CreateBucketConfiguration={"LocationConstraint": REGION})
    admin.put_object(Bucket="guarded", Key="a", Body=b"a")
    admin.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Version": "2012-10-17", "Statement": [TLS_ONLY]}))
    s3 = _as_role(emulator, emulator.role("guarded-reader", ("s3:GetObject",)))

    read = s3.get_object(Bucket="guarded", Key="a")["Body"].read()
    with pytest.raises(ClientError, match="s3:PutObject"):
        s3.put_object(Bucket="guarded", Key="b", Body=b"b")

    assert read == b"a"
    session = "assumed-role/guarded-reader/test"
    judged = [(call["action"], call["verdict"]) for call in emulator.calls() if call["principal"] == session]
    assert judged == [("s3:GetObject", "allowed"), ("s3:PutObject", "denied")]


def _catalog_reader(emulator: Emulator, name: str, parts: set[str]) -> str:
    arns = [f"arn:aws:glue:{REGION}:{ACCOUNT}:{part}" for part in sorted(parts)]
    return emulator.role(name, ("glue:GetTables",), resource=arns)


def _as_role(emulator: Emulator, role: str, service: str = "s3") -> Any:
    answer = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    given = answer["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION)
    return session.client(service, endpoint_url=emulator.endpoint)  # type: ignore[call-overload]
