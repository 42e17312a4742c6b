"""Requests and answers as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, unquote_plus

from local.simulators.quirks import NO_QUIRKS, Quirks


@dataclass(frozen=True)
class Request:
    """One request; `query` is as sent, still encoded. `quirks` is how the source misunderstands it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    quirks: Quirks = NO_QUIRKS

    def parameters(self, *, plus_is_blank: bool) -> list[tuple[str, str]]:
        """The query's names and values, decoded. Form encoding reads `+` as a blank, a URI does not."""
        decode = unquote_plus if plus_is_blank else unquote
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return [(decode(name), decode(value)) for name, _, value in pairs]

    @property
    def target(self) -> str:
        """Path and query, as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def header(self, name: str) -> str:
        """The value of a header, whatever the case of its name; empty where it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Break:
    """Where the connection ends too early: after so many bytes of the body (None: before the answer begins)."""

    after: int | None = None
    how: Literal["close", "reset"] = "close"


@dataclass(frozen=True)
class Response:
    """One answer; a `Date` among the headers replaces the source's own clock."""

    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    breaks: Break | None = None


class RefusedError(Exception):
    """The request cannot be answered; each source spells code and message in its vendor's way."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def as_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Response(status, body, headers=headers or {})
