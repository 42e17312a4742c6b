"""The benchmark's AWS endpoint: what the extractor relies on holds there too."""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from moto import mock_aws

from bench.aws import Server
from lake.raw.store import RawBucket
from lake.state.runs import RunRecords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "bench")
    with mock_aws(), Server(0, tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", tmp_path
        server.shutdown()


def client(service: str, url: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name="eu-central-1", endpoint_url=url)


def test_an_object_that_is_there_is_not_put_anew(endpoint: tuple[str, Path]) -> None:
    url, folder = endpoint
    raw = RawBucket(client("s3", url), "raw")
    assert raw.get("manifests/1.json") is None
    assert raw.put_new("manifests/1.json", b"first")
    assert not raw.put_new("manifests/1.json", b"second")
    assert raw.get("manifests/1.json") == (folder / "raw" / "manifests" / "1.json").read_bytes() == b"first"


def test_tables_remember_and_conditions_hold(endpoint: tuple[str, Path]) -> None:
    dynamodb = client("dynamodb", endpoint[0])
    records = RunRecords(dynamodb, "state")
    records.write("run-1", "extract#a", {"rows": 1})
    assert records.read("run-1") == {"extract#a": {"rows": 1}}
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName="state",
            Item={"pk": {"S": "run#run-1"}, "sk": {"S": "extract#a"}},
            ConditionExpression="attribute_not_exists(pk)",
        )


def test_each_call_is_counted_by_its_name(endpoint: tuple[str, Path]) -> None:
    url, _ = endpoint
    client("s3", url).put_object(Bucket="raw", Key="a", Body=b"")
    client("secretsmanager", url).get_secret_value(SecretId="any")
    with urllib.request.urlopen(f"{url}/-/counts") as answer:  # noqa: S310
        assert json.load(answer) == {"s3 PutObject": 1, "secretsmanager GetSecretValue": 1}
