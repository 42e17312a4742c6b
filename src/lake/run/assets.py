"""Publishes what Glue runs, and the plans, when the stack is deployed: the other end of a CloudFormation custom resource.

A release is a folder named by its content's hash: `glue/<release>/lake.zip`, `curate.py`, `build_analytics.py`. Plans go to raw
as `plans/<sha256>.json`, where they stay for ever. When a release is replaced, CloudFormation asks to delete it: it is tagged,
for a job may still read it, and the bucket's lifecycle lets it go.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

# Attribute of the custom resource → file of the release.
FILES = {"Library": "lake.zip", "Curate": "curate.py", "BuildAnalytics": "build_analytics.py"}
PLANS = "lake/plans/"
PREFIX = "glue-"


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where releases and plans lie."""

    s3: S3Client
    assets: str
    raw: str


def handle(event: dict[str, Any], folder: Path, shelves: Shelves) -> dict[str, Any]:
    """Does what CloudFormation asks (Create, Update, Delete); physical id and attributes of the resource."""
    if event["RequestType"] == "Delete":
        retire(event["PhysicalResourceId"], shelves)
        return {"PhysicalResourceId": event["PhysicalResourceId"], "Data": {}}
    release = publish(folder, shelves)
    attributes = {name: f"s3://{shelves.assets}/glue/{release}/{file}" for name, file in FILES.items()}
    return {"PhysicalResourceId": f"{PREFIX}{release}", "Data": attributes}


def publish(folder: Path, shelves: Shelves) -> str:
    """Copies the release in a folder, and the plans in its library; the release's name."""
    contents = {file: (folder / file).read_bytes() for file in FILES.values()}
    release = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents.values())).hexdigest()[
        :32
    ]
    for plan in _plans(folder / FILES["Library"]):
        key = f"plans/{hashlib.sha256(plan).hexdigest()}.json"
        shelves.s3.put_object(Bucket=shelves.raw, Key=key, Body=plan, ContentType="application/json")
    for file, content in contents.items():
        shelves.s3.put_object(Bucket=shelves.assets, Key=f"glue/{release}/{file}", Body=content)
    return release


def retire(physical_id: str, shelves: Shelves) -> None:
    """Tags a release's files as replaced. An id that is not a release's belongs to a creation that failed: nothing to do."""
    if not physical_id.startswith(PREFIX):
        return
    for file in FILES.values():
        shelves.s3.put_object_tagging(
            Bucket=shelves.assets,
            Key=f"glue/{physical_id.removeprefix(PREFIX)}/{file}",
            Tagging={"TagSet": [{"Key": "replaced", "Value": "true"}]},
        )


def answer(event: dict[str, Any], result: dict[str, Any] | Exception) -> None:
    """Tells CloudFormation how it went: it waits for this, and nothing else ends the wait.

    Without `ResponseURL` a person has invoked the function, who sees the failure as its error.
    """
    if "ResponseURL" not in event:
        if isinstance(result, Exception):
            raise result
        return
    failed = isinstance(result, Exception)
    told = {} if isinstance(result, Exception) else result
    body = {
        "Status": "FAILED" if failed else "SUCCESS",
        "Reason": f"{type(result).__name__}: {result}" if failed else "",
        "PhysicalResourceId": event.get("PhysicalResourceId", "none"),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        **told,
    }
    request = Request(  # noqa: S310 - the URL is CloudFormation's own
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urlopen(request, timeout=30):  # noqa: S310
        pass


def _plans(library: Path) -> list[bytes]:
    """The entities' plans in a library, byte for byte: the hash of these bytes is what manifests name."""
    with zipfile.ZipFile(library) as archive:
        names = [name for name in archive.namelist() if name.startswith(PLANS) and name.endswith(".json")]
        return [archive.read(name) for name in names if not name.startswith(f"{PLANS}source.")]
