"""What a page is asked for: the conditions of a keyset query as a range of rows. What is not understood is refused."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.rows import Shape

SIGNS = ((">=", " ge "), ("<=", " le "), (">", " gt "), ("<", " lt "), ("=", " eq "))
GLUE = re.compile(r"\band\b|[()\s]", re.IGNORECASE)
SOQL = re.compile(
    r"SELECT .+? FROM \w+(?: WHERE (?P<where>.+?))? ORDER BY (?P<order>[\w, ]+?)(?: LIMIT (?P<limit>\d+))?"
)


class NotUnderstood(Exception):
    """The query holds something that this server would have to ignore."""


def rows_of(condition: str, shape: Shape) -> tuple[int, int]:
    """The rows `[first, end)` that meet a condition of OData or SOQL on stamp and key; raises NotUnderstood.

    Understood are `stamp ge T`, `stamp lt T` and `stamp gt T or (stamp eq T and key gt K)`, joined by `and`.
    """
    for sign, word in SIGNS:
        condition = condition.replace(sign, word)
    condition = re.sub(r"\s+", " ", condition).replace(" AND ", " and ").replace(" OR ", " or ")
    stamp, key = shape.form.stamp, shape.form.key
    keyset = rf"\(?{stamp} gt (\S+) or \({stamp} eq (\S+) and {key} gt '([^']*)'\)\)?"
    first, end = 0, shape.count
    try:
        for after, same, text in re.findall(keyset, condition):
            if after != same:
                raise NotUnderstood(f"two stamps in one position: {condition}")
            first = max(first, shape.behind(datetime.fromisoformat(after), text))
        rest = re.sub(keyset, "", condition)
        for low in re.findall(rf"{stamp} ge ([^\s)]+)", rest):
            first = max(first, shape.first_at(datetime.fromisoformat(low)))
        for high in re.findall(rf"{stamp} lt ([^\s)]+)", rest):
            end = min(end, shape.first_at(datetime.fromisoformat(high)))
    except ValueError as error:
        raise NotUnderstood(f"{condition}: {error}") from None
    left = GLUE.sub("", re.sub(rf"{stamp} (?:ge|lt) [^\s)]+", "", rest))
    if left:
        raise NotUnderstood(f"{left!r} in {condition}")
    return first, max(first, end)


def soql(text: str) -> tuple[str, str, int | None]:
    """Condition, order and limit of a SOQL query; raises NotUnderstood."""
    match = SOQL.fullmatch(text)
    if match is None:
        raise NotUnderstood(text)
    limit = match["limit"]
    return match["where"] or "", match["order"].replace(" ", ""), None if limit is None else int(limit)
