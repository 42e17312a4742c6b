"""Pages of an entity as bodies, a source that answers with them from a list, and what a check says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.budget import Budget
from lake.extract.checking import PageCheck, Rows
from lake.extract.http import Answer, Request
from lake.extract.places import Place, behind
from lake.raw.page import read_page
from tests.support.plans import ENVELOPE
from tests.support.source_plans import FINE_PLAN

if TYPE_CHECKING:
    from lake.extract.passes import Pass

PLAN = replace(FINE_PLAN, page_size=3)
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def at(minute: int) -> str:
    return f"2026-11-16T05:{minute:02}:00.0000000Z"


def row(key: Any, stamp: Any = None, **more: Any) -> dict[str, Any]:
    return {"Key": key, "Fine": stamp} | more


def body(rows: list[dict[str, Any]], link: str | None = None) -> bytes:
    return json.dumps({"value": rows} | ({"@odata.nextLink": link} if link else {})).encode()


def check(reading: Pass, *pages: list[dict[str, Any]], plan: Any = PLAN) -> list[Rows]:
    """What a check says of pages that come one after the other."""
    checking, place, checked = PageCheck(plan, reading), Place(), []
    for rows in pages:
        batch = read_page(body(rows), plan, ENVELOPE).batch
        checked.append(checking.page(batch, place))
        place = behind(place, batch, "more", NOON, plan, reading) or place
    return checked


class Script:
    """A source that answers from a list; keeps what it was asked. It stands for the network alone."""

    url = "http://source"
    budget = Budget(deadline=1, margin=0, requests=None, clock=lambda: 0)

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.asked: list[Request] = []
        self.slept: list[float] = []

    def read(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(self.bodies.pop(0), NOON + timedelta(seconds=len(self.asked)), None)

    @property
    def requests_made(self) -> int:
        return len(self.asked)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
