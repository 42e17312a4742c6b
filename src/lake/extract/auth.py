"""Logins, one function a kind, in a dictionary. Secrets come from outside and go to the configured URL alone."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import requests

from lake.extract.errors import SourceAuthError
from lake.extract.http import PASSING, PATIENCE, LoginUnanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contract.plan import SourcePlan
    from lake.extract.http import Connection, Login

OK = 200


@dataclass(frozen=True, slots=True)
class FixedHeaders:
    """The same headers in each request (none, a password, a key, a token): what was refused stays refused."""

    proof: dict[str, str] = field(default_factory=dict, repr=False)

    def headers(self, connection: Connection) -> dict[str, str]:
        """The headers."""
        return self.proof

    def renew(self, refused: dict[str, str]) -> bool:
        """There is nothing to renew."""
        return False


@dataclass(slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, 4.4); the token is renewed once when refused.

    Id and secret stand in the form, or in a header (RFC 6749, 2.3.1: both form-encoded first).
    """

    token_path: str | None
    client_id: str
    client_secret: str = field(repr=False)
    client_auth: str = "post"
    scope: str | None = None
    token_url: str | None = None
    _token: str | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def headers(self, connection: Connection) -> dict[str, str]:
        """The Authorization header, with a token that is fetched when there is none."""
        with self._lock:
            if self._token is None:
                self._token = self._fetch(connection)
            return _bearer(self._token)

    def renew(self, refused: dict[str, str]) -> bool:
        """The next headers bring a new token, unless another thread has brought one already."""
        with self._lock:
            if self._token is not None and _bearer(self._token) == refused:
                self._token = None
        return True

    def _fetch(self, connection: Connection) -> str:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        headers: dict[str, str] = {"Accept": "application/json"}
        if self.client_auth == "basic":
            headers |= basic(quote_plus(self.client_id), quote_plus(self.client_secret))
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        url = self.token_url or f"{connection.url}{self.token_path}"
        _, response, _ = connection.send("POST", url, headers, form)
        if response.status_code in PASSING + PATIENCE:
            raise LoginUnanswered(response)
        token = _token_in(response)
        if token is None:
            raise SourceAuthError(
                f"{url} gave source {connection.plan.source} no token "
                f"({response.status_code}). Correct the source's secret in Secrets Manager."
            )
        return token


def basic(user: str, password: str) -> dict[str, str]:
    """The Authorization header of user and password (RFC 7617)."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _token_in(response: requests.Response) -> str | None:
    try:
        body: Any = response.json()
    except requests.JSONDecodeError:
        return None
    token = body.get("access_token") if isinstance(body, dict) and response.status_code == OK else None
    return token if isinstance(token, str) and _sendable(token) else None


def _sendable(value: str) -> bool:
    """Whether a text can stand in a header."""
    return bool(value) and value.isascii() and value.isprintable()


def login_for(plan: SourcePlan, secret: str) -> Login:
    """The login that a source's plan asks for, with the JSON text of its secret; raises SourceAuthError."""
    members, make = LOGINS[plan.auth]
    try:
        given = json.loads(secret) if members else {}
        values = [given[member] for member in members]
    except (KeyError, TypeError, ValueError):
        values = [None]
    if not all(isinstance(value, str) and value for value in values):
        raise SourceAuthError(
            f"the secret of source {plan.source} lacks what {plan.auth} needs: "
            f"a JSON object with {' and '.join(f'`{member}`' for member in members)}, all text"
        )
    login = make(plan, *values)
    if isinstance(login, FixedHeaders) and not all(map(_sendable, login.proof.values())):
        raise SourceAuthError(f"the secret of source {plan.source} holds characters that no header can carry")
    return login


LOGINS: dict[str, tuple[tuple[str, ...], Callable[..., Login]]] = {
    "none": ((), lambda _: FixedHeaders()),
    "basic": (("user", "password"), lambda _, user, password: FixedHeaders(basic(user, password))),
    "bearer": (("token",), lambda _, token: FixedHeaders(_bearer(token))),
    "api_key": (("key",), lambda plan, key: FixedHeaders({plan.auth_header: key})),
    "oauth2_client_credentials": (
        ("client_id", "client_secret"),
        lambda plan, client_id, client_secret: ClientCredentials(
            plan.token_path, client_id, client_secret, plan.client_auth, plan.scope, plan.token_url
        ),
    ),
}
"""Kind → the members that its secret holds, and what makes the login of them."""
