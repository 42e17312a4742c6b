"""What all sides share that read a source by its links: the same task, once to warm up and once to be measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.arrow_types import schema
from bench.measuring import Task, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


def measure_reading(read_all: Callable[[str, str, Path, pa.Schema], None]) -> None:
    """Measures `read_all(url, first link, folder, schema)`."""
    task = Task.told()
    whole, out = schema(task.fields), Path(task.out)
    measure(
        task,
        lambda: read_all(task.url, task.warm_up + task.start, out / "warm-up", whole),
        lambda: read_all(task.url, task.start, out / "rows", whole),
    )
