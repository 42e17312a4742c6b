"""What a window without news costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from tests.support.raw_lake import RawLake

if TYPE_CHECKING:
    from lake.extract.budget import Budget
    from lake.extract.http import Connection
    from lake.extract.world import World
    from tests.support.raw_lake import Source

CALLS = ("GetObject", "PutObject", "ListObjectsV2", "PutItem", "UpdateItem", "DeleteItem")


@dataclass
class WatchedLake(RawLake):
    """A lake that keeps the connections to its sources."""

    connections: list[Connection] = field(default_factory=list)

    def world(self, source: str) -> World:
        world = super().world(source)

        def connect(budget: Budget) -> Connection:
            self.connections.append(world.connect(budget))
            return self.connections[-1]

        return replace(world, connect=connect)


@pytest.mark.parametrize(("entity", "passes", "beside"), [("erp.business_partner", 3, 0), ("crm.account", 1, 2)])
def test_an_empty_window_costs_two_requests_a_pass_three_writes_and_nothing_in_raw(
    raw_lake: RawLake, crm: Source, erp: Source, entity: str, passes: int, beside: int
) -> None:
    """`beside`: what a run asks for besides, a token and the feed of deletions."""
    source = {"crm": crm, "erp": erp}[entity.partition(".")[0]]
    sources = {name: replace(plan, daily_requests=None) for name, plan in raw_lake.sources.items()}
    lake = WatchedLake(raw_lake.plans, sources, raw_lake.urls, raw_lake.s3, raw_lake.dynamodb)
    lake.run(entity)
    source.control.advance(hours=1)
    lake.run(entity)
    source.control.advance(hours=1)
    calls: Counter[str] = Counter()
    for client in (lake.s3, lake.dynamodb):
        client.meta.events.register("before-call", lambda event_name, **_: calls.update([event_name.split(".")[-1]]))
    (result,) = lake.run(entity)
    assert (result.status, result.counts.received) == ("DONE", 0)
    assert [calls[name] for name in CALLS] == [0, 0, 0, 1, 2, 0]
    assert lake.connections[-1].requests_made - beside <= 2 * passes
