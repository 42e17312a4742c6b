"""The contracts of the last release, by which the next ones are judged: one JSON file of plans, an entity a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lake.contract.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "released.json"


def read_released(file: Path) -> dict[str, Plan]:
    """The plans of a file, by entity; none where there is no such file."""
    if not file.is_file():
        return {}
    return {name: Plan.load(json.dumps(raw)) for name, raw in json.loads(file.read_text("utf-8")).items()}


def written(plans: Mapping[str, Plan]) -> str:
    """The file's text: in order, so that a review shows what changes."""
    lines = ",\n".join(f"{json.dumps(name)}: {plans[name].dump()}" for name in sorted(plans))
    return f"{{\n{lines}\n}}\n"
