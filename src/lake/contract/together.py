"""What contracts say of each other: tables of their own, and relationships that lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lake.contract.plan import Field, Plan

BESIDE = ("deleted", "history", "quarantine")
"""Tables that an entity, and its children, have beside the current one."""


def doubled(plans: Sequence[Plan]) -> Iterator[tuple[str, str]]:
    """Entity and reason of each plan whose tables are another one's, too."""
    owners: dict[str, str] = {}
    for plan in plans:
        for name in (plan.entity, *(child.entity for child in plan.children)):
            for table in (name, *(f"{name}_{beside}" for beside in BESIDE)):
                if table in owners:
                    yield plan.entity, f"its table {table.replace('.', '_')} is one of {owners[table]}, too"
                owners.setdefault(table, plan.entity)


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
