"""What keeps a load from touching a table: bytes that are not the committed ones, too many bad rows; and what was decided."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.curate.balance import Tally
from lake.curate.brake import brake_on_bad_rows, verify_parts
from lake.curate.decisions import Decision, decisions
from lake.curate.errors import QualityBrake, RawDamaged
from lake.curate.manifests import Manifest, Part
from lake.curate.store import S3Store
from lake.raw.layout import decision_key
from lake.raw.store import RawBucket

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
ORDERS = Plan.load(compile_folder(Path(__file__).parents[3] / "contracts")["erp.sales_order.json"])
BODY = b"rows" * 1_000_000
LOAD = Manifest(
    7, "rows", "p", (Part("data/x-0.parquet", 1, hashlib.sha256(BODY).hexdigest()),), 1000, {}, NOON, None, NOON
)


def examples(load: int) -> list[tuple[int, str]]:
    assert load == 7
    return [(4, "unfit"), (9, "unfit, key_missing")]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, S3Store]]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client, S3Store(client, "raw")


def tally(bad: int) -> Tally:
    return Tally(1000, bad, {7: bad}, {"unfit": bad}, {7: {"unfit": bad, "key_missing": 1}}, {})


def test_a_part_whose_bytes_are_not_those_that_were_committed_is_refused(
    store: tuple[Any, S3Store], tmp_path: Path
) -> None:
    client, reading = store
    key = LOAD.parts[0].key
    with pytest.raises(RawDamaged, match=r"load 7: data/x-0.parquet is gone"):
        verify_parts(reading, [LOAD])
    (tmp_path / "part").write_bytes(BODY)
    RawBucket(client, "raw").upload(key, tmp_path / "part", LOAD.parts[0].sha256)
    read: list[str] = []
    client.meta.events.register("before-call.s3.GetObject", lambda **_: read.append("bytes"))
    verify_parts(reading, [LOAD])
    assert not read  # S3 has kept the checksum
    client.put_object(Bucket="raw", Key=key, Body=BODY)
    verify_parts(reading, [LOAD])
    assert read
    for more in ({}, {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest_of(BODY[1:])}):
        client.put_object(Bucket="raw", Key=key, Body=BODY[1:], **more)
        with pytest.raises(RawDamaged, match="has the SHA-256 "):
            verify_parts(reading, [LOAD])


def digest_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_more_bad_rows_than_the_contract_lets_pass_stop_a_load_until_it_is_accepted() -> None:
    brake_on_bad_rows(ORDERS, [LOAD], tally(200), (), examples)
    with pytest.raises(QualityBrake) as stopped:
        brake_on_bad_rows(ORDERS, [LOAD], tally(201), [6], examples)
    assert stopped.value.cause.startswith(
        "load 7 of erp.sales_order: 201 of 1,000 rows break the contract (unfit 201, key_missing 1), more than the 20% "
        "that it lets pass, for example row 4 (unfit), row 9 (unfit, key_missing); nothing was written"
    )
    assert "lake quarantine show erp.sales_order 7 4" in stopped.value.remedy
    assert "lake discard erp.sales_order 7 --why" in stopped.value.remedy
    brake_on_bad_rows(ORDERS, [LOAD], tally(201), [7], examples)
    brake_on_bad_rows(ORDERS, [replace(LOAD, rows=99)], tally(99), (), examples)


def test_decisions_are_found_by_the_load_and_one_that_cannot_be_read_is_told(store: tuple[Any, S3Store]) -> None:
    client, reading = store
    assert decisions(reading, "erp.sales_order") == {}
    made = [
        Decision(7, "accept", "arn:someone", NOON, "so it is"),
        Decision(8, "discard", "arn:other", NOON, "rubbish"),
    ]
    for decision in made:
        client.put_object(Bucket="raw", Key=decision_key("erp.sales_order", decision.load), Body=decision.dump())
    assert decisions(reading, "erp.sales_order") == {7: made[0], 8: made[1]}
    assert decisions(reading, "erp.sales") == {}
    client.put_object(Bucket="raw", Key=decision_key("erp.sales_order", 9), Body=b'{"format": 2}')
    with pytest.raises(RawDamaged, match=r"000000000009.json is not a decision that this version reads"):
        decisions(reading, "erp.sales_order")
