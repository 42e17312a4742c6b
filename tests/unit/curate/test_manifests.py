"""Reading manifests by number, from a folder and from S3."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from lake.curate.errors import RawDamaged
from lake.curate.manifests import manifests_after
from lake.curate.store import S3Store

PREFIX = "manifests/erp/sales_order"
TEXT: dict[str, Any] = {
    "format": 1, "load": 1, "kind": "keys", "plan": "abc", "rows": 2, "items": {}, "observed": None,
    "parts": [{"key": "keys/erp/sales_order/x-0.parquet", "rows": 2, "bytes": 1, "sha256": ""}],
    "sweep": {"id": "s", "started_at": "2026-11-16T06:00:00.000001Z", "last": True, "loads": [1]},
    "committed_at": "2026-11-16T06:05:00.000001Z",
}  # fmt: skip


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


def put(client: Any, load: int, **more: Any) -> None:
    client.put_object(Bucket="raw", Key=f"{PREFIX}/{load:012d}.json", Body=json.dumps({**TEXT, "load": load, **more}))


def test_manifests_are_read_from_the_next_number_to_the_first_that_is_missing(bucket: Any) -> None:
    for load in (1, 2, 3, 5):
        put(bucket, load)
    found = list(manifests_after(S3Store(bucket, "raw"), "erp.sales_order", 1))
    assert [manifest.load for manifest in found] == [2, 3]
    assert found[0].ends_sweep
    assert found[0].sweep is not None
    assert found[0].sweep.started_at == datetime(2026, 11, 16, 6, 0, 0, 1, UTC)
    assert found[0].parts[0].file == "x-0.parquet"


def test_a_refusal_is_not_the_end_of_the_manifests() -> None:
    client = boto3.client("s3", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(ClientError, match="AccessDenied"):
            list(manifests_after(S3Store(client, "raw"), "erp.sales_order", 0))


@pytest.mark.parametrize("damage", [{"format": 2}, {"kind": "tables"}, {"rows": None, "parts": None}])
def test_a_manifest_of_another_form_is_refused_by_name(bucket: Any, damage: dict[str, Any]) -> None:
    put(bucket, 1, **damage)
    with pytest.raises(RawDamaged, match=f"{PREFIX}/000000000001.json"):
        list(manifests_after(S3Store(bucket, "raw"), "erp.sales_order", 0))


def test_a_manifest_of_tombstones_is_read_and_rows_that_did_not_land_are_counted(bucket: Any) -> None:
    put(bucket, 1, kind="tombstones", sweep=None, counts={"received": 5, "landed": 2, "repeated": 2, "beyond": 1})
    (found,) = manifests_after(S3Store(bucket, "raw"), "erp.sales_order", 0)
    assert (found.kind, found.ends_sweep, found.left_out) == ("tombstones", False, 3)


def test_what_is_put_can_be_got_and_takes_the_place_of_what_was_there(bucket: Any) -> None:
    store = S3Store(bucket, "raw")
    store.put("fetches/x.json", b"1")
    store.put("fetches/x.json", b"2")
    assert store.get("fetches/x.json") == b"2"


def test_spark_reads_parts_from_the_bucket(bucket: Any) -> None:
    assert S3Store(bucket, "raw").path("data/x.parquet") == "s3://raw/data/x.parquet"
