"""The spellings of time that the sources use; all of fixed width and UTC, so that they sort as text."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ERP_ZONE = ZoneInfo("Europe/Berlin")
"""The ERP server's own zone: its dates and times without an offset are in it."""

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:?\d\d)",
)


def clock_text(at: datetime) -> str:
    """`2026-11-15T06:00:00Z`: the simulated clock and `_visible_at`."""
    return f"{_utc(at)}Z"


def parse_instant(text: str) -> datetime:
    """An aware instant from ISO text with an offset; finer digits than microseconds are cut. ValueError otherwise."""
    return _split(text)[0]


def salesforce_text(at: datetime) -> str:
    """`2026-11-15T06:00:00.000+0000`: Salesforce's spelling, to the millisecond."""
    return f"{_utc(at)}.{at.microsecond // 1000:03d}+0000"


def millis_text(at: datetime) -> str:
    """`2026-11-15T06:00:00.123Z`: ISO 8601 to the millisecond."""
    return f"{_utc(at)}.{at.microsecond // 1000:03d}Z"


def ts7_text(at: datetime, tenths_of_micros: int = 0) -> str:
    """`2026-11-15T06:00:00.1234567Z`: S/4HANA's time stamp of seven digits."""
    return f"{_utc(at)}.{at.microsecond:06d}{tenths_of_micros % 10}Z"


def ts7_from_text(text: str) -> str:
    """Any ISO instant with an offset as seven digits in UTC, none of the seven lost. ValueError otherwise."""
    at, digits = _split(text)
    return ts7_text(at, int((digits + "0000000")[6]))


def berlin(at: datetime) -> tuple[str, str]:
    """The ERP's local date and time, to the second, as its date and time columns hold them."""
    local = at.astimezone(ERP_ZONE)
    return f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}"


def default_now(today: date) -> datetime:
    """Where simulated time starts: six hours into the day a week ago, which leaves a week to play."""
    return datetime.combine(today - timedelta(days=7), time(6), UTC)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()[:19]


def _split(text: str) -> tuple[datetime, str]:
    match = _INSTANT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not an instant: give ISO 8601 with an offset, such as 2026-11-15T06:00:00Z")
    day, clock, digits, offset = match[1], match[2], match[3] or "", match[4].upper()
    at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset == 'Z' else offset}")
    return at.astimezone(UTC).replace(microsecond=int((digits + "000000")[:6])), digits
