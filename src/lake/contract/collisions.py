"""Names that would stand for two things at once: a column of the lake's own tables, a member of the source's documents.

Only tables that an entity has count, and only columns that they hold. Raw needs no check: it gives a column another name
(`lake.contract.raw_columns`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.contract.raw_columns import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lake.contract.errors import Findings
    from lake.contract.plan import Plan

OF_DELETED = ("deleted_at",)
OF_QUARANTINE = ("reasons", "row", "status", "first_seen", "plan", "contract", "closed_at", "replayed_by")
OF_HISTORY = ("valid_from", "valid_to")
"""The lake's own columns beside those that begin with an underscore, as no column of a contract can."""
TRANSFORM = re.compile(r"(bucket|truncate)\(\d+, (\w+)\)")
PARTITIONED = {"bucket": "bucket", "truncate": "trunc"}
"""What Iceberg calls a partition: the column with this behind it."""


def check_collisions(found: Findings, plan: Plan) -> None:
    """Notes each name of a contract that stands for something else already."""
    _check_columns(found, plan)
    _check_children(found, plan)
    _check_members(found, plan)
    _check_partitions(found, plan)


def _own(plan: Plan) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    """The tables that have columns of the lake's own: name, what of a row they hold, in words and as columns, and these."""
    yield f"{plan.table}_deleted", "the key", plan.key, OF_DELETED
    yield f"{plan.table}_quarantine", "the key", plan.key, OF_QUARANTINE
    if plan.curated.history:
        held = (*(field.name for field in plan.fields), *(child.name for child in plan.children))
        yield f"{plan.table}_history", "all columns", held, OF_HISTORY


def _check_columns(found: Findings, plan: Plan) -> None:
    places = {field.name: f"schema[0].properties[{n}].name" for n, field in enumerate(plan.fields)}
    places |= {child.name: f"schema[{n}].name" for n, child in enumerate(plan.children, start=1)}
    for table, what, held, own in _own(plan):
        for name in _among(held, own):
            reason = f"{name} is a column of the lake's own in {table}, which holds {what}, too"
            found.add(places[name], f"{reason}: give it another name, such as {plan.name}_{name}")


def _check_children(found: Findings, plan: Plan) -> None:
    columns = [field.name for field in plan.fields]
    for number, child in enumerate(plan.children, start=1):
        if _among([child.name], columns):
            found.add(
                f"schema[{number}].name",
                f"{child.name} is a column of {plan.table}: rules would take one for the other",
            )


def _check_members(found: Findings, plan: Plan) -> None:
    """A JSON object has one member of a name, and here case counts."""
    members = [field.field for field in plan.fields]
    for number, child in enumerate(plan.children, start=1):
        if child.field and child.field in members:
            place = f"schema[{number}].customProperties.child.navigation"
            found.add(
                place,
                f"{child.field} is read already, as a field or as another table's items: a record has one of a name",
            )
        members.append(child.field)
    for name in (plan.rest or {}).get("flatten") or ():
        if name in members:
            place = "customProperties.extraction.rest.flatten"
            found.add(place, f"{name} is a field or a collection, too: what is flattened is no value of its own")


def _check_partitions(found: Findings, plan: Plan) -> None:
    items = [child.name for child in plan.children if plan.curated.history]
    tables = [
        (plan.table, dict(zip(plan.key, plan.key, strict=True)), [*(field.name for field in plan.fields), *items])
    ]
    for child in plan.children:
        of_key = dict(zip(plan.key, child.parent_key, strict=False))
        tables.append((f"{plan.source}_{child.name}", of_key, [field.name for field in child.fields]))
    for table, of_key, columns in tables:
        there = list(columns)
        for position, transform in enumerate(plan.curated.partition):
            match = TRANSFORM.fullmatch(transform)
            name = f"{of_key.get(match[2], match[2])}_{PARTITIONED[match[1]]}" if match else ""
            if _among([name], there):
                place = f"customProperties.curated.partition[{position}]"
                found.add(
                    place,
                    f"Iceberg calls the partition {transform} of {table} {name}, a name that stands there already",
                )
            there.append(name)


def _among(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names that others have, too, without regard to case."""
    taken = {folded(other) for other in others}
    return [name for name in names if folded(name) in taken]
