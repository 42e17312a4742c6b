"""Which links and tokens are counts of rows, and what a count proves of a scan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.extract.counted import counts_rows
from lake.extract.counting import Comparison

HOST = "https://backend.example/sap/opu/odata4/sap/S/Orders"


@pytest.mark.parametrize(
    ("link", "before", "rows"),
    [
        ("Orders?$select=A&$skip=1000", None, 1000),
        (f"{HOST}?$skip=40&$top=20", f"{HOST}?$skip=20&$top=20", 20),
        (f"{HOST}?%24skip=40", None, 40),
        ("/api/orders?page=2", None, 50),
        ("/api/orders?offset=50&limit=50", None, 50),
        ("/api/orders?start=3", None, 3),
        ("Orders?$skiptoken=1000", None, 1000),  # as many as there were rows
        ("Orders?$skiptoken='2000'", "Orders?$skiptoken='1000'", 1000),  # grown by the page's rows
        (f"{HOST}?$skiptoken=3", f"{HOST}?$skiptoken=2", 500),  # grown by one
        ("200", "100", 100),  # a token that is no link
        ("100", None, 100),
    ],
)
def test_a_link_that_counts_rows_or_pages_is_known(link: str, before: str | None, rows: int) -> None:
    assert counts_rows(link, before, rows)


@pytest.mark.parametrize(
    ("link", "before", "rows"),
    [
        ("Orders?$skiptoken=4711", None, 1000),  # the last key
        ("Orders?$skiptoken='0000004811'", "Orders?$skiptoken='0000004711'", 17),
        ("Orders?$skiptoken=eyJhZnRlciI6IDF9", None, 1000),
        ("/api/orders?page=eyJhZnRlciI6IDF9", None, 50),
        ("/api/orders?start=2026-11-01", None, 50),
        ("Orders?$top=1000&$skiptoken=abc", None, 1000),  # the size of a page is no position
        ("Orders?sap-client=100&$skiptoken=b", "Orders?sap-client=100&$skiptoken=a", 100),
        ("/services/data/v62.0/query/01gD0000002HU6K-2000", None, 2000),  # the server keeps the result
        ("not [a link", None, 1),
    ],
)
def test_a_link_that_stays_where_it_is_counts_nothing(link: str, before: str | None, rows: int) -> None:
    assert not counts_rows(link, before, rows)


def test_a_scan_is_short_where_rows_must_have_been_missed() -> None:
    assert Comparison(97, 100, changed=0).is_short
    assert not Comparison(97, 100, changed=3).is_short, "as many may have come while it was read"
    assert not Comparison(100, 90).is_short, "rows may go while they are read"
    assert Comparison(8, 10, before=9).is_short, "without stamps the smaller count is believed"
    assert not Comparison(9, 10, before=9).is_short


def test_a_scan_without_a_key_proves_nothing_unless_the_count_is_zero() -> None:
    assert not Comparison(0, 0).is_short
    assert Comparison(0, None).is_short
    assert Comparison(0, 3, changed=3).is_short
    assert not Comparison(3, None).is_short, "where the source tells no count, nothing is compared"


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_scan_that_saw_all_that_was_there_all_the_time_is_never_short(
    stayed: int, gone: int, came: int, seen_of_them: int
) -> None:
    """However many rows went or came meanwhile, and whichever of them it saw."""
    count = stayed + came
    found = Comparison(stayed + min(seen_of_them, gone + came), count, before=stayed + gone, changed=came)
    assert not found.is_short or (found.keys == 0 and count > 0)
