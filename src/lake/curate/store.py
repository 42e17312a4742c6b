"""The raw bucket as curating sees it: objects by key, and paths that Spark reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Store(Protocol):
    """Where raw lies."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Puts the object, in place of another where there is one."""

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

    def path(self, key: str) -> str:
        """The object's path for Spark."""
        return f"s3://{self._bucket}/{key}"
