"""A ledger in memory."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Notebook:
    """Progress, wants and records, as curating noted them."""

    progress: dict[str, int] = field(default_factory=dict)
    held: dict[str, tuple[int | None, int]] = field(default_factory=dict)
    wants: dict[str, tuple[str, int]] = field(default_factory=dict)
    suspects: dict[str, tuple[str, int]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)

    def curated(self, entity: str, through: int, live_rows: int | None, keyless: int) -> None:
        self.progress[entity] = through
        self.held[entity] = (live_rows, keyless)

    def wanted(self, entity: str, place: str, keys: int) -> None:
        self.wants[entity] = (place, keys)

    def suspected(self, entity: str, place: str, keys: int) -> None:
        self.suspects[entity] = (place, keys)

    def record(self, run_id: str, entity: str, record: dict[str, Any]) -> None:
        self.records[f"{run_id}/{entity}"] = record
