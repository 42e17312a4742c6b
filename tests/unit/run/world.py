"""Executions that run until they are told to end, and clients whose calls meet others or never do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:lake-pipeline"


def execution(name: str) -> str:
    return f"arn:aws:states:eu-central-1:123456789012:execution:lake-pipeline:{name}"


class OneAtATime:
    """A DynamoDB client whose calls are atomic, as DynamoDB's are on one item; moto's are not when threads meet."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def locked(**arguments: Any) -> Any:
            with self._lock:
                return method(**arguments)

        return locked


class AroundReads:
    """A DynamoDB client that lets somebody else act before and after each of its reads, and keeps how it read."""

    def __init__(
        self,
        client: DynamoDBClient,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self._client, self._before, self._after = client, before, after
        self.reads: list[dict[str, Any]] = []

    def get_item(self, **arguments: Any) -> Any:
        self.reads.append(arguments)
        self._before()
        found = self._client.get_item(**arguments)
        self._after()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@dataclass
class Executions:
    """Which executions run."""

    running: set[str] = field(default_factory=set)

    def still_runs(self, arn: str) -> bool:
        return arn in self.running
