"""A connection to a server of the tests, with what it slept, and how it signs in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.http import Connection, Request
from lake.extract.protocols import DIALECTS
from tests.support.replying_server import Reply, Server
from tests.support.source_plans import source

if TYPE_CHECKING:
    from lake.contract.plan import SourcePlan

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@dataclass
class Client:
    """A connection with what it slept."""

    connection: Connection
    slept: list[float]

    def read(self, request: Request | None = None) -> Any:
        return self.connection.read(request or Request("/thing", (("$filter", "a eq 'b c'"),)))


def client(
    server: Server,
    seconds: float = 120,
    secret: str = "{}",  # noqa: S107
    plan: SourcePlan | None = None,
) -> Client:
    plan, slept = plan or source(), list[float]()
    connection = Connection(
        url=server.url,
        plan=plan,
        login=login_for(plan, secret),
        session=requests.Session(),
        budget=Budget(time.monotonic() + seconds, 0, None),
        quota_reached=DIALECTS[plan.protocol].quota_reached,
        now=lambda: NOW,
        sleep=slept.append,
    )
    return Client(connection, slept)


OAUTH = source("salesforce", auth="oauth2_client_credentials", token_path="/token")
SECRET = '{"client_id":"me","client_secret":"s&cret"}'


def token(text: str) -> Reply:
    return Reply(body=f'{{"access_token":"{text}"}}'.encode())
