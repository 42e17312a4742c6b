"""How windows are cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.contract.plan import Cursor
from lake.extract.pieces import Piece, aligned, cut, narrower
from lake.extract.window import Window

INSTANT = Cursor("instant", ("T",), 3, None, "never", None)
SECONDS = Cursor("split", ("D", "T"), 0, "Europe/Berlin", "never", None)
DAYS = Cursor("day", ("D",), 0, "Europe/Berlin", "never", None)
BEGIN = datetime(2026, 3, 1, 7, 30, 0, 123_456, tzinfo=UTC)

cursors = st.sampled_from([INSTANT, SECONDS, DAYS])
spans = st.timedeltas(timedelta(seconds=1), timedelta(days=60))


@given(
    cursors, st.none() | st.just(BEGIN), spans, spans, st.timedeltas(timedelta(0), timedelta(days=3)), st.integers(1, 7)
)
def test_pieces_are_the_window_and_the_last_one_holds_what_may_come_again(
    cursor: Cursor, start: datetime | None, long: timedelta, length: timedelta, overlap: timedelta, most: int
) -> None:
    length = max(length, long / 50)
    end, whole_from = BEGIN + long, BEGIN + long - overlap
    pieces, rest = cut(start, BEGIN, end, length, whole_from, cursor, most)
    while rest is not None:
        more, rest = cut(rest, rest, end, length, whole_from, cursor, most)
        pieces += more
    assert (pieces[0].start, pieces[-1].end) == (start, end)
    assert all(one.end == other.start for one, other in pairwise(pieces))
    assert all(piece.end == aligned(piece.end, cursor) for piece in pieces[:-1])
    assert all(piece.end <= whole_from for piece in pieces[:-1])


@given(cursors, spans)
def test_a_piece_is_halved_until_it_can_only_be_read_by_key(cursor: Cursor, long: timedelta) -> None:
    whole = Window(None, BEGIN + long)
    left, done = [Piece(whole, {"link": "x"})], list[Piece]()
    while left:
        piece = left.pop()
        made = narrower(piece, piece.window.start or BEGIN, cursor)
        assert all(new.position is None for new in made)
        if made[0].paging == "key":
            (same,) = made
            assert same.window == piece.window
            done.append(piece)
        else:
            left += made[::-1] if len(done) < 5 else made[-1:]
    first, *_ = done
    assert first.window.start is None
    assert done[-1].window.end == whole.end
    assert all(one.window.end <= (other.window.start or BEGIN) for one, other in pairwise(done))


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (INSTANT, datetime(2026, 3, 1, 7, 30, 0, 123_000, tzinfo=UTC)),
        (SECONDS, datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        (DAYS, datetime(2026, 2, 28, 23, tzinfo=UTC)),
    ],
)
def test_pieces_meet_where_the_source_can_compare(cursor: Cursor, expected: datetime) -> None:
    assert aligned(BEGIN, cursor) == expected


def test_a_piece_survives_its_json_form() -> None:
    piece = Piece(Window(None, BEGIN), {"after": ["a"]}, "key")
    assert Piece.load(piece.dump()) == piece
