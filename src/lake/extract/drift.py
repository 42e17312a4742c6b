"""Drift: where a source describes an entity otherwise than its contract does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lake.contract.plan import Field, Plan
    from lake.extract.protocols.dialect import SourceField

type Described = Mapping[str, Mapping[str, SourceField]]
"""Path → field name → field."""

INT64_DIGITS = 18
"""So many digits surely fit into an int64."""


def drift(plan: Plan, described: Described) -> tuple[str, ...]:
    """What the source says otherwise: fields that are gone, types that no longer fit, another key. Each a sentence's part.

    What the source does not describe is not judged; fields that the contract leaves out are none of its business.
    """
    found = list(_of(plan.path, plan.fields, [field.field for field in plan.key_fields], described))
    for child in plan.children:
        by_name = {field.name: field.field for field in child.fields}
        found += _of(child.path, child.fields, [by_name[name] for name in child.key], described)
    return tuple(found)


def _of(path: str, fields: tuple[Field, ...], key: list[str], described: Described) -> Iterator[str]:
    source = described.get(path)
    if source is None:
        return
    for field in fields:
        theirs = source.get(field.field)
        if theirs is None:
            yield f"{path} has no field {field.field} any more"
        elif theirs.type is not None and not holds(field.type, theirs.type):
            yield f"{path}.{field.field} is {theirs.type} at the source, {field.type} in the contract"
    keys = {name for name, theirs in source.items() if theirs.key}
    if keys and keys != set(key):
        yield f"{path} is keyed by {', '.join(sorted(keys))} at the source, by {', '.join(key)} in the contract"


def holds(ours: str, theirs: str) -> bool:
    """Whether each value of the source's type fits the contract's. Lengths of texts and digits of stamps are not judged,
    nor digits of which the source says nothing."""
    (base, digits), (their_base, their_digits) = _parts(ours), _parts(theirs)
    if their_base == "decimal" and not their_digits:
        return base == "decimal"
    if base == their_base == "decimal":
        return _fits(digits, their_digits)
    if (base, their_base) == ("int64", "decimal"):
        return their_digits[1] == 0 and their_digits[0] <= INT64_DIGITS
    if (base, their_base) == ("decimal", "int64"):
        return digits[0] - digits[1] > INT64_DIGITS
    return base == their_base


def _fits(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    (precision, scale), (their_precision, their_scale) = ours, theirs
    return their_scale <= scale and their_precision - their_scale <= precision - scale


def _parts(kind: str) -> tuple[str, tuple[int, ...]]:
    base, _, rest = kind.partition("(")
    return base, tuple(int(number) for number in re.findall(r"\d+", rest))
