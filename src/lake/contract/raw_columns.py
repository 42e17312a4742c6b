"""How the columns of raw are called: as the API calls its fields, unless that name is taken there.

Taken are the lake's own columns, the partitions of raw's tables in the catalog, and a name that an earlier field has but for the
case of its letters: Spark, Glue and Athena do not tell these apart. `Status` and `STATUS` become `Status` and `STATUS_2`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lake.contract.plan import Child, Field

LINEAGE = ("_row", "_observed_at", "_cursor", "_unfit", "_unmapped")
"""The lake's own columns of a row file."""
PARTITIONS = ("major", "loaded_on")
OF_TOMBSTONES = ("_deleted_at",)
"""What files of tombstones have beside the key and `_observed_at`."""


def folded(name: str) -> str:
    """A name as engines compare it: without regard to case."""
    return name.upper().casefold()


def with_columns(
    fields: Sequence[Field], children: Sequence[Child], key: Sequence[str]
) -> tuple[tuple[Field, ...], tuple[Child, ...]]:
    """An entity's fields and children with the names of their columns in raw, where these are not the API's.

    A name is given up on collision only, so that other plans keep their hashes.
    """
    taken = {*LINEAGE, *PARTITIONS}
    of_key = [field.field for field in fields if field.name in key]
    others = [field.field for field in fields if field.name not in key] + [child.field for child in children]
    named = _named(of_key, {*taken, *OF_TOMBSTONES})
    named |= _named(others, {*taken, *(column or name for name, column in named.items())})
    return (
        tuple(replace(field, column=named[field.field]) for field in fields),
        tuple(replace(child, column=named[child.field], fields=_of_items(child.fields)) for child in children),
    )


def _of_items(fields: Sequence[Field]) -> tuple[Field, ...]:
    """Items are structs: nothing of the lake's own is in them."""
    named = _named([field.field for field in fields], ())
    return tuple(replace(field, column=named[field.field]) for field in fields)


def _named(names: Sequence[str], taken: Iterable[str]) -> dict[str, str | None]:
    """The column of each name: None where it is its own; else the first of `name_2`, `name_3` ... that is free."""
    used = {folded(name) for name in taken}
    columns: dict[str, str | None] = {}
    for name in names:
        if folded(name) not in used:
            used.add(folded(name))
            columns[name] = None
    for name in names:
        if name not in columns:
            number = 2
            while folded(f"{name}_{number}") in used:
                number += 1
            columns[name] = f"{name}_{number}"
            used.add(folded(f"{name}_{number}"))
    return columns
