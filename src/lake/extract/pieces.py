"""Cutting windows into pieces that are read side by side, and narrower where a source gives one query no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lake.extract.window import Window, floor

if TYPE_CHECKING:
    from lake.contract.plan import Cursor, Paging
    from lake.extract.places import Position

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a window that is read by itself, how far reading it is, and how it is paged (None: as the plan says).

    `count`: its rows, as the source counted them before it was read; `again`: how often it was read again, for that number
    fell meanwhile.
    """

    window: Window
    position: Position | None = None
    paging: Paging | None = None
    count: int | None = None
    again: int = 0

    def dump(self) -> dict[str, Any]:
        """The JSON form in checkpoints."""
        counted = {"count": self.count, "again": self.again} if self.count is not None else {}
        return self.window.dump() | {"position": self.position, "paging": self.paging} | counted

    @staticmethod
    def load(raw: dict[str, Any]) -> Piece:
        """The piece in its JSON form."""
        return Piece(Window.load(raw), raw["position"], raw["paging"], raw.get("count"), raw.get("again", 0))


def cut(
    start: datetime | None,
    at: datetime,
    end: datetime,
    length: timedelta,
    whole_from: datetime,
    cursor: Cursor,
    most: int,
) -> tuple[list[Window], datetime | None]:
    """The first pieces of `[at, end)`, at most so many, and where the next one begins (None: all are cut).

    The first one starts at `start`, which may be open. Pieces meet where the source can compare. None ends behind
    `whole_from`: what the next window may bring again lies in the last one, whose rows come as they are observed.
    """
    pieces: list[Window] = []
    while len(pieces) < most:
        stop = aligned(at + length, cursor)
        if stop <= at or stop > min(whole_from, end):
            return [*pieces, Window(start, end)], None
        pieces.append(Window(start, stop))
        start = at = stop
    return pieces, at


def narrower(piece: Piece, start: datetime, cursor: Cursor) -> list[Piece]:
    """What to read instead of a piece of which a query does not give all: its halves, or where it is as narrow as the source
    can compare, itself paged by key. `start`: where its rows begin."""
    window = piece.window
    middle = aligned(start + (window.end - start) / 2, cursor)
    if not start < middle < window.end:
        return [Piece(window, paging="key")]
    return [Piece(Window(window.start, middle)), Piece(Window(middle, window.end))]


def aligned(instant: datetime, cursor: Cursor) -> datetime:
    """The instant rounded down to what the source can compare: a digit of a second, or a midnight in its zone."""
    if not cursor.days:
        return floor(instant, cursor.digits)
    here = ZoneInfo(cursor.zone or "UTC")
    return instant.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
