"""What counters beside a page's rows say: that it is one page of several, or that not all rows have come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAGE = ("page", "currentpage", "pagenumber", "pageno", "pageindex", "number")
PAGES = ("pages", "totalpages", "pagestotal", "lastpage", "pagecount", "numpages", "numberofpages")
TOTAL = ("total", "totalcount", "totalresults", "totalelements", "totalitems", "totalrecords", "totalrows", "numfound")
SIZE = ("limit", "perpage", "pagesize", "itemsperpage", "maxresults", "size")
OFFSET = ("offset", "start", "startat", "startindex", "skip")
COUNTERS = frozenset((*PAGE, *PAGES, *TOTAL, *SIZE, *OFFSET, "count"))


@dataclass(frozen=True, slots=True)
class Ending:
    """A page behind which none follows: whether it is the first of its query, the rows that came before it, and its own."""

    is_first: bool
    before: int
    rows: int


def plain(name: str) -> str:
    """A member's name in small letters and digits alone: `total_pages`, `totalPages` and `Total-Pages` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def numbers_in(found: Mapping[str, Any]) -> dict[str, int]:
    """The counters among an object's members, by their plain names."""
    whole = {plain(name): value for name, value in found.items() if isinstance(value, str) and value.isdecimal()}
    return {name: int(value) for name, value in whole.items() if name in COUNTERS}


def says_more(numbers: Mapping[str, int], ending: Ending) -> str | None:
    """What counters say of further rows: `page 1 of 3`, `3 of 8 rows`; None where they say nothing of them.

    Nobody tells whether pages are counted from 0 or from 1: page 2 of 3 may be the last one. So a later page is doubted only
    where two are missing, and never one whose number stays what it was on the first. Totals without a position are not
    looked at, for they may count what is not asked for.
    """
    page, size, offset = _first(PAGE, numbers), _first(SIZE, numbers), _first(OFFSET, numbers)
    total = _total(numbers, ending)
    if total is not None and ending.before + ending.rows >= total:
        return None
    pages = _first(PAGES, numbers)
    if pages is None and size and total is not None:
        pages = -(-total // size)
    if page is not None and pages is not None:
        is_more = page <= 1 < pages if ending.is_first else 1 < page < pages - 1
        return f"page {page} of {pages}" if is_more else None
    reached = _reached(size, offset, ending)
    return f"{reached} of {total} rows" if reached is not None and total is not None and reached < total else None


def _reached(size: int | None, offset: int | None, ending: Ending) -> int | None:
    """How many rows the source counts up to the page's end; None where it does not say where the page is."""
    if offset is not None:
        return offset + (size or ending.rows) if ending.is_first or offset >= ending.before > 0 else None
    return size if ending.is_first and size is not None and ending.rows >= size else None


def _total(numbers: Mapping[str, int], ending: Ending) -> int | None:
    """The rows of all pages. A `count` may be that of this page alone."""
    total = _first(TOTAL, numbers)
    count = numbers.get("count", 0)
    return count if total is None and count > ending.rows else total


def _first(names: Iterable[str], numbers: Mapping[str, int]) -> int | None:
    return next((numbers[name] for name in names if name in numbers), None)
