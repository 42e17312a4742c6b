"""Instants: aware, UTC, and one form of them in text."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def to_text(instant: datetime) -> str:
    """`2026-11-16T06:00:00.000000Z`: fixed width, so that text sorts as time does."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def from_text(text: str) -> datetime:
    """The instant in an ISO 8601 text; raises ValueError where it has no offset (a stamp without one is no instant)."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return instant.astimezone(UTC)
