"""Links and tokens that count rows or pages: where rows change while pages are read, such pages shift, and rows are missed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTS = re.compile(r"\$?(?:skip|offset|page|start)", re.IGNORECASE)
"""Parameters whose number says how many rows, or which page: `$skip=1000`, `page=2`."""
TOKENS = re.compile(r".*(?:token|cursor|after|marker).*|", re.IGNORECASE)
"""Parameters that say where to go on in the server's own way."""
NUMBER = re.compile(r"'?(\d{1,18})'?")
BARE = ""
"""Stands for the name of a token that is no link."""


def counts_rows(link: str, before: str | None, rows: int) -> bool:
    """Whether a page's link or token is a count. `before`: the one that led to this page, None for the first; `rows`: of this
    page.

    Either a parameter named for it holds a number; or a number grew by the page's rows or by one, from the link before to this
    one; or the first page's token is the number of its rows. A key that grows just so is taken for a count.
    """
    numbers = _numbers(link)
    if any(COUNTS.fullmatch(name) for name in numbers):
        return True
    earlier = _numbers(before) if before is not None else {}
    for name, number in numbers.items():
        if before is None and rows > 0 and number == rows and TOKENS.fullmatch(name):
            return True
        if name in earlier and number - earlier[name] in {rows, 1} - {0}:
            return True
    return False


def _numbers(link: str) -> Mapping[str, int]:
    """The numbers among a link's parameters, or the token where that is a number."""
    if bare := NUMBER.fullmatch(link):
        return {BARE: int(bare[1])}
    try:
        query = urlsplit(link).query
    except ValueError:
        return {}
    parts = parse_qsl(query, keep_blank_values=True)
    return {name: int(number[1]) for name, value in parts if (number := NUMBER.fullmatch(value)) is not None}
