"""Whether one JSON value fits the type that its contract declares, in the form in which its source writes it.

Each function takes the value (numbers as `Number`), gives it in its raw type, exactly, or raises Unfit.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lake.raw.literal import Number
from lake.raw.schema import MICROS

if TYPE_CHECKING:
    from collections.abc import Callable

INT64 = 2**63
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGER = r"-?\d{1,19}"
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
DATE = r"\d{4}-\d{2}-\d{2}"
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
EPOCH_DATE = r"/Date\((?P<ms>-?\d{1,19})(?P<zone>[+-]\d{4})?\)/"
DURATION = r"PT(?:(?P<h>\d{1,2})H)?(?:(?P<m>\d{1,2})M)?(?:(?P<s>\d{1,2})(?P<f>\.\d+)?S)?"
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})"


def local_pattern(digits: int) -> str:
    """What a stamp without offset looks like whose contract declares so many digits of a second: no digit is finer than
    declared (but zeros) that a cursor would have to cut off."""
    finest = max(digits, MICROS)
    return rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]\d{{2}}:\d{{2}}:\d{{2}}(?:\.\d{{1,{finest}}}0*)?"


def instant_pattern(digits: int) -> str:
    """What a stamp with an offset looks like."""
    return local_pattern(digits) + OFFSET


class Unfit(Exception):
    """The value does not fit its type."""


def string(value: Any) -> str:
    """Text; half of a surrogate pair is none (no UTF-8, so no Arrow string)."""
    if not isinstance(value, str) or isinstance(value, Number):
        raise Unfit
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit from None
    return value


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit
    return value


def int64(value: Any) -> int:
    """A whole number of 64 bits, quoted or not."""
    if not isinstance(value, str) or not _matches(INTEGER, value) or not -INT64 <= int(value) < INT64:
        raise Unfit
    return int(value)


def decimal(precision: int, scale: int) -> Callable[[Any], Decimal]:
    """A number, quoted or not: nothing is rounded."""

    def fit(value: Any) -> Decimal:
        if not isinstance(value, str) or not _matches(NUMBER, value):
            raise Unfit
        try:
            number = Decimal(value)
        except InvalidOperation:  # an exponent beyond what a Decimal can hold
            raise Unfit from None
        if not number:
            return Decimal(0)
        sign, digits, exponent = number.as_tuple()
        while digits[-1:] == (0,) and isinstance(exponent, int) and exponent < -scale:
            digits, exponent = digits[:-1], exponent + 1
        if not isinstance(exponent, int) or exponent < -scale or len(digits) + exponent > precision - scale:
            raise Unfit
        return Decimal((sign, digits, exponent))

    return fit


def iso_date(value: Any) -> date:
    """`2026-11-16`."""
    try:
        return date.fromisoformat(_text(DATE, value))
    except ValueError:
        raise Unfit from None


def time(value: Any) -> str:
    """`06:00`, `06:00:00`, `06:00:00.5`: stays as it was sent."""
    return _text(TIME, value)


def instant(digits: int) -> Callable[[Any], datetime | str]:
    """A stamp with an offset; text, as sent, where the declared digits are finer than microseconds."""
    pattern = instant_pattern(digits)

    def fit(value: Any) -> datetime | str:
        text = _text(pattern, value)
        try:
            found = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Unfit from None
        return found if digits <= MICROS else text

    return fit


def local(digits: int, zone: str) -> Callable[[Any], datetime | str]:
    """A stamp without offset in a zone: of the two instants of a repeated hour the earlier one; of a skipped hour none."""
    pattern, here = local_pattern(digits), ZoneInfo(zone)

    def fit(value: Any) -> datetime | str:
        text = _text(pattern, value)
        try:
            wall = datetime.fromisoformat(text).replace(tzinfo=here)
            found = wall.astimezone(UTC)
            if found.astimezone(here).replace(tzinfo=None) != wall.replace(tzinfo=None):
                raise Unfit
        except (ValueError, OverflowError):
            raise Unfit from None
        if digits <= MICROS:
            return found
        return f"{found.replace(tzinfo=None).isoformat(timespec='seconds')}{text[19:]}Z"

    return fit


def epoch(base: str, digits: int, per_second: int) -> Callable[[Any], datetime | date | str]:
    """A count of seconds or milliseconds since 1970, quoted or not; of days for a date."""
    return lambda value: _since_epoch(int64(value), base, digits, per_second)


def odata_date(base: str, digits: int) -> Callable[[Any], datetime | date | str]:
    """`/Date(1700000000000+0060)/`: the milliseconds are UTC, the minutes behind them only tell the zone; a date is midnight
    UTC and has none."""

    def fit(value: Any) -> datetime | date | str:
        match = re.fullmatch(EPOCH_DATE, string(value), re.ASCII)
        if match is None or (base == "date" and match["zone"]):
            raise Unfit
        return _since_epoch(int(match["ms"]), base, digits, 1000)

    return fit


def yyyymmdd(value: Any) -> date:
    """`20261116`, quoted or not."""
    text = value.zfill(8) if isinstance(value, Number) else value
    digits = _text(r"\d{8}", text, number=True)
    return iso_date(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")


def hhmmss(value: Any) -> str:
    """`093045`, or the number 93045."""
    text = value.zfill(6) if isinstance(value, Number) else value
    digits = _text(r"\d{6}", text, number=True)
    return time(f"{digits[:2]}:{digits[2:4]}:{digits[4:]}")


def iso_duration(value: Any) -> str:
    """`PT22H30M00S`: a time of day as the time that has gone since midnight."""
    match = re.fullmatch(DURATION, string(value), re.ASCII)
    if match is None or match[0][-1] == "T":
        raise Unfit
    hours, minutes, seconds = (int(match[part] or 0) for part in "hms")
    return time(f"{hours:02}:{minutes:02}:{seconds:02}{match['f'] or ''}")


def _since_epoch(count: int, base: str, digits: int, per_second: int) -> datetime | date | str:
    try:
        found = EPOCH + timedelta(microseconds=count * (1_000_000 // per_second))
    except OverflowError:
        raise Unfit from None
    if base == "date":
        if count % (86_400 * per_second):
            raise Unfit
        return found.date()
    if digits <= MICROS:
        return found
    return found.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text(pattern: str, value: Any, *, number: bool = False) -> str:
    if not isinstance(value, str) or (isinstance(value, Number) and not number) or not _matches(pattern, value):
        raise Unfit
    return str(value)


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value, re.ASCII) is not None
