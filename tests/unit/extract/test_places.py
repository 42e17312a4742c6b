"""Where reading stands, as the next invocation is told, and where it goes on behind a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lake.extract.errors import NoProgress, ResultCapReached
from lake.extract.passes import key_pass, window_passes
from lake.extract.places import Place, behind, literals
from tests.support.plans import TYPES, plan
from tests.support.source_plans import FINE_PLAN, WINDOW

if TYPE_CHECKING:
    from lake.extract.places import Position

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
AT_NOON = "2026-11-16T12:00:00.000000Z"
SERVED_PLAN = replace(FINE_PLAN, paging="server")
KEYSET, SERVED = window_passes(FINE_PLAN, WINDOW)[0], window_passes(SERVED_PLAN, WINDOW)[0]


def page(*rows: tuple[str | None, str]) -> pa.RecordBatch:
    """Rows of stamps and keys."""
    return pa.RecordBatch.from_pydict({"Fine": [stamp for stamp, _ in rows], "Key": [key for _, key in rows]})


@pytest.mark.parametrize(
    "position",
    [
        {"link": "more", "asked_at": AT_NOON, "rows": 7},
        {"link": "more", "asked_at": AT_NOON, "rows": 7, "counted": True},
        {"link": "more", "asked_at": AT_NOON, "rows": 7, "start": "delta"},
    ],
)
def test_a_place_between_the_servers_pages_survives_its_json_form(position: Position) -> None:
    assert Place.load(position).dump(SERVED) == position


def test_a_place_behind_a_row_survives_its_json_form() -> None:
    assert Place.load({"after": [AT_NOON, "k"]}).dump(KEYSET) == {"after": [AT_NOON, "k"]}


@pytest.mark.parametrize(
    ("position", "place"),
    [
        (None, Place()),
        ({"link": "delta"}, Place(link="delta", start="delta")),
        ({"link": "more", "asked_at": AT_NOON}, Place(link="more", asked_at=NOON)),
    ],
    ids=["none", "a link to begin with", "without a count of rows"],
)
def test_what_a_position_leaves_out_has_not_been(position: Position | None, place: Place) -> None:
    assert Place.load(position) == place


@pytest.mark.parametrize(
    ("place", "reading"),
    [
        (Place(), KEYSET),
        (Place(after=("k",), link="more"), KEYSET),
        (Place(), SERVED),
        (Place(link="delta"), SERVED),
        (Place(asked_at=NOON), SERVED),
    ],
)
def test_a_place_where_reading_goes_on_at_once_or_not_at_all_has_no_position(place: Place, reading: Any) -> None:
    assert place.dump(reading) is None


def test_literals_are_what_a_query_compares_with() -> None:
    made = replace(plan(TYPES), key=("instant", "day", "amount", "count", "text"))
    east = timezone(timedelta(hours=2))
    row = {
        "Instant": datetime(2026, 11, 16, 14, tzinfo=east),
        "Day": date(2026, 11, 16),
        "Amount": Decimal("1E+2"),
        "Count": 7,
        "Text": "a",
    }
    kinds = [pa.timestamp("us", "+02:00"), pa.date32(), pa.decimal128(7, -2), pa.int64(), pa.string()]
    batch = pa.RecordBatch.from_pylist([row], pa.schema(list(zip(row, kinds, strict=True))))
    assert literals(batch, 0, key_pass(made)) == (AT_NOON, "2026-11-16", "100", "7", "a")


def test_the_rows_of_a_query_are_counted_from_page_to_page() -> None:
    first = behind(Place(), page((AT_NOON, "a"), (AT_NOON, "b")), "2", NOON, SERVED_PLAN, SERVED)
    assert first == Place(link="2", asked_at=NOON, rows=2)
    later = behind(first, page((AT_NOON, "c")), "3", NOON + timedelta(minutes=1), SERVED_PLAN, SERVED)
    assert later == Place(link="3", asked_at=NOON, rows=3), "the query was asked when its first page was"


def test_a_query_that_brought_all_that_the_source_gives_is_told_with_both_counts() -> None:
    capped = replace(SERVED_PLAN, result_cap=3)
    with pytest.raises(ResultCapReached) as told:
        behind(Place(rows=2), page((AT_NOON, "c")), None, NOON, capped, SERVED)
    assert str(told.value) == (
        "erp.thing: one query brought 3 rows and gives no more than 3: what lies behind them cannot be read by it"
    )


def test_a_short_page_without_a_whole_row_is_the_end() -> None:
    assert behind(Place(), page((None, "a")), None, NOON, replace(FINE_PLAN, page_size=2), KEYSET) is None


def test_a_full_page_without_a_whole_row_says_what_to_do() -> None:
    with pytest.raises(NoProgress) as told:
        behind(Place(), page((None, "a"), (None, "b")), None, NOON, replace(FINE_PLAN, page_size=2), KEYSET)
    assert str(told.value) == (
        "erp.thing: no row of a full page has all of Fine, Key in the form that the contract declares: reading cannot go on "
        "behind it. Look at these rows in the source, or raise the contract's page_size."
    )
