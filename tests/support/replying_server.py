"""A source of a few lines that answers what it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Reply:
    """What the server answers. None as status: the connection breaks; a body may be shorter than announced."""

    status: int | None = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    announced: int | None = None


@dataclass
class Server:
    """Answers from a list, the last reply for ever; keeps what it was asked."""

    url: str
    replies: list[Reply]
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
