"""The raw bucket."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

TAKEN = ("PreconditionFailed", "412")
RACING = ("ConditionalRequestConflict", "409")
ABSENT = ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class RawBucket:
    """Reads and writes objects of the raw bucket."""

    s3: S3Client
    bucket: str

    def put_new(self, key: str, body: bytes) -> bool:
        """Puts an object unless the key is taken (then False). A conflict with another writer is tried again."""
        while True:
            try:
                self.s3.put_object(
                    Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*", ContentType="application/json"
                )
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code in TAKEN:
                    return False
                if code not in RACING:
                    raise
            else:
                return True

    def put(self, key: str, body: bytes) -> None:
        """Puts an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")

    def get(self, key: str) -> bytes | None:
        """The object, or None where there is none (needs s3:ListBucket: without it AWS answers 403)."""
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in ABSENT:
                return None
            raise

    def upload(self, key: str, path: Path, sha256: str) -> None:
        """Puts a file's bytes under a key. S3 takes them only where they have this SHA-256, and keeps it."""
        checksum = b64encode(bytes.fromhex(sha256)).decode()
        with path.open("rb") as file:
            self.s3.put_object(
                Bucket=self.bucket, Key=key, Body=file, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum
            )
