"""What the emulator enforces, and what of it is written down."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.emulator.settings import REGION
from tests.unit.emulator.conftest import Emulator

pytestmark = pytest.mark.stack

TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


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


def _as_role(emulator: Emulator, role: str) -> Any:
    answer = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    given = answer["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION)
    return session.client("s3", endpoint_url=emulator.endpoint)
