"""Logins, one function a kind, in a dictionary. Secrets come from outside and go to the configured URL alone."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from lake.extract.errors import SourceAuthError
from lake.extract.http import PASSING, PATIENCE, LoginUnanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contract.plan import SourcePlan
    from lake.extract.http import Connection, Login

OK = 200


@dataclass(frozen=True, slots=True)
class NoLogin:
    """The source asks nobody who they are."""

    def headers(self, connection: Connection) -> dict[str, str]:
        """No headers."""
        return {}

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """User and password in each request."""

    user: str
    password: str

    def headers(self, connection: Connection) -> dict[str, str]:
        """The Authorization header (RFC 7617)."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def renew(self) -> bool:
        """A refused password stays refused."""
        return False


@dataclass(slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, 4.4), id and secret in the form; the token is renewed once when refused."""

    token_path: str
    client_id: str
    client_secret: str
    _token: str | None = field(default=None)

    def headers(self, connection: Connection) -> dict[str, str]:
        """The Authorization header, with a token that is fetched when there is none."""
        if self._token is None:
            self._token = self._fetch(connection)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """The next headers bring a new token."""
        self._token = None
        return True

    def _fetch(self, connection: Connection) -> str:
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        _, response = connection.send("POST", self.token_path, {}, form)
        if response.status_code in PASSING + PATIENCE:
            raise LoginUnanswered(response)
        token = _token_in(response)
        if token is None:
            raise SourceAuthError(
                f"{connection.url}{self.token_path} gave source {connection.plan.source} no token "
                f"({response.status_code}). Correct the source's secret in Secrets Manager."
            )
        return token


def _token_in(response: requests.Response) -> str | None:
    try:
        body: Any = response.json()
    except requests.JSONDecodeError:
        return None
    token = body.get("access_token") if isinstance(body, dict) and response.status_code == OK else None
    return token if isinstance(token, str) else None


def login_for(plan: SourcePlan, secret: str) -> Login:
    """The login that a source's plan asks for, with the JSON text of its secret; raises SourceAuthError."""
    try:
        return LOGINS[plan.auth](plan, json.loads(secret))
    except (KeyError, TypeError, ValueError):
        raise SourceAuthError(
            f"the secret of source {plan.source} lacks what {plan.auth} needs: "
            "a JSON object with `client_id` and `client_secret`, or `user` and `password`"
        ) from None


LOGINS: dict[str, Callable[[SourcePlan, dict[str, str]], Login]] = {
    "none": lambda _plan, _secret: NoLogin(),
    "basic": lambda _plan, secret: BasicLogin(secret["user"], secret["password"]),
    "oauth2_client_credentials": lambda plan, secret: ClientCredentials(
        plan.token_path or "", secret["client_id"], secret["client_secret"]
    ),
}
