"""The raw bucket as curating sees it: objects by key, and paths that Spark reads."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1 << 20


class Store(Protocol):
    """Where raw lies."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Puts the object, in place of another where there is one."""

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, None where there is none."""

    def path(self, key: str) -> str:
        """The object's path for Spark."""


class S3Store:
    """The raw bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none.

        Any other refusal is raised. Without s3:ListBucket S3 answers 403 for a missing key as well: that is a mistake in
        the role and must not pass for the end of the manifests.
        """
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise

    def put(self, key: str, body: bytes) -> None:
        """Puts the object, in place of another where there is one."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, None where there is none.

        S3 has kept it since it took the object; the bytes of one that came without are read.
        """
        try:
            kept = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        if "ChecksumSHA256" in kept and kept.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
            return b64decode(kept["ChecksumSHA256"]).hex()
        digest = hashlib.sha256()
        for chunk in self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def path(self, key: str) -> str:
        """The object's path for Spark."""
        return f"s3://{self._bucket}/{key}"
