"""What contracts say of each other: tables of their own, and relationships that lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lake.contract.plan import Field, Plan

BESIDE = ("deleted", "quarantine")
"""Tables that each entity has beside the current one, and those of its children and of its history."""
REBUILT = "__rebuild"
"""What is behind the name of a table that is made anew: it is dropped when the old one has its rows."""


def doubled(plans: Sequence[Plan]) -> Iterator[tuple[str, str]]:
    """Entity and reason of each plan whose tables are another one's, too."""
    owners: dict[str, str] = {}
    for plan in plans:
        for table in _tables(plan):
            names = (table, f"{table}{REBUILT}")
            if (taken := next((name for name in names if name in owners), None)) is not None:
                yield plan.entity, f"its table {taken.replace('.', '_')} is one of {owners[taken]}, too"
            for name in names:
                owners.setdefault(name, plan.entity)


def _tables(plan: Plan) -> list[str]:
    """The tables that an entity has: `erp.sales_order_deleted`."""
    beside = (*BESIDE, *(("history",) if plan.curated.history else ()))
    return [plan.entity, *(f"{plan.entity}_{name}" for name in beside), *(child.entity for child in plan.children)]


def matched(plan: Plan, tables: Mapping[str, Mapping[str, Field]]) -> Iterator[tuple[str, str]]:
    """Name and reason of each relationship of a plan that leads nowhere; `tables`: see `tables_of`."""
    for each in plan.relationships:
        own = tables[f"{plan.source}.{each.child or plan.name}"]
        other = tables.get(each.entity)
        if other is None:
            yield each.name, f"there is no {each.entity}"
            continue
        lacking = [name for name in each.columns if name not in own]
        lacking += [f"{each.entity}.{name}" for name in each.references if name not in other]
        if lacking:
            yield each.name, f"there is no column {', '.join(lacking)}"
            continue
        for column, reference in zip(each.columns, each.references, strict=True):
            if own[column].base != other[reference].base:
                yield each.name, f"{column} is a {own[column].type}, {reference} a {other[reference].type}"


def tables_of(plans: Sequence[Plan]) -> dict[str, dict[str, Field]]:
    """The fields of all tables, by table (`erp.sales_order_item`) and column."""
    tables = {plan.entity: {field.name: field for field in plan.fields} for plan in plans}
    for plan in plans:
        tables |= {child.entity: {field.name: field for field in child.fields} for child in plan.children}
    return tables
