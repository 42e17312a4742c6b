"""What a side's process measures of itself: seconds, CPU seconds and peak memory of the work, imports and warm-up left out.

Standard library alone: each side imports this, whatever else it has.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Task:
    """What a side is told: where the source is, where to write, which plan describes the rows.

    `start` is the path of the first page for those who follow links; `warm_up` goes before it, for the rows to warm up with.
    """

    url: str
    aws: str
    start: str
    warm_up: str
    out: str
    plan: str
    result: str
    profile: str | None

    @staticmethod
    def told() -> Task:
        """The task on the command line."""
        return Task(**json.loads(sys.argv[1]))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """API name and plan type of each field."""
        plan: dict[str, Any] = json.loads(Path(self.plan).read_text("utf-8"))
        return [(field["field"], field["type"]) for field in plan["fields"]]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process saw: seconds on the clock and of CPU, peak memory in MiB, whatever else it counted."""

    seconds: float
    cpu: float
    peak_mib: float
    counted: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> Sample:
        """The sample that a side wrote."""
        raw = json.loads(path.read_text("utf-8"))
        return Sample(**{item.name: raw[item.name] for item in fields(Sample)})


def peak_mib() -> float:
    """The most memory that this process ever held (VmHWM)."""
    line = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure(task: Task, warm_up: Callable[[], object], work: Callable[[], object]) -> None:
    """Warms up, works, writes the sample down."""
    warm_up()
    clock, cpu = time.perf_counter(), time.process_time()
    _profiled(work, task.profile) if task.profile else work()
    write(task, Sample(time.perf_counter() - clock, time.process_time() - cpu, peak_mib()))


def write(task: Task, sample: Sample) -> None:
    """Leaves a sample where the task says."""
    Path(task.result).write_text(json.dumps(asdict(sample)), encoding="utf-8")


def _profiled(work: Callable[[], object], path: str) -> None:
    import cProfile  # noqa: PLC0415  # costs memory, which is measured here

    profile = cProfile.Profile()
    try:
        profile.runcall(work)
    finally:
        profile.dump_stats(path)
