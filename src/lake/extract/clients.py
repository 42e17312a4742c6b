"""What outlives an invocation: AWS clients, the HTTP session, secrets as they were read minutes ago.

The clients are botocore's: boto3 would add transfer managers and resources, which nobody here uses and each cold start pays for.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import botocore.session
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_CACHED_S = 300
MOST_PARALLEL = 16
"""Windows that a source file may have read side by side; each asks for its next page ahead."""


@dataclass(slots=True)
class Secrets:
    """Texts of secrets, each read again when it is older than `SECRET_CACHED_S`."""

    client: SecretsManagerClient
    clock: Callable[[], float] = time.monotonic
    _read: dict[str, tuple[float, str]] = field(default_factory=dict)

    def get(self, arn: str) -> str:
        """A secret's text."""
        read_at, text = self._read.get(arn, (-SECRET_CACHED_S, ""))
        if self.clock() - read_at >= SECRET_CACHED_S:
            read_at, text = self.clock(), self.client.get_secret_value(SecretId=arn)["SecretString"]
            self._read[arn] = read_at, text
        return text

    def forget(self) -> None:
        """What was refused is read anew."""
        self._read.clear()


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of an extract function."""

    s3: S3Client
    dynamodb: DynamoDBClient
    secrets: Secrets
    session: requests.Session

    @staticmethod
    def make() -> Clients:
        """Clients by the process's environment, with as many connections as windows are read side by side."""
        aws: Any = botocore.session.get_session()
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=2 * MOST_PARALLEL))
        secrets = Secrets(aws.create_client("secretsmanager"))
        return Clients(aws.create_client("s3"), aws.create_client("dynamodb"), secrets, session)


def settled(session: requests.Session, url: str) -> requests.Session:
    """A session that knows from here on what the environment says of proxies and certificates on the way to a URL.

    Left to itself it would look there at each request, and let a machine's .netrc replace a source's credentials.
    """
    session.trust_env = False
    session.proxies = requests.utils.get_environ_proxies(url)
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return session
