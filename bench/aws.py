"""The AWS endpoint of the benchmark: S3 on disk, lean; DynamoDB by moto; one secret for everybody.

A process of its own, on another core than the sides'. What it does not know it refuses. `/-/counts` says how often which
operation was called.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Iterable

REGION = "eu-central-1"
SECRET = {"client_id": "bench", "client_secret": "bench", "user": "bench", "password": "bench", "token": "bench"}
BLOCK = 1 << 20


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = True
    dynamodb_operations: ClassVar = {
        "GetItem": "get_item",
        "PutItem": "put_item",
        "UpdateItem": "update_item",
        "DeleteItem": "delete_item",
        "Query": "query",
        "TransactWriteItems": "transact_write_items",
    }

    def do_POST(self) -> None:
        """DynamoDB and Secrets Manager."""
        service, _, operation = self.headers.get("X-Amz-Target", "?.").partition(".")
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.counts[f"{service.partition('_')[0].lower()} {operation}"] += 1
        if operation == "GetSecretValue":
            answer = {"Name": "bench", "SecretString": json.dumps(SECRET), "VersionId": "1", "CreatedDate": 0}
            self._answer(200, json.dumps(answer).encode())
        elif operation in self.dynamodb_operations:
            self._answer(*self.server.dynamodb(self.dynamodb_operations[operation], asked))
        else:
            self._answer(501, operation.encode())

    def do_PUT(self) -> None:
        """An object; with `If-None-Match: *` only where there is none."""
        self.server.counts["s3 PutObject"] += 1
        path, left = self._file, int(self.headers["Content-Length"])
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            self._answer(501, b"chunked bodies")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = self.headers.get("If-None-Match") == "*" and path.exists()
        with (Path(os.devnull) if taken else path).open("wb") as file:
            while left:
                block = self.rfile.read(min(BLOCK, left))
                file.write(block)
                left -= len(block)
        if taken:
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            self._answer(200, b"", {"ETag": '"bench"'})

    def do_GET(self) -> None:
        """An object."""
        if self.path == "/-/counts":
            self._answer(200, json.dumps(self.server.counts).encode())
            return
        self.server.counts["s3 GetObject"] += 1
        if self._file.is_file():
            self._answer(200, self._file.read_bytes(), {"ETag": '"bench"'})
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_DELETE(self) -> None:
        """Forgets an object."""
        self.server.counts["s3 DeleteObject"] += 1
        self._file.unlink(missing_ok=True)
        self._answer(204, b"")

    @property
    def _file(self) -> Path:
        return self.server.folder / unquote(urlsplit(self.path).path).lstrip("/")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ((headers or {}) | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is printed."""


class Server(ThreadingHTTPServer):
    """Objects below a folder, a table in memory for each name that is used."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self._client = boto3.client("dynamodb", region_name=REGION)
        self._tables: set[str] = set()
        self._lock = Lock()

    def dynamodb(self, operation: str, asked: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of a call."""
        with self._lock:
            self._make(asked.get("TableName"))
            try:
                answer = getattr(self._client, operation)(**asked)
            except ClientError as error:
                told = {"__type": f"com.amazonaws.dynamodb.v20120810#{error.response['Error']['Code']}"}
                return 400, json.dumps(told | {"message": error.response["Error"]["Message"]}).encode()
        answer.pop("ResponseMetadata")
        return 200, json.dumps(answer).encode()

    def _make(self, table: str | None) -> None:
        if table is None or table in self._tables:
            return
        self._client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        self._tables.add(table)


def main(words: Iterable[str] | None = None) -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int, required=True)
    arguments = parser.parse_args(None if words is None else list(words))
    os.sched_setaffinity(0, {arguments.core})
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with mock_aws(), Server(arguments.port, arguments.folder) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
