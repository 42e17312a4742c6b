"""Pages that the client counts: which one is next, and when they contradict themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.extract.errors import NoProgress
from lake.extract.protocols.rest_answers import beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.contract.plan import Plan
    from lake.extract.http import Answer

NUMBERED = ("page_number", "offset")
MOST_AGAIN = 3
"""How often an empty page is asked for again whose own total says that there are more rows."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Where a page begins: its number, the rows before it, how often it came empty, and the rows of the first page."""

    page: int
    before: int = 0
    again: int = 0
    size: int = 0

    def dump(self) -> str:
        """The token."""
        return f"{self.page},{self.before},{self.again},{self.size}"

    @staticmethod
    def load(token: str) -> Counted:
        """The place in a token."""
        return Counted(*map(int, token.split(",")))


def next_number(plan: Plan, token: str | None, answer: Answer, rows: int) -> str | None:
    """The token of the page after one of so many rows; None behind the last one. Raises NoProgress."""
    paginator = (plan.rest or {})["paginator"]
    place = Counted.load(token) if token else Counted(paginator.get("base_page", 1), size=rows)
    total = _total(paginator, answer)
    if no_more(paginator, answer):
        return None
    if not rows:
        return _again(plan, place, total)
    if total is not None and place.before + rows >= total:
        return None
    size = place.size or rows
    if paginator["type"] == "page_number" and (rows > size or (total is not None and rows < size)):
        raise NoProgress(
            f"{plan.entity}: page {place.page} has {rows} rows, the first one had {size}: pages that are counted leave "
            "rows out where their size changes. Ask for a page_size that the source always gives."
        )
    return Counted(place.page + 1, place.before + rows, 0, size).dump()


def no_more(paginator: Mapping[str, Any], answer: Answer) -> bool:
    """Whether the answer says that it is the last; one that says nothing of it does not."""
    path = paginator.get("has_more_path")
    return path is not None and beside(answer.body, path, pa.bool_()) is False


def _again(plan: Plan, place: Counted, total: int | None) -> str | None:
    """The end, or the same page once more where its own total says that there are more rows."""
    if total is None or place.before >= total:
        return None
    if place.again >= MOST_AGAIN:
        raise NoProgress(
            f"{plan.entity}: page {place.page} is empty, {MOST_AGAIN + 1} times in a row, though there are {total} rows and "
            f"{place.before} came: the source leaves rows out"
        )
    return replace(place, again=place.again + 1).dump()


def _total(paginator: Mapping[str, Any], answer: Answer) -> int | None:
    """The rows of all pages, where the answer tells."""
    found: int | None = beside(answer.body, paginator["total_path"], pa.int64()) if "total_path" in paginator else None
    return found
