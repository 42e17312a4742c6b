"""Filling templates (`lake.contract.templates`) with values, in the forms that an API takes them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lake.contract.templates import PLACEHOLDER
from lake.instants import from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Missing:
    """What a template gives that holds a placeholder without a value."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Literal:
    """A canonical value of a plan type, and the form that it takes where a placeholder names none."""

    value: str
    type: str
    form: str | None = None

    def write(self, form: str | None = None) -> str | int:
        """The value as JSON: whole numbers as such, all else as text."""
        form = form or self.form
        match self.type.partition("(")[0]:
            case "int64":
                return int(self.value)
            case "timestamp" if form:
                return _instant(from_text(self.value), form)
            case "date" if form:
                return _instant(from_text(f"{self.value}T00:00:00Z"), form)
            case "time" if form == "hhmmss":
                return self.value.replace(":", "")
            case _:
                return self.value


def _instant(at: datetime, form: str) -> str | int:
    if form.startswith("%"):
        return at.strftime(form)
    name, _, zone = form.removesuffix(")").partition("(")
    return INSTANTS[name](at, zone)


INSTANTS: Mapping[str, Callable[[datetime, str], str | int]] = {
    "epoch_s": lambda at, _: (at - EPOCH) // timedelta(seconds=1),
    "epoch_ms": lambda at, _: (at - EPOCH) // timedelta(milliseconds=1),
    "date": lambda at, _: at.strftime("%Y-%m-%d"),
    "yyyymmdd": lambda at, _: at.strftime("%Y%m%d"),
    "local": lambda at, zone: at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(),
}
"""By form: an instant as the API writes it; a bound is as coarse as the form already, so that nothing is cut off here."""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its placeholders' values, of which a Literal is written in the form that the placeholder names.

    A text that is one placeholder becomes the value itself, of whatever type. A member whose placeholder has no value is
    left out; in an object that stands in a list, the object is; what becomes empty thereby is left out itself (MISSING).
    """
    match template:
        case str():
            return _text(template, values)
        case dict():
            members = {name: fill(value, values) for name, value in template.items()}
            return _left(template, {name: value for name, value in members.items() if value is not MISSING})
        case list():
            return _left(template, [value for item in template if (value := _item(item, values)) is not MISSING])
        case _:
            return template


def _item(item: Any, values: Mapping[str, Any]) -> Any:
    """An item of a list: it says one thing, or nothing."""
    if not isinstance(item, dict):
        return fill(item, values)
    members = {name: fill(value, values) for name, value in item.items()}
    return MISSING if MISSING in members.values() else members


def _left[T: (dict[str, Any], list[Any])](template: T, filled: T) -> T | Missing:
    return MISSING if template and not filled else filled


def _text(template: str, values: Mapping[str, Any]) -> Any:
    whole = PLACEHOLDER.fullmatch(template)
    if whole and whole[1]:
        return _value(values.get(whole[1]), whole[2])
    pieces, end = [], 0
    for found in PLACEHOLDER.finditer(template):
        value = _value(values.get(found[1]), found[2]) if found[1] else found[0][0]
        if value is MISSING:
            return MISSING
        pieces += [template[end : found.start()], as_text(value)]
        end = found.end()
    return "".join((*pieces, template[end:]))


def _value(value: Any, form: str | None) -> Any:
    if value is None:
        return MISSING
    return value.write(form) if isinstance(value, Literal) else value


def as_text(value: Any) -> str:
    """A value inside a text or a parameter: lists with commas."""
    return ",".join(map(as_text, value)) if isinstance(value, list) else str(value)
