"""What raw holds beside what its source has."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.instants import from_text

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

PLANS = [
    Plan.load(text)
    for name, text in compile_folder(Path(__file__).parents[2] / "contracts").items()
    if not name.startswith("source.")
]
TABLES = {plan.entity: plan.path.rpartition("/")[2] for plan in PLANS if plan.filter is None}
"""Each entity that the contracts read whole, and the source's table."""


def assert_raw_equals_source(lake: RawLake, source: Source, entity: str) -> None:
    """Each visible row of the source is the newest version of its key in raw, with equal values, and no other key lives."""
    plan = lake.plans[entity]
    truth = {tuple(row[f.field] for f in plan.key_fields): row for row in source.rows(TABLES[entity])}
    newest = {tuple(map(str, key)): row for key, row in lake.newest(entity).items()}
    assert newest.keys() == truth.keys()
    for key, row in truth.items():
        for field in plan.fields:
            assert same(newest[key][field.field], row[field.field]), (key, field.field)


def same(raw: Any, stored: Any) -> bool:
    """Whether a raw value is what the simulator stores as text or number."""
    if raw is None or stored is None:
        return raw is stored
    if isinstance(raw, bool):
        return raw == bool(int(stored))
    if isinstance(raw, datetime):
        return raw == from_text(str(stored))
    return str(raw) == str(stored)
