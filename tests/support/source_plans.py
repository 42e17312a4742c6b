"""A source, two of its entities as plans, and a window to read them in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lake.contract.plan import Cursor, SourcePlan
from lake.extract.window import Window
from tests.support.plans import plan

WINDOW = Window(datetime(2026, 11, 16, 5, 30, tzinfo=UTC), datetime(2026, 11, 16, 6, tzinfo=UTC))
SPLIT = Cursor("split", ("D", "T"), 0, "Europe/Berlin", "stand_in", ("CD", "CT"))
SPLIT_PLAN = plan({"D": "date", "T": "time", "CD": "date", "CT": "time"}, cursor=SPLIT)
FINE_PLAN = plan({"Fine": "timestamp(7)"}, items={"Text": "string"})


def source(protocol: str = "odata", **other: Any) -> SourcePlan:
    made = SourcePlan("erp", protocol, "", "/base", "none", None, {"sap-client": "100"}, None, 2, 60, 5, 1)
    return replace(made, **other)
