"""Budgets: how long an invocation may go on."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPARE = 1.5
"""A page may take so many times as long as the slowest one before it."""


class Context(Protocol):
    """What a budget needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


@dataclass(slots=True)
class Pace:
    """How long the slowest page of an invocation took, in seconds, whichever stream it was of."""

    slowest_s: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def note(self, seconds: float) -> None:
        """Keeps the duration of a page where none was slower."""
        with self._lock:
            self.slowest_s = max(self.slowest_s, seconds)


@dataclass(frozen=True, slots=True)
class Budget:
    """Time until a deadline (of a monotonic clock, seconds), less a margin in which a load is committed; and requests."""

    deadline: float
    margin: float
    requests: int | None
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace, compare=False)

    @staticmethod
    def of(context: Context, requests: int | None = None) -> Budget:
        """The budget of a Lambda invocation: a tenth of its time, at most a minute, is kept for the commit."""
        left = context.get_remaining_time_in_millis() / 1000
        return Budget(time.monotonic() + left, min(60.0, left / 10), requests)

    def at_most(self, requests: int | None) -> Budget:
        """The budget with no more requests than a source still allows (None: as many as before)."""
        allowed = [number for number in (self.requests, requests) if number is not None]
        return replace(self, requests=min(allowed, default=None))

    def seconds_left(self) -> float:
        """Seconds in which work may still be done."""
        return self.deadline - self.margin - self.clock()

    def seconds_to_deadline(self) -> float:
        """Seconds after which nobody works any more."""
        return max(0.0, self.deadline - self.clock())

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Notes how long a page takes: all of its requests, with their tries and waits."""
        begun = self.clock()
        yield
        self.pace.note(self.clock() - begun)

    def is_too_short(self) -> bool:
        """Whether the time left may not bring one more page: less than 1.5 times what the slowest one took.

        After pages of 4 s the last one is asked for when at least 6 s are left. Nothing is known before the first page.
        """
        left = self.seconds_left()
        return left <= 0 or left < SPARE * self.pace.slowest_s

    def used_up(self, requests_made: int) -> bool:
        """Whether the next page is for the next invocation."""
        return self.is_too_short() or (self.requests is not None and requests_made >= self.requests)
