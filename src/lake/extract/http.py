"""One HTTP request to a source: tried again where that helps, within the time that is left.

What an answer's status means: 429 and 503 ask for patience (Retry-After, else backoff); 500, 502 and 504 and broken connections
pass; 401 renews the login once; anything else from 400 on is refused for good. `requests` brings the connection, the loop is
ours: it knows the deadline, retries reads only, and gives up on waits that are longer than the budget.
"""

from __future__ import annotations

import email.utils
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

import requests

from lake.extract.errors import Paused, SourceAuthError, SourceRejected, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contract.plan import SourcePlan
    from lake.extract.budget import Budget

PASSING = (408, 425, 500, 502, 504)
PATIENCE = (429, 503)
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
LONGEST_REST = timedelta(days=1)
UNAUTHORIZED = 401
BAD = 400
MOST_BACKOFF_S = 20.0
EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Request:
    """A read at the source: a path below its URL, and parameters in order."""

    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def target(self) -> str:
        """Path and query; a blank becomes `%20`, for some servers refuse `+`."""
        return self.path + (f"?{urlencode(self.params, quote_via=quote)}" if self.params else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `asked_at` is our clock when the request left, `source_now` the source's clock, from its Date header."""

    body: bytes
    asked_at: datetime
    source_now: datetime | None


class LoginUnanswered(Exception):
    """The login was answered with a status that passes: it is tried again like any read."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"login answered {response.status_code}")
        self.response = response


class Login(Protocol):
    """Gives the headers that prove who we are; `renew` after the source refused them."""

    def headers(self, connection: Connection) -> dict[str, str]:
        """Headers for each request."""

    def renew(self) -> bool:
        """Forgets what was refused; False where there is nothing new to try."""


@dataclass
class Connection:
    """A source that can be asked. Credentials go to its configured URL and to no other host."""

    url: str
    plan: SourcePlan
    login: Login
    session: requests.Session
    budget: Budget
    quota_reached: Callable[[SourcePlan, requests.Response], bool]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    requests_made: int = field(default=0)

    def read(self, request: Request) -> Answer:
        """The answer to a read; raises SourceError or Paused."""
        renewed = False
        attempt = 0
        while True:
            try:
                asked_at, response = self.send("GET", request.target, dict(request.headers) | self.login.headers(self))
            except BROKEN as error:
                attempt = self._wait(attempt, None, f"{self.url} does not answer ({type(error).__name__})")
                continue
            except LoginUnanswered as login:
                asked_at, response = self.now(), login.response
            if response.status_code == UNAUTHORIZED and not renewed and self.login.renew():
                renewed = True
            elif self.quota_reached(self.plan, response):
                raise Paused(
                    self.now() + timedelta(hours=1), f"{self.plan.source}: the day's quota is used up", quota=True
                )
            elif response.status_code in PASSING + PATIENCE:
                text = f"{self.url} answers {response.status_code}{_excerpt(response)}"
                attempt = self._wait(attempt, retry_after(response.headers.get("Retry-After"), self.now()), text)
            else:
                self._refuse(request, response)
                return Answer(response.content, asked_at, http_date(response.headers.get("Date")))

    def send(
        self, method: str, target: str, headers: dict[str, str], data: dict[str, str] | None = None
    ) -> tuple[datetime, requests.Response]:
        """One request without a second try. Redirects are not followed: they could name another host."""
        self.requests_made += 1
        asked_at = self.now()
        timeout = min(self.plan.timeout_s, max(1.0, self.budget.seconds_left()))
        return asked_at, self.session.request(
            method, self.url + target, headers=headers, data=data, timeout=timeout, allow_redirects=False
        )

    def _wait(self, attempt: int, wanted: float | None, problem: str) -> int:
        """Waits before the next attempt and gives its number; raises where waiting is no use."""
        if wanted is not None and wanted > min(self.plan.max_retry_after_s, self.budget.seconds_left()):
            raise Paused(
                self.now() + timedelta(seconds=min(wanted, LONGEST_REST.total_seconds())),
                f"{problem}; wants {wanted:.0f} s of rest",
                quota=False,
            )
        pause = wanted if wanted is not None else min(MOST_BACKOFF_S, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
        if attempt >= self.plan.max_retries or pause > self.budget.seconds_left():
            raise SourceUnavailable(f"{problem}, {attempt + 1} times. Is the source up, and is its URL right?")
        self.sleep(pause)
        return attempt + 1

    def _refuse(self, request: Request, response: requests.Response) -> None:
        status = response.status_code
        if status == UNAUTHORIZED:
            raise SourceAuthError(
                f"{self.url} refused the credentials of source {self.plan.source} (401){_excerpt(response)}. "
                "Correct the source's secret in Secrets Manager."
            )
        if status >= 300:  # noqa: PLR2004
            raise SourceRejected(f"{self.url}{request.path} answered {status}{_excerpt(response)}")


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms; None where it is missing or unreadable."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    moment = http_date(header)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(header: str | None) -> datetime | None:
    """The instant in an HTTP date; None where it is missing or unreadable."""
    try:
        return None if header is None else email.utils.parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def _excerpt(response: requests.Response) -> str:
    text = " ".join(response.text[:EXCERPT].split())
    return f": {text}" if text else ""
