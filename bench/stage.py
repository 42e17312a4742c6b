"""What is measured as it is deployed: the package `lake` with plans compiled from the benchmark's contracts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import lake
from lake.contract.build import compile_folder, write

CONTRACTS = Path(__file__).parent / "contracts"


def stage(folder: Path) -> Path:
    """A folder to put on the path, made anew: `lake/` with plans. Sources: odata, salesforce, and what `variants` makes."""
    shutil.rmtree(folder, ignore_errors=True)
    package = Path(lake.__file__).parent
    shutil.copytree(package, folder / "lake", ignore=shutil.ignore_patterns("plans", "__pycache__", "cli", "curate"))
    plans = compile_folder(CONTRACTS)
    write(
        plans | variant(plans, "odata", "windows", {"parallel_windows": 8}, {"window_s": 30 * 86400}),
        folder / "lake" / "plans",
    )
    return folder


def variant(
    plans: dict[str, str], like: str, name: str, source: dict[str, object], entity: dict[str, object]
) -> dict[str, str]:
    """The plans of a source under another name, with other settings of its own and of its entity."""
    renamed = {"source": name}
    source_plan = json.loads(plans[f"source.{like}.json"]) | renamed | source
    entity_plan = json.loads(plans[f"{like}.rows.json"]) | renamed | {"entity": f"{name}.rows"} | entity
    return {f"source.{name}.json": _canonical(source_plan), f"{name}.rows.json": _canonical(entity_plan)}


def _canonical(plan: dict[str, object]) -> str:
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
