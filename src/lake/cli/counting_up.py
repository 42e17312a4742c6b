"""How far a long reading is, told on stderr."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

EVERY_S = 10.0
REDRAWN_S = 0.2


@dataclass
class CountUp:
    """Counts what came: in one line that changes on a terminal, else in a line each ten seconds.

    `what`: as in `1,234 keys from the source`. Used as a context, which takes the changing line away.
    """

    what: str
    console: Console
    clock: Callable[[], float] = time.monotonic
    total: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._told_at = self.clock()
        self._status = self.console.status(self._said()) if self.console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def add(self, number: int) -> None:
        """Counts some more."""
        self.total += number
        if self.clock() - self._told_at < (EVERY_S if self._status is None else REDRAWN_S):
            return
        self._told_at = self.clock()
        if self._status is None:
            self.console.print(self._said(), soft_wrap=True)
        else:
            self._status.update(self._said())

    def _said(self) -> str:
        return f"{self.total:,} {self.what} so far"
