"""Rows stamped minute by minute, plans that read them, and which of them a pass is to bring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lake.contract.plan import Cursor
from lake.extract.passes import page_query
from tests.support.model_source import ModelSource, meets
from tests.support.plans import plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.contract.plan import Paging, Plan
    from lake.extract.passes import Pass
    from lake.extract.reading import ReadPage
    from tests.support.model_source import Row

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
INSTANT = replace(plan({"Fine": "timestamp(6)"}), page_size=3)
TEXT = replace(plan({"Fine": "timestamp(7)"}), page_size=3)
SPLIT = replace(
    plan({"D": "date", "T": "time"}, cursor=Cursor("split", ("D", "T"), 0, "UTC", "never", None)), page_size=3
)
PAGINGS: tuple[Paging, ...] = ("keyset", "key", "server")


def row_of(made: Plan, number: int, minute: int) -> Row:
    """A row stamped at a minute before, in or behind the window."""
    stamp = NOON + timedelta(minutes=minute)
    row = {"Key": f"{number:03}"}
    if made.cursor.kind == "split":
        return row | {"D": f"{stamp:%Y-%m-%d}", "T": f"{stamp:%H:%M:%S}"}
    return row | {"Fine": f"{stamp:%Y-%m-%dT%H:%M:%S}{'.0000000' if made is TEXT else ''}Z"}


def wanted(source: ModelSource, made: Plan, reading: Pass) -> list[str]:
    """The keys of the rows that a pass is to bring."""
    conditions = page_query(made, reading, None).where
    return sorted(row["Key"] for row in source.rows if all(meets(row, condition) for condition in conditions))


def keys(pages: Iterable[ReadPage]) -> list[str]:
    return [key for page in pages for key in page.batch.column("Key").to_pylist()]
