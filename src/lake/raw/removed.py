"""Entries of a delta answer that say that a row is gone, and the keys they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from lake.contract.plan import Plan
    from lake.raw.envelope import Removed

PREDICATE = re.compile(r"\(((?:[^'()]|'(?:[^']|'')*')*)\)$")
PART = re.compile(r"(?:(\w+)=)?((?:[^',]|'(?:[^']|'')*')+)(?:,|$)")


def is_removed(entry: Any, how: Removed) -> bool:
    """Whether an entry says that a row is gone."""
    if not isinstance(entry, dict):
        return False
    return how.mark in entry or str(entry.get(how.context)).endswith(how.ending)


def removed_key(entry: dict[str, Any], plan: Plan, how: Removed) -> tuple[str, ...]:
    """The key of the row that is gone, as text; raises ValueError where the entry names none."""
    own = [entry.get(field.field) for field in plan.key_fields]
    if all(isinstance(value, str) for value in own):
        return tuple(map(str, own))
    name = next((entry[place] for place in how.ids if isinstance(entry.get(place), str)), None)
    if name is None:
        raise ValueError("an entry says that a row is gone, but not which")
    return _named(str(name), plan)


def _named(name: str, plan: Plan) -> tuple[str, ...]:
    """`Items(Order='4711',Item=10)`, `https://host/Things('47%2F11')` or the bare value of a key of one field."""
    fields = [field.field for field in plan.key_fields]
    predicate = PREDICATE.search(unquote(name))
    if predicate is None:
        if len(fields) == 1 and "/" not in name and "(" not in name:
            return (name,)
        raise ValueError(f"an entry says that a row is gone, but {name!r} is no key of {', '.join(fields)}")
    parts = {field or fields[0]: _unquoted(value) for field, value in PART.findall(predicate[1])}
    if set(parts) != set(fields):
        raise ValueError(f"an entry says that a row is gone, but {name!r} is no key of {', '.join(fields)}")
    return tuple(parts[field] for field in fields)


def _unquoted(literal: str) -> str:
    return literal[1:-1].replace("''", "'") if literal.startswith("'") else literal
