"""What a deployment brings to S3, and what CloudFormation is told."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from lake.run.assets import Shelves, answer, handle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAN = b'{"entity":"crm.account"}'


@pytest.fixture
def shelves() -> Iterator[Shelves]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("assets", "raw"):
            s3.create_bucket(Bucket=bucket)
        yield Shelves(s3, "assets", "raw")


def release_in(folder: Path, script: str = "print(1)") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "curate.py").write_text(script)
    (folder / "build_analytics.py").write_text("print(2)")
    with zipfile.ZipFile(folder / "lake.zip", "w") as archive:
        for name, content in {"lake/plans/crm.account.json": PLAN, "lake/plans/source.crm.json": b"{}"}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return folder


def keys(shelves: Shelves, bucket: str) -> set[str]:
    return {item["Key"] for item in shelves.s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_a_release_lies_in_a_folder_of_its_own_and_its_addresses_are_answered(tmp_path: Path, shelves: Shelves) -> None:
    told = handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    assert set(told["Data"]) == {"Library", "Curate", "BuildAnalytics"}
    assert {address.removeprefix("s3://assets/") for address in told["Data"].values()} == keys(shelves, "assets")


def test_equal_content_has_equal_addresses_and_other_content_others(tmp_path: Path, shelves: Shelves) -> None:
    first = handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    again = handle({"RequestType": "Update"}, release_in(tmp_path), shelves)
    other = handle({"RequestType": "Update"}, release_in(tmp_path, "print(3)"), shelves)
    assert first == again
    assert other["PhysicalResourceId"] != first["PhysicalResourceId"]
    assert other["Data"]["Library"] != first["Data"]["Library"]


def test_each_entitys_plan_is_kept_under_its_hash(tmp_path: Path, shelves: Shelves) -> None:
    handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    assert keys(shelves, "raw") == {f"plans/{hashlib.sha256(PLAN).hexdigest()}.json"}


def test_a_replaced_release_is_tagged_and_not_deleted(tmp_path: Path, shelves: Shelves) -> None:
    told = handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    handle({"RequestType": "Delete", "PhysicalResourceId": told["PhysicalResourceId"]}, tmp_path, shelves)
    for key in keys(shelves, "assets"):
        tags = shelves.s3.get_object_tagging(Bucket="assets", Key=key)["TagSet"]
        assert tags == [{"Key": "replaced", "Value": "true"}]
    assert len(keys(shelves, "assets")) == 3


def test_a_release_that_comes_back_is_no_longer_tagged(tmp_path: Path, shelves: Shelves) -> None:
    told = handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    handle({"RequestType": "Delete", "PhysicalResourceId": told["PhysicalResourceId"]}, tmp_path, shelves)
    handle({"RequestType": "Create"}, release_in(tmp_path), shelves)
    assert all(
        shelves.s3.get_object_tagging(Bucket="assets", Key=key)["TagSet"] == [] for key in keys(shelves, "assets")
    )


def test_deleting_what_was_never_created_is_no_error(tmp_path: Path, shelves: Shelves) -> None:
    handle({"RequestType": "Delete", "PhysicalResourceId": "none"}, tmp_path, shelves)


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL that CloudFormation waits at, and what it was told."""
    told: list[dict[str, Any]] = []

    class Waiting(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Waiting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/answer", told
    server.shutdown()
    server.server_close()


REQUEST = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "PublishedAssets"}


def test_cloudformation_is_told_of_success(cloudformation: tuple[str, list[dict[str, Any]]]) -> None:
    url, told = cloudformation
    answer({**REQUEST, "ResponseURL": url}, {"PhysicalResourceId": "glue-1", "Data": {"Library": "s3://a/b"}})
    assert (told[0]["Status"], told[0]["PhysicalResourceId"]) == ("SUCCESS", "glue-1")
    assert told[0]["Data"] == {"Library": "s3://a/b"}


def test_cloudformation_is_told_why_it_failed_and_keeps_what_it_had(
    cloudformation: tuple[str, list[dict[str, Any]]],
) -> None:
    url, told = cloudformation
    answer({**REQUEST, "ResponseURL": url, "PhysicalResourceId": "glue-1"}, PermissionError("assets: denied"))
    assert (told[0]["Status"], told[0]["Reason"]) == ("FAILED", "PermissionError: assets: denied")
    assert told[0]["PhysicalResourceId"] == "glue-1"


def test_whoever_invokes_it_by_hand_sees_a_failure_as_the_functions_error() -> None:
    answer(REQUEST, {"PhysicalResourceId": "glue-1", "Data": {}})
    with pytest.raises(PermissionError):
        answer(REQUEST, PermissionError("assets: denied"))
