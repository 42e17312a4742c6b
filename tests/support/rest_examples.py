"""The examples of declarative REST as plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lake.contract.build import compile_folder
from lake.contract.plan import Plan, SourcePlan
from lake.extract.protocols import DIALECTS

BUILT = compile_folder(Path(__file__).parents[2] / "docs" / "examples")
CONTACT, ORDER, ENGINEER = (
    Plan.load(BUILT[f"{name}.json"]) for name in ("hubspot.contact", "service.work_order", "service.engineer")
)
HUBSPOT, SERVICE = (SourcePlan.load(BUILT[f"source.{name}.json"]) for name in ("hubspot", "service"))
REST = DIALECTS["rest"]


def paged(plan: Plan, **paginator: Any) -> Plan:
    """The plan with another paginator, whose token goes out as the parameter `t`."""
    rest = {**(plan.rest or {}), "paginator": paginator}
    return replace(plan, rest=rest | {"params": rest["params"] | {"t": "{token}"}})
