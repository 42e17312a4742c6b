"""What an extractor meets in a laboratory: a simulated source over HTTP, S3 and DynamoDB in memory, a clock that is wrong.

Slow answers and waits take no real time: they pass on a clock that each extractor has of its own.
"""

from __future__ import annotations

import json
import secrets
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
from tests.convergence.origin import ASKED, SECRETS

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from lake.state.entity import EntityState
    from tests.convergence.kinds import Kind
    from tests.convergence.origin import Origin

TICK = timedelta(microseconds=1)

SECONDS = 60.0
"""How long an invocation may take; a tenth of it is kept for the commit."""

type Outcome = Extracted | BaseException


@dataclass
class Stopwatch:
    """The seconds that one extractor has worked: what it waited, and what its source took. Threads wait side by side."""

    passed: float = 0.0
    _lock: RLock = field(default_factory=RLock)

    def __call__(self) -> float:
        """Seconds."""
        return self.passed

    def sleep(self, seconds: float) -> None:
        """Waits."""
        self.wait_until(self.passed + seconds)

    def wait_until(self, instant: float) -> None:
        """Waits, unless it is as late as that already."""
        with self._lock:
            self.passed = max(self.passed, instant)


class PatientAdapter(MortalAdapter):
    """Sends requests whose answers may be late by the extractor's own clock, and ends those that are too late."""

    def __init__(self, fate: Fate, origin: Origin, stopwatch: Stopwatch) -> None:
        super().__init__(fate)
        self._origin = origin
        self._stopwatch = stopwatch

    def send(self, request: PreparedRequest, *args: Any, timeout: Any = None, **settings: Any) -> Response:
        asked, begun = secrets.token_hex(4), self._stopwatch()
        request.headers[ASKED] = asked
        try:
            return super().send(request, *args, timeout=timeout, **settings)
        finally:
            delay = self._origin.delay(asked)
            self._stopwatch.wait_until(begun + min(delay, timeout))
            if delay > timeout:
                raise requests.ReadTimeout(f"no answer in {timeout:.0f} s")


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

    def world(self, fate: Fate, stopwatch: Stopwatch) -> World:
        """The world of one extractor: real HTTP, and clients that obey its fate."""
        s3, dynamodb = self.cloud.clients(fate)
        dialect = DIALECTS[self.source.protocol]

        def connect(budget: Budget) -> Connection:
            session = requests.Session()
            session.trust_env = False
            session.mount("http://", PatientAdapter(fate, self.origin, stopwatch))
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
                sleep=stopwatch.sleep,
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
        stopwatch, seconds = Stopwatch(), self.settings.get("seconds", SECONDS)
        budget = Budget(seconds, seconds / 10, allowed, stopwatch)
        try:
            return extract(self.plan, self.source, run, self.world(fate, stopwatch), budget, lane=lane, window=window)
        except (Exception, Died) as error:  # noqa: BLE001  whatever it is, it is judged
            return error

    def state(self, lane: str = LIVE) -> EntityState:
        """What extraction remembers."""
        return StateTable(self.cloud.clients(Fate())[1], "state").read(self.plan.entity, lane)  # type: ignore[arg-type]
