"""How the versions of OData write the values that a filter compares with.

Version 4: https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt; version 2:
https://www.odata.org/documentation/odata-version-2-0/overview/ (6. Primitive Data Types).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Writer = Callable[[str, str], str]
"""From a canonical value and what stands in its form's parentheses (else an empty text) to the literal."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INT32 = 2**31


def v4_literal(value: str, kind: str, form: str | None) -> str:
    """A canonical value (instants `...Z`, dates `YYYY-MM-DD`, times `HH:MM:SS`) as version 4 writes it."""
    return _written(V4_LITERALS, value, kind, form)


def v2_literal(value: str, kind: str, form: str | None) -> str:
    """A canonical value as version 2 writes it: with its type in front or behind."""
    return _written(V2_LITERALS, value, kind, form)


def _written(writers: Mapping[str, Writer], value: str, kind: str, form: str | None) -> str:
    """By the form where it has a writer, else by the type; as it stands where that has none either."""
    name, _, parameter = (form or "").removesuffix(")").partition("(")
    writer = writers.get(name) or writers.get(kind.partition("(")[0])
    return value if writer is None else writer(value, parameter)


def _quoted(text: str, _: str = "") -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str, _: str) -> str:
    return text


def _int64(text: str, _: str) -> str:
    """Every integer type is compared with a small number; only a large one needs to say that it is long."""
    return text if -INT32 <= int(text) < INT32 else f"{text}L"


def _duration(time: str, _: str = "") -> str:
    hours, minutes, seconds = time.split(":")
    return f"'PT{hours}H{minutes}M{seconds}S'"


def _instant(text: str) -> str:
    """Without a fraction that says nothing: older servers take no more than three digits."""
    stamp, fraction, rest = text.partition(".")
    if fraction:
        digits = rest.rstrip("Z")
        kept = digits.rstrip("0") if digits.isdigit() else digits
        text = f"{stamp}{'.' if kept else ''}{kept}{rest[len(digits) :]}"
    return text


def _wall_clock(instant: str, zone: str) -> str:
    """What a clock in the zone shows at the instant, without an offset."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()


def _since_epoch(text: str, units: int) -> str:
    moment = datetime.fromisoformat(text)
    spent = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    return str((spent.days * 86_400 + spent.seconds) * units + spent.microseconds * units // 1_000_000)


def _digits(text: str, _: str) -> str:
    return _quoted("".join(filter(str.isdigit, text)))


FORMS: Final[dict[str, Writer]] = {
    "epoch_ms": lambda text, _: _since_epoch(text, 1_000),
    "epoch_s": lambda text, _: _since_epoch(text, 1),
    "yyyymmdd": _digits,
    "hhmmss": _digits,
}
"""What both versions have as numbers and texts of the service's own."""

V4_LITERALS: Final[Mapping[str, Writer]] = FORMS | {
    "string": _quoted,
    "guid": _plain,
    "iso_duration": lambda time, _: f"duration{_duration(time)}",
    "local": lambda instant, zone: _quoted(_wall_clock(instant, zone)),
}
V2_LITERALS: Final[Mapping[str, Writer]] = FORMS | {
    "string": _quoted,
    "guid": lambda text, _: f"guid'{text}'",
    "int64": _int64,
    "decimal": lambda text, _: f"{text}M",
    "date": lambda day, _: f"datetime'{day}T00:00:00'",
    "time": lambda time, _: f"time{_duration(time)}",
    "timestamp": lambda instant, _: f"datetimeoffset'{_instant(instant)}'",
    "odata_datetime": lambda instant, _: f"datetime'{_instant(_wall_clock(instant, 'UTC'))}'",
    "local": lambda instant, zone: f"datetime'{_wall_clock(instant, zone)}'",
}
