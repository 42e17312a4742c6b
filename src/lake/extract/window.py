"""Windows: which cursor instants a run asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lake.instants import from_text, to_text

if TYPE_CHECKING:
    from lake.contract.plan import Cursor

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open interval `[start, end)` of cursor instants; the first window of an entity has no start."""

    start: datetime | None
    end: datetime

    def dump(self) -> dict[str, str | None]:
        """The JSON form of manifests and checkpoints."""
        return {"from": None if self.start is None else to_text(self.start), "to": to_text(self.end)}

    @staticmethod
    def load(raw: dict[str, str | None]) -> Window:
        """The window in its JSON form."""
        start, end = raw["from"], raw["to"]
        return Window(None if start is None else from_text(start), from_text(end or ""))


def settled(source_now: datetime, now: datetime, lag: timedelta) -> datetime:
    """The instant up to which rows are there: the earlier of both clocks, less how long rows take to appear."""
    return min(source_now, now) - lag


def next_window(
    watermark: datetime | None, end: datetime, overlap: timedelta, initial: datetime | None = None
) -> Window | None:
    """The window that the next run asks for, up to what has settled; None when nothing has since the last one.

    Rows become visible after the instant they are stamped with: the window reaches back `overlap` behind the watermark.
    `initial` is where the first window starts, if anywhere.
    """
    if watermark is None:
        return Window(initial, end)
    if end <= watermark:
        return None
    return Window(watermark - overlap, end)


def floor(instant: datetime, digits: int) -> datetime:
    """The instant rounded down to a number of digits of a second (at most 6)."""
    step = 10 ** (6 - min(digits, 6))
    return instant.replace(microsecond=instant.microsecond - instant.microsecond % step)


def ceiling(instant: datetime, digits: int) -> datetime:
    """The instant rounded up to a number of digits of a second (at most 6)."""
    low = floor(instant, digits)
    return low if low == instant else low + timedelta(microseconds=10 ** (6 - min(digits, 6)))


def local_bounds(instant: datetime, zone: str, digits: int) -> tuple[datetime, datetime]:
    """The wall-clock times (without zone) that surely lie at or below, and at or above, all local stamps of an instant.

    Where the zone's offset changes within a day, local times repeat or are missing: both bounds then reach an hour further.
    """
    here = ZoneInfo(zone)
    slack = HOUR if _clocks_change(instant, here) else HOUR * 0
    low = floor(instant, digits).astimezone(here).replace(tzinfo=None) - slack
    high = ceiling(instant, digits).astimezone(here).replace(tzinfo=None) + slack
    return low, high


def local_instants(instant: datetime, zone: str, digits: int) -> tuple[datetime, datetime]:
    """What to ask for where local stamps without offset are compared as they stand: instants of which the zone's clocks show
    times at or below, and at or above, all local stamps of an instant.

    The lower one is the earlier one of a repeated hour, as cursors are; of a time that no clock shows it lies before the gap.
    """
    here = ZoneInfo(zone)
    low, high = local_bounds(instant, zone, digits)
    return min(_readings(low, here)), max(_readings(high, here))


def next_midnight(local: datetime) -> datetime:
    """The first midnight at or after a wall-clock time."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == local else midnight + DAY


def asked_from(cursor: Cursor, start: datetime) -> datetime:
    """An instant at or below the cursors of all rows that a window from `start` may bring: bounds are rounded outwards
    to what the source can compare, its local stamps may be of two instants, or of none."""
    if cursor.zone is None and not cursor.days:
        return floor(start, cursor.digits)
    here = ZoneInfo(cursor.zone or "UTC")
    low = local_bounds(start, here.key, cursor.digits)[0]
    if cursor.days:
        low = low.replace(hour=0, minute=0, second=0, microsecond=0)
    earliest = low.replace(tzinfo=here).astimezone(UTC)
    return earliest - HOUR if _clocks_change(earliest, here) else earliest


def _clocks_change(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone's offset changes within a day of an instant."""
    return (instant - DAY).astimezone(zone).utcoffset() != (instant + DAY).astimezone(zone).utcoffset()


def _readings(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which clocks in the zone show a time; where none does, the ones an hour before and behind it."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second
