"""The plans that were built into this package. Read with the standard library alone, by Lambda and by Glue."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lake.contract.plan import Plan, PlanError, SourcePlan


@cache
def plans() -> dict[str, Plan]:
    """The plans that were built into this package, by entity; raises PlanError where there are none."""
    return {
        plan.entity: plan
        for plan in (Plan.load(text) for name, text in _packaged().items() if not name.startswith("source."))
    }


@cache
def sources() -> dict[str, SourcePlan]:
    """The sources that were built into this package, by name; raises PlanError where there are none."""
    return {
        plan.source: plan
        for plan in (SourcePlan.load(text) for name, text in _packaged().items() if name.startswith("source."))
    }


def _packaged() -> dict[str, str]:
    folder = files("lake") / "plans"
    found = {}
    if folder.is_dir():
        found = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".json")}
    if not found:
        raise PlanError("the package `lake` holds no plans: build it (`make build` compiles contracts/)")
    return dict(sorted(found.items()))
