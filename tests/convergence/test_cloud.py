"""S3 and DynamoDB in memory answer what extraction asks of them as moto does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.convergence.cloud import Cloud, Fate
from tests.support.raw_lake import BUCKET, TABLE, make_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = [{"pk": {"S": "entity#a"}, "sk": {"S": lane}} for lane in ("live", "backfill#1")]
NUMBERS = st.integers(0, 3).map(lambda number: {"N": str(number)})

acquire = st.tuples(st.just("acquire"), st.sampled_from(KEYS), NUMBERS, NUMBERS)
finish = st.tuples(st.just("finish"), st.sampled_from(KEYS), NUMBERS, NUMBERS)
count = st.tuples(st.just("count"), st.sampled_from(KEYS), NUMBERS, NUMBERS)
delete = st.tuples(st.just("delete"), st.sampled_from(KEYS), NUMBERS, NUMBERS)
read = st.tuples(st.just("read"), st.sampled_from(KEYS), NUMBERS, NUMBERS)


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[Any, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        with mock_aws():
            s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
            make_lake(s3, dynamodb)
            yield s3, dynamodb


def outcome(ask: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """What a call gives, of interest to extraction; or the code of its error."""
    try:
        answer = ask(*arguments, **settings) or {}
    except ClientError as error:
        return error.response["Error"]["Code"]
    if "Body" in answer:
        return answer["Body"].read()
    return {name: answer[name] for name in ("Item", "Attributes") if name in answer}


def perform(dynamodb: Any, name: str, key: Any, one: Any, other: Any) -> Any:
    update = {"TableName": TABLE, "Key": key, "ReturnValues": "ALL_NEW"}
    names = {"#token": "token", "#gone": "gone"}
    match name:
        case "acquire":
            return dynamodb.update_item(
                **update,
                UpdateExpression="SET #token = :next, lease_owner = :next",
                ConditionExpression="attribute_not_exists(#token) OR #token = :seen",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":next": one, ":seen": other},
            )
        case "finish":
            return dynamodb.update_item(
                **update,
                UpdateExpression="SET #token = :token REMOVE #gone, lease_owner",
                ConditionExpression="#token = :seen",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":token": one, ":seen": other},
            )
        case "count":
            return dynamodb.update_item(
                **update,
                UpdateExpression="SET #token = :one ADD #gone :one",
                ConditionExpression="#token <> :other",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":one": one, ":other": other},
            )
        case "delete":
            return dynamodb.delete_item(
                TableName=TABLE,
                Key=key,
                ConditionExpression="#token = :seen",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":seen": other},
            )
        case _:
            return dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(acquire, finish, count, delete, read), min_size=1, max_size=12))
def test_a_table_in_memory_answers_as_moto_does(moto: tuple[Any, Any], asked: list[Any]) -> None:
    _, real = moto
    for key in KEYS:
        real.delete_item(TableName=TABLE, Key=key)
    _, ours = Cloud().clients(Fate())
    for name, key, one, other in asked:
        answers = [outcome(perform, client, name, key, one, other) for client in (ours, real)]
        assert answers[0] == answers[1], (name, key, one, other)


def test_a_bucket_in_memory_answers_as_moto_does(moto: tuple[Any, Any]) -> None:
    ours, _ = Cloud().clients(Fate())
    for client in (ours, moto[0]):
        place = {"Bucket": BUCKET, "Key": "a/b"}
        assert outcome(client.get_object, **place) == "NoSuchKey"
        assert outcome(client.put_object, **place, Body=b"1", IfNoneMatch="*") == {}
        assert outcome(client.put_object, **place, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
        assert outcome(client.get_object, **place) == b"1"
        assert outcome(client.put_object, **place, Body=b"3") == {}
        assert outcome(client.get_object, **place) == b"3"
