"""How an OData source describes an entity: its service's `$metadata`, as the plan's types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lake.extract.http import Request
from lake.extract.protocols.dialect import Describe
from lake.extract.protocols.edm import read_model

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.protocols.dialect import SourceField

V2_STAMP = "timestamp(3)"
"""Whatever precision the metadata names: version 2 sends `/Date(ms)/`."""


def service_of(path: str) -> str:
    """The part of an entity's path that names its service: what stands before the set, and before a parent with a key.

    `API_SALES_ORDER_SRV/` of `API_SALES_ORDER_SRV/A_SalesOrder`; nothing of `companies(1)/items`.
    """
    above = path.split("/")[:-1]
    named = next((position for position, part in enumerate(above) if "(" in part), len(above))
    return "".join(f"{part}/" for part in above[:named])


def _request(source: SourcePlan, plan: Plan) -> Request:
    path = f"{source.base_path}/{service_of(plan.path)}$metadata"
    return Request(path, tuple(source.params.items()), (("Accept", "application/xml"),))


def _read(source: SourcePlan, plan: Plan, body: bytes) -> dict[str, dict[str, SourceField]]:
    """By path: every entity set of the service, and under the children's own paths what the navigations lead to.

    A navigation that is gone leads to nothing; an entity that the service does not have is not among them.
    """
    model = read_model(body)
    sets = {f"{service_of(plan.path)}{name}": model.types.get(kind) for name, kind in model.sets.items()}
    entity = model.of_set(plan.path.rpartition("/")[2])
    if entity is None:
        return {path: _sent(source, kind.fields) for path, kind in sets.items() if kind is not None}
    below = {child.path: model.types.get(entity.collections.get(child.field, "")) for child in plan.children}
    found = sets | {plan.path: entity} | below
    return {path: _sent(source, kind.fields) if kind is not None else {} for path, kind in found.items()}


def _sent(source: SourcePlan, fields: dict[str, SourceField]) -> dict[str, SourceField]:
    """The fields as the source's version of the protocol sends them."""
    if source.version != "v2":
        return fields
    return {
        name: replace(field, type=V2_STAMP) if (field.type or "").startswith("timestamp") else field
        for name, field in fields.items()
    }


DESCRIBE = Describe(_request, _read)
