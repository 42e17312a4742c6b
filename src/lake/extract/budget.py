"""Budgets: how long an invocation may go on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Context(Protocol):
    """What a budget needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Time until a deadline (of a monotonic clock, seconds), less a margin in which a load is committed; and requests."""

    deadline: float
    margin: float
    requests: int | None
    clock: Callable[[], float] = time.monotonic

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

    def used_up(self, requests_made: int) -> bool:
        """Whether the next page is for the next invocation."""
        return self.seconds_left() <= 0 or (self.requests is not None and requests_made >= self.requests)
