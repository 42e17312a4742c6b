"""What an extractor meets in a laboratory: a simulated source over HTTP, S3 and DynamoDB in memory, a clock that is wrong."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any

import requests

from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.engine import extract
from lake.extract.http import Connection
from lake.extract.protocols import DIALECTS
from lake.extract.world import Extracted, World
from lake.raw.store import RawBucket
from lake.state.entity import LIVE, StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem
from tests.convergence.cloud import Cloud, Died, Fate, MortalAdapter
from tests.convergence.origin import SECRETS

if TYPE_CHECKING:
    from lake.state.entity import EntityState
    from tests.convergence.kinds import Kind
    from tests.convergence.origin import Origin

TICK = timedelta(microseconds=1)

type Outcome = Extracted | BaseException


@dataclass
class Surroundings:
    """One source, one entity of it, one cloud. `settings`: see `tests.convergence.histories`."""

    origin: Origin
    kind: Kind
    settings: dict[str, Any]
    cloud: Cloud = field(default_factory=Cloud)
    _last: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.plan, self.source = self.kind.plans(self.settings)

    def now(self) -> datetime:
        """The extractor's own clock: the simulated one, set wrong by some seconds; it never stands still."""
        with self._lock:
            at = self.origin.store.now + timedelta(seconds=self.settings.get("skew_s", 0))
            self._last = max(self._last + TICK, at)
            return self._last

    def world(self, fate: Fate) -> World:
        """The world of one extractor: real HTTP, and clients that obey its fate."""
        s3, dynamodb = self.cloud.clients(fate)
        dialect = DIALECTS[self.source.protocol]

        def connect(budget: Budget) -> Connection:
            session = requests.Session()
            session.trust_env = False
            session.mount("http://", MortalAdapter(fate))
            return Connection(
                url=self.origin.url,
                plan=self.source,
                login=login_for(self.source, json.dumps(SECRETS[self.origin.name])),
                session=session,
                budget=budget,
                quota_reached=dialect.quota_reached,
                usage_of=dialect.usage_of,
                passing=dialect.passing,
                now=self.now,
                sleep=lambda _: None,
            )

        return World(
            raw=RawBucket(s3, "raw"),  # type: ignore[arg-type]
            table=StateTable(dynamodb, "state"),  # type: ignore[arg-type]
            limits=LimitsItem(dynamodb, "state", self.source.source),  # type: ignore[arg-type]
            runs=RunRecords(dynamodb, "state"),  # type: ignore[arg-type]
            connect=connect,
            now=self.now,
        )

    def extract(
        self, fate: Fate, run: str, allowed: int | None, lane: str = LIVE, window: dict[str, str] | None = None
    ) -> Outcome:
        """One invocation: what it gave or raised."""
        budget = Budget(time.monotonic() + 60, 1.0, allowed)
        try:
            return extract(self.plan, self.source, run, self.world(fate), budget, lane=lane, window=window)
        except (Exception, Died) as error:  # noqa: BLE001  whatever it is, it is judged
            return error

    def state(self, lane: str = LIVE) -> EntityState:
        """What extraction remembers."""
        return StateTable(self.cloud.clients(Fate())[1], "state").read(self.plan.entity, lane)  # type: ignore[arg-type]
