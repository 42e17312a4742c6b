"""What an extraction touches, and what comes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from lake.instants import to_text
from lake.raw.manifest import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lake.extract.budget import Budget
    from lake.extract.http import Connection
    from lake.raw.store import RawBucket
    from lake.state.entity import StateTable
    from lake.state.runs import RunRecords
    from lake.state.source import LimitsItem

NOTHING = Counts()

Status = Literal["CONTINUE", "PAUSED", "DONE"]


@dataclass(frozen=True, slots=True)
class World:
    """What an extraction touches."""

    raw: RawBucket
    table: StateTable
    limits: LimitsItem
    runs: RunRecords
    connect: Callable[[Budget], Connection]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """What the source did that degrades the run though reading goes on. `error`: a class of `lake.run.remedy`."""

    error: str
    cause: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an invocation did: whether to call again, the loads it committed, the rows it counted.

    `notes`: what someone should know though nothing is wrong. `drift`: what the source says of its fields otherwise than the
    contract does. `problems`: what else degrades the run.
    """

    entity: str
    status: Status
    loads: tuple[int, ...] = ()
    counts: Counts = NOTHING
    resume_at: datetime | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    problems: tuple[SourceProblem, ...] = ()

    def record(self) -> dict[str, Any]:
        """What the run's records keep of it."""
        return {
            "entity": self.entity,
            "status": self.status,
            "loads": list(self.loads),
            "received": self.counts.received,
            "landed": self.counts.landed,
            "repeated": self.counts.repeated,
            "beyond": self.counts.beyond,
            "resume_at": to_text(self.resume_at) if self.resume_at else None,
            "reason": self.reason,
            "notes": list(self.notes),
            "drift": list(self.drift),
            "problems": [asdict(problem) for problem in self.problems],
        }
