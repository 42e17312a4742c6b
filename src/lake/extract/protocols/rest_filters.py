"""Conditions in the words of an API (`lake.contract.rest.FilterSpec`). One function a style, in a dictionary."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

from lake.extract.protocols.rest_templates import MISSING, Literal, fill
from lake.extract.query import Compare, Either, Every, IsNull, Verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lake.extract.query import Condition

    type Spec = Mapping[str, Any]


def write_filter(spec: Spec, where: tuple[Condition, ...]) -> Any:
    """All of the conditions as JSON or text; None where there is none, and no word for that."""
    if not where:
        return spec.get("nothing")
    return STYLES[spec["style"]](spec, Every(where))


def _text(spec: Spec, condition: Condition) -> str:
    match condition:
        case Every((one,)) | Either((one,)):
            return _text(spec, one)
        case Every(conditions):
            return f"({spec['all'].join(_text(spec, part) for part in conditions)})"
        case Either(conditions):
            return f"({spec['any'].join(_text(spec, part) for part in conditions)})"
        case Verbatim(text):
            return f"({text})"
        case _:
            return str(_leaf(spec, condition))


def _prefix(spec: Spec, condition: Condition) -> list[Any]:
    """Operators of two operands before them: `["&", a, "&", b, c]`."""
    match condition:
        case Either() if (one := _one_of(spec, condition)) is not MISSING:
            return [one]
        case Every(conditions) | Either(conditions):
            operator = spec["all" if isinstance(condition, Every) else "any"]
            *firsts, last = (_prefix(spec, part) for part in conditions)
            return [piece for part in firsts for piece in (operator, *part)] + last
        case _:
            return [_leaf(spec, condition)]


def _nested(spec: Spec, condition: Condition) -> Any:
    match condition:
        case Every((one,)) | Either((one,)):
            return _nested(spec, one)
        case Either() if (one := _one_of(spec, condition)) is not MISSING:
            return one
        case Every(conditions) | Either(conditions):
            template = spec["all" if isinstance(condition, Every) else "any"]
            return fill(template, {"conditions": [_nested(spec, part) for part in conditions]})
        case _:
            return _leaf(spec, condition)


def _groups(spec: Spec, condition: Condition) -> Any:
    """A list of groups, of which one must hold whole."""
    groups = [fill(spec["all"], {"conditions": group}) for group in _alternatives(spec, condition)]
    return fill(spec["any"], {"conditions": groups}) if "any" in spec else groups


def _alternatives(spec: Spec, condition: Condition) -> list[list[Any]]:
    """The condition's disjunctive normal form: `(a or b) and c` is `a and c, or b and c`."""
    match condition:
        case Either() if (one := _one_of(spec, condition)) is not MISSING:
            return [[one]]
        case Either(conditions):
            return [group for part in conditions for group in _alternatives(spec, part)]
        case Every(conditions):
            parts = product(*(_alternatives(spec, part) for part in conditions))
            return [[leaf for group in part for leaf in group] for part in parts]
        case _:
            return [[_leaf(spec, condition)]]


def _one_of(spec: Spec, condition: Either) -> Any:
    """Several values of one field in the API's own word for that, where it has one; else MISSING."""
    parts = list(map(_alone, condition.conditions))
    equal = [part for part in parts if isinstance(part, Compare) and part.operator == "eq"]
    if "one_of" not in spec or len(equal) < len(parts) or len({part.field for part in equal}) != 1:
        return MISSING
    return fill(spec["one_of"], {"field": equal[0].field, "values": [_value(spec, part) for part in equal]})


def _alone(condition: Condition) -> Condition:
    """The one condition that is all of several."""
    match condition:
        case Every((one,)) | Either((one,)):
            return one
        case _:
            return condition


def _leaf(spec: Spec, condition: Condition) -> Any:
    match condition:
        case Compare(field, operator, _, kind):
            template = spec["compare_as"].get(kind.partition("(")[0], spec["compare"])
            word = spec["operators"][operator]
            return fill(template, {"field": field, "operator": word, "value": _value(spec, condition)})
        case IsNull(field):
            return fill(spec["null"], {"field": field})
        case Verbatim(text):
            return json.loads(text)


def _value(spec: Spec, condition: Compare) -> str | int:
    """The value, safe to stand between quotes where the filter is a text."""
    form = spec["literals"].get(condition.type.partition("(")[0], condition.form)
    value = Literal(condition.value, condition.type, form).write()
    quote = spec.get("quote")
    return value.replace(quote, quote * 2) if quote and isinstance(value, str) else value


STYLES: Mapping[str, Callable[[Spec, Condition], Any]] = {
    "text": _text,
    "groups": _groups,
    "nested": _nested,
    "prefix": _prefix,
}
