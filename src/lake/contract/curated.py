"""From a contract's `curated` to the plan's: how the curated tables are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.contract.extraction import seconds
from lake.contract.plan import Curated, Field

if TYPE_CHECKING:
    from lake.contract.errors import Findings
    from lake.contract.odcs import CuratedSpec

PLACE = "customProperties.curated"
TRANSFORM = re.compile(r"(?:(?:bucket|truncate)\( *[1-9]\d* *, *(\w+) *\)|(\w+))")
TRUNCATED = ("string", "int64", "decimal")


def curated_of(found: Findings, spec: CuratedSpec, fields: tuple[Field, ...], key: tuple[str, ...]) -> Curated:
    """How an entity's tables are kept, checked against its fields and its key."""
    names = [field.name for field in fields]
    for position, name in enumerate(spec.sort):
        if name not in names:
            found.add(f"{PLACE}.sort[{position}]", f"{name!r} is no column of the entity")
    types = {field.name: field.base for field in fields if field.name in key}
    for position, text in enumerate(spec.partition):
        _check_partition(found, f"{PLACE}.partition[{position}]", text, types)
    return Curated(
        history=spec.history,
        sort=tuple(spec.sort),
        partition=tuple(re.sub(r" *([(,)]) *", r"\1", text).replace(",", ", ") for text in spec.partition),
        bad_fraction=spec.quarantine.max_fraction,
        bad_min_rows=spec.quarantine.min_rows,
        snapshots_s=seconds(spec.time_travel),
    )


def _check_partition(found: Findings, place: str, text: str, key: dict[str, str]) -> None:
    """A partition must never change for a key: an update that moved a row to another one would leave the old row behind."""
    match = TRANSFORM.fullmatch(text)
    if match is None:
        found.add(place, f"{text!r} is no bucket(n, column), truncate(n, column) or column")
    elif (column := match[1] or match[2]) not in key:
        found.add(place, f"{column!r} is not in the key ({', '.join(key)}): a row may change it, and would stand twice")
    elif text.startswith("truncate") and key[column] not in TRUNCATED:
        found.add(place, f"{column} is a {key[column]}: truncate is for {', '.join(TRUNCATED)}")
