"""One HTTP request to a source: tried again where that helps, within the time that is left.

What an answer's status means: 429 and 503 ask for patience (Retry-After, else backoff); 500, 502 and 504 and broken connections
pass; 401 renews the login once; anything else from 300 on is refused for good. `requests` brings the connection, the loop is
ours: it knows the deadline, retries reads only, and gives up on waits that are longer than the budget. A connection may be
used by several threads.
"""

from __future__ import annotations

import email.utils
import io
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import quote, urlencode

import requests
import urllib3.exceptions

from lake.extract.errors import AnswerTooLarge, OutOfTime, Paused, SourceAuthError, SourceRejected, SourceUnavailable

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
    urllib3.exceptions.HTTPError,
)
LONGEST_REST = timedelta(days=1)
UNAUTHORIZED = 401
MOST_BACKOFF_S = 20.0
EXCERPT = 300
MOST_BYTES = 128 * 1024 * 1024
"""Of one answer, unpacked: more is no page, but a mistake or an attack."""
PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A read at the source: a path below its URL, parameters in order, and a body where the source reads by POST.

    `instead`: statuses that refuse nothing but say that there is no such page, each with the body that it stands for.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    method: Literal["GET", "POST"] = "GET"
    body: bytes | None = None
    instead: tuple[tuple[int, bytes], ...] = ()

    @property
    def target(self) -> str:
        """Path and query; a blank becomes `%20`, for some servers refuse `+`."""
        return self.path + (f"?{urlencode(self.params, quote_via=quote)}" if self.params else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `asked_at` is our clock when the request left, `source_now` the source's clock, from its Date header.

    `links`: its Link header (RFC 8288).
    """

    body: bytes
    asked_at: datetime
    source_now: datetime | None
    links: str | None = None


class LoginUnanswered(Exception):
    """The login was answered with a status that passes: it is tried again like any read."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"login answered {response.status_code}")
        self.response = response


class Login(Protocol):
    """Gives the headers that prove who we are; `renew` after the source refused them."""

    def headers(self, connection: Connection) -> dict[str, str]:
        """Headers for each request."""

    def renew(self, refused: dict[str, str]) -> bool:
        """Forgets the headers that were refused; False where there is nothing new to try."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the source says of its quota: calls used, and calls allowed, in its own period."""

    used: int
    allowed: int

    def reaches(self, share: float) -> bool:
        """Whether a share of what is allowed is used up."""
        return self.used >= share * self.allowed


def no_usage(_: requests.Response) -> Usage | None:
    """For sources that say nothing of their quota."""
    return None


def status_tells(_plan: SourcePlan, _response: requests.Response) -> bool:
    """For sources whose errors that pass are told by their status alone."""
    return False


@dataclass
class Connection:
    """A source that can be asked. Credentials go to the configured URLs (its own, its tokens') and to no other host.

    `usage` is what the source said last of its quota, where it says anything. `has_answered`: a read got its answer.
    """

    url: str
    plan: SourcePlan
    login: Login
    session: requests.Session
    budget: Budget
    quota_reached: Callable[[SourcePlan, requests.Response], bool]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    usage_of: Callable[[requests.Response], Usage | None] = no_usage
    passing: Callable[[SourcePlan, requests.Response], bool] = status_tells
    requests_made: int = field(default=0)
    has_answered: bool = field(default=False)
    usage: Usage | None = field(default=None)
    _free_at: float = field(default=0.0)
    _lock: Lock = field(default_factory=Lock)

    def read(self, request: Request) -> Answer:
        """The answer to a read; raises SourceError or Paused."""
        renewed = False
        attempt = 0
        proof: dict[str, str] = {}
        while True:
            try:
                proof = self.login.headers(self)
                headers = dict(request.headers) | proof
                asked_at, response, body = self.send(request.method, self.url + request.target, headers, request.body)
            except BROKEN as error:
                attempt = self._wait(attempt, None, f"{self.url} does not answer ({type(error).__name__})")
                continue
            except LoginUnanswered as login:
                asked_at, response, body = self.now(), login.response, b""
            self.usage = self.usage_of(response) or self.usage
            if response.status_code == UNAUTHORIZED and not renewed and self.login.renew(proof):
                renewed = True
            elif self.quota_reached(self.plan, response):
                raise Paused(
                    self.now() + timedelta(hours=1), f"{self.plan.source}: the day's quota is used up", quota=True
                )
            elif response.status_code in PASSING + PATIENCE or self.passing(self.plan, response):
                text = f"{self.url} answers {response.status_code}{_excerpt(response)}"
                attempt = self._wait(attempt, retry_after(response.headers.get("Retry-After"), self.now()), text)
            else:
                body = dict(request.instead).get(response.status_code, body)
                self._refuse(request, response)
                self.has_answered = True
                source_now = http_date(response.headers.get("Date"))
                return Answer(body, asked_at, source_now, response.headers.get("Link"))

    def send(
        self, method: str, url: str, headers: dict[str, str], data: dict[str, str] | bytes | None = None
    ) -> tuple[datetime, requests.Response, bytes]:
        """One request without a second try: when it left, what came back, and its body.

        Redirects are not followed: they could name another host.
        """
        self._wait_for_turn()
        asked_at = self.now()
        timeout = self._timeout()
        with self.session.request(
            method, url, headers=headers, data=data, timeout=timeout, allow_redirects=False, stream=True
        ) as response:
            body = self._body(response, self._timeout())
        response.raw = io.BytesIO(body)  # what else is asked of the response is answered from here
        return asked_at, response, body

    def _timeout(self) -> float:
        """Seconds that may pass in silence, or until a body is whole: what the source file allows, and the time left holds."""
        return min(self.plan.timeout_s, max(1.0, self.budget.seconds_left()))

    def _wait_for_turn(self) -> None:
        """Counts a request, and holds it back where the source allows so many a second; its entities share them evenly."""
        pause = 0.0
        with self._lock:
            self.requests_made += 1
            if self.plan.requests_per_second is not None:
                now = self.budget.clock()
                pause = max(0.0, self._free_at - now)
                self._free_at = now + pause + self.plan.concurrency / self.plan.requests_per_second
        if pause:
            self.sleep(pause)

    def _body(self, response: requests.Response, timeout: float) -> bytes:
        """The unpacked body, within bounds of size and time: a source that drips or sends a bomb is not read to its end."""
        until = self.budget.clock() + timeout
        pieces, size = [], 0
        while piece := response.raw.read1(PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise AnswerTooLarge(
                    f"{self.url} answers with more than {MOST_BYTES // 1024 // 1024} MB to one request: "
                    "lower the contract's page_size, or look at what stands in front of the source"
                )
            if self.budget.clock() > until:
                raise requests.Timeout(f"the answer took longer than {timeout:.0f} s")
        return b"".join(pieces)

    def _wait(self, attempt: int, wanted: float | None, problem: str) -> int:
        """Waits before the next attempt and gives its number; raises where waiting is no use.

        The time is looked at first: a try that the deadline cut short proves nothing about the source.
        """
        left = self.budget.seconds_left()
        if wanted is not None and wanted > min(self.plan.max_retry_after_s, left):
            raise Paused(
                self.now() + timedelta(seconds=min(wanted, LONGEST_REST.total_seconds())),
                f"{problem}; wants {wanted:.0f} s of rest",
                quota=False,
                is_brief=wanted <= self.plan.max_retry_after_s,
            )
        pause = wanted if wanted is not None else min(MOST_BACKOFF_S, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
        if pause > left:
            raise OutOfTime(f"{problem}, {attempt + 1} times, and the time of the invocation is over")
        if attempt >= self.plan.max_retries:
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
        if status >= 300 and status not in dict(request.instead):  # noqa: PLR2004
            elsewhere = response.headers.get("Location")
            where = f" and points to {elsewhere}, where no credentials go" if elsewhere else ""
            raise SourceRejected(f"{self.url}{request.path} answered {status}{where}{_excerpt(response)}", status)


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
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _excerpt(response: requests.Response) -> str:
    text = " ".join(response.text[:EXCERPT].split())
    return f": {text}" if text else ""
