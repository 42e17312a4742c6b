"""Whether a JSON value fits the type that its contract declares. One function a type, in a dictionary."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from lake.raw.literal import Number
from lake.raw.schema import MICROS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contract.plan import Field

INT64 = 2**63
INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", re.ASCII)


class Unfit(Exception):
    """The value does not fit its type."""


def fit(value: Any, field: Field) -> Any:
    """The value in the field's raw type; None stays None; raises Unfit."""
    if value is None:
        return None
    return FITS[field.base](value, field)


def _string(value: Any, _: Field) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise Unfit
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair: no UTF-8, so no Arrow string
        raise Unfit from None
    return value


def _boolean(value: Any, _: Field) -> bool:
    if not isinstance(value, bool):
        raise Unfit
    return value


def _int64(value: Any, _: Field) -> int:
    if not isinstance(value, str) or not INTEGER.fullmatch(value) or not -INT64 <= int(value) < INT64:
        raise Unfit
    return int(value)


def _decimal(value: Any, field: Field) -> Decimal:
    """Exact, or unfit: nothing is rounded."""
    precision, scale = field.parameters
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise Unfit
    try:
        number = Decimal(value)
    except InvalidOperation:  # an exponent beyond what a Decimal can hold
        raise Unfit from None
    sign, digits, exponent = number.as_tuple()
    while digits[-1:] == (0,) and isinstance(exponent, int) and exponent < -scale:
        digits, exponent = digits[:-1], exponent + 1
    if not isinstance(exponent, int) or exponent < -scale or len(digits) + exponent > precision - scale:
        raise Unfit
    return Decimal((sign, digits or (0,), exponent))


def _date(value: Any, _: Field) -> date:
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise Unfit
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Unfit from None


def _time(value: Any, _: Field) -> str:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise Unfit
    return value


def _timestamp(value: Any, field: Field) -> datetime | str:
    """An instant with an offset; text, as sent, where the declared digits are finer than microseconds."""
    digits = field.parameters[0]
    if not isinstance(value, str) or not _compiled(instant_pattern(digits)).fullmatch(value):
        raise Unfit
    try:
        instant = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit from None
    return instant if digits <= MICROS else str(value)


def instant_pattern(digits: int) -> str:
    """What a stamp looks like whose contract declares so many digits of a second: with an offset, and no digit finer
    than declared (but zeros) that a cursor would have to cut off."""
    finest = max(digits, MICROS)
    return rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]\d{{2}}:\d{{2}}:\d{{2}}(?:\.\d{{1,{finest}}}0*)?(?:Z|[+-]\d{{2}}:?\d{{2}})"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


FITS: dict[str, Callable[[Any, Field], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "int64": _int64,
    "decimal": _decimal,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
}
