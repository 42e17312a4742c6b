"""The loads that the benchmark curates: what they hold, what they add up to, and that the job can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from bench.curate_rows import Book, Change, Totals
from bench.curate_sides import item_plan
from bench.curate_store import FolderStore
from lake.curate.manifests import manifests_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS, CHANGED = 2_000, 200
KEY = "(sales_order, sales_order_item)"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "loads", ROWS)
    yield made
    made.close()


def rows(query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = duckdb.sql(query).fetchall()
    return found


def winners(change: Change) -> str:
    """The newest version of each key without a broken rule, by raw."""
    parts = [str(part.path) for part in change.parts]
    return f"""SELECT max_by("RequestedQuantity", _observed_at) AS quantity, max_by("NetAmount", _observed_at) AS net
        FROM read_parquet({parts}) WHERE "RequestedQuantity" >= 0 GROUP BY "SalesOrder", "SalesOrderItem" """


def test_the_first_load_has_each_item_once(book: Book) -> None:
    change = book.first()
    assert (change.landed, change.changed, change.totals.rows) == (ROWS, ROWS, ROWS)
    [found] = rows(f"SELECT count(DISTINCT {KEY}), sum(requested_quantity), sum(net_amount) FROM '{change.clean}'")
    assert Totals(*found) == change.totals


@pytest.mark.parametrize("recent", [False, True])
def test_a_change_holds_so_many_keys_with_versions_to_leave_out_and_the_same_rows_clean(
    book: Book, *, recent: bool
) -> None:
    first = book.first()
    change = book.change(CHANGED, recent=recent)
    [clean] = rows(f"SELECT count(DISTINCT {KEY}), sum(requested_quantity), sum(net_amount) FROM '{change.clean}'")
    assert clean[0] == change.changed == CHANGED < change.landed
    assert rows(f"SELECT count(*), sum(quantity), sum(net) FROM ({winners(change)})") == [clean]
    old = f"SELECT * FROM '{first.clean}' ANTI JOIN '{change.clean}' USING (sales_order, sales_order_item)"
    after = f"SELECT * FROM '{change.clean}' UNION ALL {old}"
    [found] = rows(f"SELECT count(*), sum(requested_quantity), sum(net_amount) FROM ({after})")
    assert Totals(*found) == change.totals


def test_recent_keys_are_the_newest_and_others_lie_in_the_whole_table(book: Book) -> None:
    book.first()
    spans = [
        rows(f"SELECT min(sales_order)::INT, max(sales_order)::INT FROM '{change.clean}'")[0]
        for change in (book.change(CHANGED, recent=False), book.change(CHANGED, recent=True))
    ]
    assert spans[0][0] < ROWS // 40 < 3 * ROWS // 16 < spans[1][0]
    assert spans[0][1] < spans[1][1]


def test_a_load_is_read_by_the_job_with_its_checksums(book: Book, tmp_path: Path) -> None:
    store, plan = FolderStore(tmp_path), item_plan(history=True)
    changes = [book.first(), book.change(CHANGED, recent=True)]
    for change in changes:
        store.commit(plan, change)
    found = list(manifests_after(store, plan.entity, 0))
    assert [load.rows for load in found] == [change.landed for change in changes]
    assert all(store.sha256(part.key) == part.sha256 for load in found for part in load.parts)
