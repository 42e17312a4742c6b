"""A page of an OData set as rows, before a version of the protocol writes them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.simulators import odata
from local.simulators.filters import bad_request
from local.simulators.instants import clock_text
from local.simulators.odata import Expand, Options
from local.simulators.quirks import Quirks
from local.simulators.schema import Entity
from local.simulators.store import Store

MOST_A_PAGE = 1_000

type Items = Mapping[tuple[Any, ...], list[Any]]
"""The rows of a navigation by the key of their parent."""


@dataclass(frozen=True)
class Rows:
    """Rows with their items, a mapping for each of the options' navigations; `total` where it was asked for, `token` where
    more follow: the query option that leads on."""

    rows: Sequence[Any]
    items: tuple[Items, ...]
    total: int | None = None
    token: str | None = None


def read_page(store: Store, options: Options, quirks: Quirks, size: int) -> Rows:
    """The page that is due, of up to `size` rows."""
    left = quirks.result_size(options.top) if options.token is None else options.token["left"]
    this = quirks.page_size(size if left is None else min(size, left))
    with store.lock:
        now = clock_text(store.now)
        # One row more than the page tells whether another page follows.
        rows = [] if left == 0 else store.read(*odata.page_sql(options, now, this + 1))
        more = len(rows) > this and (left is None or left > this)
        rows = rows[:this]
        items = read_items(store, options, rows)
        counted = options.count or quirks.refuses_beyond_cap
        total = store.read(*odata.count_sql(options, now))[0][0] if counted else 0
    if quirks.too_many(total, options.top):
        raise bad_request(f"The query finds more than {quirks.result_cap} entities: restrict it")
    behind = None if left is None else left - this
    token = odata.next_option(options, rows, behind, quirks) if more else None
    return Rows(rows, items, total if options.count else None, token)


def read_items(store: Store, options: Options, rows: Sequence[Any]) -> tuple[Items, ...]:
    """The items of these rows, navigation by navigation."""
    return tuple(_below(store, options.entity, expand, rows) for expand in options.expand)


def _below(store: Store, parent: Entity, expand: Expand, rows: Sequence[Any]) -> Items:
    found = defaultdict[tuple[Any, ...], list[Any]](list)
    (first,) = parent.key
    keys = [row[first] for row in rows]
    for row in store.read(*odata.children_sql(parent, expand, keys, clock_text(store.now))):
        found[(row[first],)].append(row)
    return found
