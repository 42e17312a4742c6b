"""Which columns name rows of which other table: `relationships` of a contract's tables and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.contract.plan import Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from open_data_contract_standard.model import Relationship as Said
    from open_data_contract_standard.model import SchemaObject

    from lake.contract.errors import Findings

SAME_SOURCE, QUALIFIED = 2, 3


def relationships_of(found: Findings, objects: Sequence[SchemaObject], source: str) -> tuple[Relationship, ...]:
    """All relationships of a contract, its own side checked; `lake.contract.together` looks at the other one."""
    relationships = []
    for position, table in enumerate(objects):
        path, child = f"schema[{position}]", table.name if position else None
        for place, name, columns, said in _said(table, path):
            target = _target(found, place, said, source)
            if target is None:
                continue
            if len(columns) != len(target[1]):
                found.add(place, f"{len(columns)} column(s) cannot name a row by {len(target[1])}")
            relationships.append(Relationship(name, columns, target[0], target[1], child))
    names = [relationship.name for relationship in relationships]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.add("schema", f"{name!r} is the name of two relationships: give one an `id`")
    return tuple(relationships)


def _said(table: SchemaObject, path: str) -> Iterator[tuple[str, str, tuple[str, ...], Said]]:
    """Place, name and own columns of each relationship of a table and of its fields."""
    for position, field in enumerate(table.properties or []):
        for number, said in enumerate(field.relationships or []):
            place = f"{path}.properties[{position}].relationships[{number}]"
            yield place, said.id or f"{table.name}_{field.name}", (field.name or "",), said
    for number, said in enumerate(table.relationships or []):
        named = said.from_ if isinstance(said.from_, list) else [said.from_ or ""]
        columns = tuple(text.removeprefix(f"{table.name}.") for text in named)
        yield f"{path}.relationships[{number}]", said.id or f"{table.name}_{'_'.join(columns)}", columns, said


def _target(found: Findings, place: str, said: Said, source: str) -> tuple[str, tuple[str, ...]] | None:
    """The table (`erp.sales_order_item`) and the columns that a relationship names, None where it names none."""
    if said.type not in (None, "foreignKey"):
        found.add(f"{place}.type", f"is {said.type!r}; there is: foreignKey")
    if (said.from_ is None) != (".properties[" in place):
        found.add(f"{place}.from", "is for the relationships of a table, and needed there")
    texts = [text.split(".") for text in (said.to if isinstance(said.to, list) else [said.to or ""])]
    tables = {".".join(parts[:-1] if len(parts) == QUALIFIED else [source, *parts[:-1]]) for parts in texts}
    if {len(parts) for parts in texts} - {SAME_SOURCE, QUALIFIED} or len(tables) != 1:
        found.add(f"{place}.to", f"is {said.to!r}, expected table.column, or source.table.column, of one table")
        return None
    return tables.pop(), tuple(parts[-1] for parts in texts)


def places_of(objects: Sequence[SchemaObject]) -> dict[str, str]:
    """Where each relationship of a contract stands, by its name."""
    return {name: place for n, table in enumerate(objects) for place, name, _, _ in _said(table, f"schema[{n}]")}
