"""The source that the benchmark reads: whoever asks it, however, gets each row once."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bench.queries import NotUnderstood, rows_of
from bench.rows import FORMS, TIES, Shape, open_rows, read_totals, write_rows
from bench.source import Server, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1_000
SHAPES = {name: Shape(form, ROWS) for name, form in FORMS.items()}
STAMPS = {name: [shape.stamp(row) for row in range(ROWS)] for name, shape in SHAPES.items()}
QUERY = {"odata": "/odata/Rows", "salesforce": "/services/data/v62.0/query?q=SELECT Id FROM Rows ORDER BY Id"}


@pytest.fixture(scope="module", params=sorted(FORMS))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Form, URL and row file of a source with pages of 70 rows."""
    shape = SHAPES[request.param]
    path = write_rows(tmp_path_factory.mktemp("rows"), shape, undeclared=False)
    with Server(0, Source(open_rows(path, shape.form), page_size=70, thinking=0.0)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield request.param, f"http://127.0.0.1:{server.server_address[1]}", path
        server.shutdown()


def page(url: str) -> tuple[list[dict[str, object]], str | None]:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200, answer.text
    body = json.loads(answer.content)
    return body.get("value", body.get("records")), body.get("@odata.nextLink", body.get("nextRecordsUrl"))


def linked(url: str, start: str) -> list[dict[str, object]]:
    rows, link = page(url + start)
    while link:
        more, link = page(url + link)
        rows += more
    return rows


def test_links_lead_to_each_row_once_in_order(served: tuple[str, str, Path]) -> None:
    name, url, _ = served
    form = FORMS[name]
    assert [row[form.key] for row in linked(url, QUERY[name])] == [form.key_text(row) for row in range(ROWS)]


def test_below_a_limit_only_the_first_rows_are_there(served: tuple[str, str, Path]) -> None:
    name, url, _ = served
    assert len(linked(url, f"/first/150{QUERY[name]}")) == 150


def test_a_query_by_position_goes_on_behind_it(served: tuple[str, str, Path]) -> None:
    name, url, _ = served
    form, shape = FORMS[name], SHAPES[name]
    stamp = form.stamp_text(shape.stamp(499)).replace(".000+0000", "Z")
    condition = f"({form.stamp} gt {stamp} or ({form.stamp} eq {stamp} and {form.key} gt '{form.key_text(499)}'))"
    start = f"/odata/Rows?$top=40&$filter={condition}"
    if name == "salesforce":
        soql = condition.replace(" gt ", " > ").replace(" eq ", " = ").replace(" or ", " OR ").replace(" and ", " AND ")
        start = QUERY[name].replace(" ORDER BY Id", f" WHERE {soql} ORDER BY {form.stamp}, {form.key} LIMIT 40")
    rows, link = page(requests.utils.requote_uri(url + start.replace("+", "%2B")))
    assert [row[form.key] for row in rows] == [form.key_text(row) for row in range(500, 540)]
    assert link is None


def test_rows_have_22_fields_and_add_up_to_the_totals(served: tuple[str, str, Path]) -> None:
    name, url, path = served
    rows = linked(url, QUERY[name])
    totals = read_totals(path, ROWS)
    assert {len(row.keys() - {"attributes"}) for row in rows} == {22}
    assert sum(int(str(row["Items"])) for row in rows) == totals.items
    assert round(sum(float(str(row["NetAmount"])) for row in rows) * 100) == int(totals.net_amount * 100)


@given(
    name=st.sampled_from(sorted(FORMS)), low=st.integers(-5, ROWS), high=st.integers(-5, ROWS), between=st.booleans()
)
def test_bounds_select_the_rows_that_lie_between_them(*, name: str, low: int, high: int, between: bool) -> None:
    shape = SHAPES[name]
    aside = shape.step / 2 if between else timedelta(0)
    start, end = shape.stamp(0) + low * shape.step / 2 + aside, shape.stamp(0) + high * shape.step / 2 + aside
    stamp = shape.form.stamp
    text = f"{stamp} ge {start:%Y-%m-%dT%H:%M:%S.%fZ} and {stamp} lt {end:%Y-%m-%dT%H:%M:%S.%fZ}"
    first, stop = rows_of(text, shape)
    assert list(range(first, stop)) == [row for row, at in enumerate(STAMPS[name]) if start <= at < end]


@pytest.mark.parametrize(
    "condition", ["City eq 'Jena'", "LastChangeDateTime gt 2024-01-01T00:00:00Z", "LastChangeDateTime ge yesterday"]
)
def test_a_condition_that_is_not_understood_is_refused(condition: str) -> None:
    with pytest.raises(NotUnderstood):
        rows_of(condition, SHAPES["odata"])


def test_stamps_are_shared_so_that_pages_break_within_one() -> None:
    shape = SHAPES["odata"]
    assert len({shape.stamp(row) for row in range(ROWS)}) == -(-ROWS // TIES)
