"""Windows: rows by their stamps. In live runs what changed since the watermark, in a backfill's lane a past range."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.asking import ask
from lake.extract.counting import changed_since, count_or_none, count_rows
from lake.extract.errors import BadRequest, Paused, ResultCapReached, SourceError, SourceUnavailable
from lake.extract.passes import Pass, counted_rows, window_passes
from lake.extract.pieces import Piece, cut, narrower
from lake.extract.places import Place
from lake.extract.readings.closing import shifting
from lake.extract.readings.rows import RowLoad, Rules, brought_again_from
from lake.extract.streams import Ended, Stream, side_by_side
from lake.extract.window import Window, asked_from, next_window
from lake.extract.work import Clock, Step, first_read
from lake.extract.world import SourceProblem
from lake.instants import from_text, to_text
from lake.raw.cursor import cursors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from lake.extract.work import Checkpoint, Interruption, Work
    from lake.state.entity import EntityState

MOST_AGAIN = 3
"""How often a piece is read again whose counted pages shifted."""
MOST_PIECES = 200
"""Pieces that a checkpoint names at a time; the others are cut when these are read."""


def open_window(work: Work, state: EntityState, clock: Clock) -> Checkpoint | None:
    """The window from the watermark on, less the overlap; None where nothing has settled since. The first one has no lower
    bound but a declared one. Who follows a delta link, or has no stamps, needs none."""
    plan = work.plan
    if plan.cursor.kind == "none" or "link" in (state.delta or {}):
        return None
    initial = from_text(plan.initial_from) if plan.initial_from else None
    window = next_window(state.watermark, clock.settled, work.overlap, initial)
    if window is None:
        return None
    first = state.watermark is None
    afresh = first and plan.strategy("feed") is not None and not work.newest_load(state)
    return checkpoint_of(work, window, split=first) | {"afresh": afresh}


def open_backfill(work: Work, window: dict[str, Any]) -> Checkpoint:
    """A past range, as the event gives it; raises BadRequest."""
    try:
        asked = Window.load(window)
    except (KeyError, TypeError, ValueError):
        raise BadRequest(f'the window of a backfill is {{"from": instant, "to": instant}}, not {window}') from None
    if asked.start is None or asked.start >= asked.end:
        raise BadRequest(f"the window of a backfill ends after it begins, unlike {window}")
    if work.plan.cursor.kind == "none":
        raise BadRequest(f"{work.plan.entity} has no stamps to read a past range by: reload it instead")
    return checkpoint_of(work, asked, split=True)


def checkpoint_of(work: Work, window: Window, *, split: bool) -> Checkpoint:
    """A window that is about to be read, whole or in pieces of the plan's length from the oldest row on."""
    begin = None
    if split and work.plan.window_s:
        begin = window.start or oldest_stamp(work, window.end)
    return {
        "phase": "window",
        "window": window.dump(),
        "pieces_from": begin and to_text(begin),
        "pass": 0,
        "open": None,
        "rest_from": None,
        "fingerprints": None,
    }


def oldest_stamp(work: Work, end: datetime) -> datetime | None:
    """The earliest stamp before an instant; None where there is none."""
    plan = work.plan
    wanted = {*plan.key, *(field.name for field in plan.fields if field.field in plan.cursor.fields)}
    fields = tuple(field for field in plan.fields if field.name in wanted)
    narrow = replace(plan, fields=fields, children=(), page_size=1, cursor=replace(plan.cursor, stand_in=None))
    # Ordered by the stamp alone: there are sources that sort by no more than one field.
    reading = replace(window_passes(narrow, Window(None, end), "keyset")[0], key=())
    with work.budget.timed():
        page, _, _ = ask(replace(work.reader, plan=narrow), narrow, reading, Place())
    stamp = cursors(page.batch, narrow.raw_cursor)[0].as_py() if page.batch.num_rows else None
    return stamp and from_text(stamp)


def read_window(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads on as far as the budget goes, and lands what is new."""
    window = Window.load(checkpoint["window"])
    rules = Rules("backfill", window)
    if work.live:
        rules = Rules("window", window, recognises=True, notes_from=brought_again_from(work, window.end))
    load = RowLoad(work, state, rules, checkpoint["fingerprints"])
    reading = WindowReading(work, window, load, checkpoint)
    interruption = reading.read()
    following, loads = load.commit(reading.checkpoint or reading.given_up)
    state = load.state
    if reading.checkpoint is None:
        following = None
    if following is None and work.live:
        state = replace(state, fingerprints=load.noted or state.fingerprints)
        state = state if reading.given_up else _finished(work, state, checkpoint, window)
    notes = (*load.notes, *reading.notes())
    return Step(state, following, loads, load.counts, interruption, notes, tuple(reading.problems()))


def _finished(work: Work, state: EntityState, checkpoint: Checkpoint, window: Window) -> EntityState:
    """The state behind a window that was read whole. The first one is held against the source's count at once, for nothing
    was: the count is asked again behind it, with what changed since its end."""
    clock = Clock.load(checkpoint)
    first = state.watermark is None
    state = replace(
        first_read(work, state, clock),
        watermark=window.end,
        feed_until=state.feed_until or _fed_from(checkpoint),
    )
    if not first or work.plan.initial_from is not None:
        return state
    return replace(state, whole_at=clock.source_now, source_count=_counted_behind(work, state, window))


def _counted_behind(work: Work, state: EntityState, window: Window) -> dict[str, Any] | None:
    told = state.source_count
    if told is None or told["count"] is None or work.plan.count_ignored is not None or work.reader.used_up():
        return told
    try:
        count = count_rows(work.reader)
        return told | {"count": count, "changed": changed_since(work.reader, window.end)}
    except (Paused, SourceError):  # the next run asks again, and judges by that
        return told


def _fed_from(checkpoint: Checkpoint) -> datetime | None:
    """From when on the feed tells what was deleted of the rows that the first window read. None where rows had landed before
    it began (an extractor died, state was lost): what was deleted of them since is seen by a full refresh."""
    return Clock.load(checkpoint).source_now if checkpoint.get("afresh") else None


class WindowReading:
    """Reads a window pass by pass, each in pieces side by side. `checkpoint` is where it goes on; None at its end.

    In a checkpoint `open` are the pieces that are being read (None: the pass was not begun), `rest_from` is where the others
    begin, `pieces_from` where the first one does (None: the window is read in one piece).
    """

    def __init__(self, work: Work, window: Window, load: RowLoad, checkpoint: Checkpoint) -> None:
        self._work = work
        self._window = window
        self._load = load
        self._names = [reading.name for reading in self._passes(Piece(window))]
        self._shifted = int(checkpoint.get("shifted", 0))
        self._counted = False
        self.checkpoint: Checkpoint | None = checkpoint

    @property
    def given_up(self) -> Checkpoint | None:
        """What the manifest says of a window that ended though rows may be missing; None of one that did not."""
        return {"phase": "window", "shifted": self._shifted} if self._shifted and self.checkpoint is None else None

    def notes(self) -> Iterator[str]:
        """What counted pages may lose, where the contract accepts it. (A REST API's own paginator says so at once.)"""
        plan, source = self._work.plan, self._work.source
        if self._counted and plan.accepts_shifts and not self._work.dialect.counts_pages(source, plan):
            yield f"{plan.path} is paged by links that count rows: some may be missed until the next full refresh"

    def problems(self) -> Iterator[SourceProblem]:
        """What degrades the run: counted pages that nobody accepted, or that shifted each time."""
        if self._counted and not self._work.plan.accepts_shifts:
            yield shifting(self._work)
        if self._shifted and self.checkpoint is None:
            yield SourceProblem(
                "RowsShifted",
                f"{self._work.plan.path}: rows left {self._shifted} counted parts of the window while they were read, "
                f"{MOST_AGAIN + 1} times in a row, and others may have slipped past. What came is kept, and the watermark stays",
            )

    def read(self) -> Interruption | None:
        """Reads on; what interrupted it, if anything did. Raises SourceError."""
        begun = False
        while self.checkpoint is not None:
            pieces = self._next_pieces(self.checkpoint)
            if not pieces:
                self.checkpoint = self._next_pass(self.checkpoint)
                continue
            if begun and self._work.reader.used_up():
                return None
            begun = True
            try:
                done = self._read_pieces(self.checkpoint, pieces)
            except (Paused, SourceUnavailable) as interruption:
                return interruption
            if not done:
                return None
        return None

    def _next_pieces(self, checkpoint: Checkpoint) -> list[Piece]:
        """The open pieces; behind them the next ones; none at the end of a pass."""
        if checkpoint["open"]:
            return [Piece.load(raw) for raw in checkpoint["open"]]
        pieces_from, rest_from, begun = (
            checkpoint["pieces_from"],
            checkpoint["rest_from"],
            checkpoint["open"] is not None,
        )
        if begun and rest_from is None:
            return []
        windows: list[Window] = [self._window]
        rest: datetime | None = None
        if pieces_from is not None and self._names[checkpoint["pass"]] != "stampless":
            cursor, end = self._work.plan.cursor, self._window.end
            start, at = (from_text(rest_from),) * 2 if begun else (self._window.start, from_text(pieces_from))
            whole_from = asked_from(cursor, end - self._work.overlap) if self._work.live else end
            length = timedelta(seconds=self._work.plan.window_s or 0)
            windows, rest = cut(start, at, end, length, whole_from, cursor, MOST_PIECES)
        pieces = [Piece(window) for window in windows]
        self.checkpoint = checkpoint | {"open": _dumped(pieces), "rest_from": rest and to_text(rest)}
        return pieces

    def _next_pass(self, checkpoint: Checkpoint) -> Checkpoint | None:
        following = checkpoint["pass"] + 1
        return None if following == len(self._names) else checkpoint | {"pass": following, "open": None}

    def _read_pieces(self, checkpoint: Checkpoint, pieces: list[Piece]) -> bool:
        """Reads pieces side by side; False where some are left for the next invocation."""
        left = dict(enumerate(pieces))
        readings = {number: self._reading(checkpoint, piece) for number, piece in left.items()}
        counted = {number for number, piece in left.items() if (piece.position or {}).get("counted")}
        more = False
        try:
            begun, more = self._begun(left, readings)
            streams = [Stream(number, readings[number], left[number].position) for number in begun]
            for number, page in side_by_side(self._work.reader, streams, self._work.source.parallel_windows):
                if isinstance(page, Ended):
                    more = self._ended(number, left, readings[number], counted=number in counted) or more
                    continue
                self._load.add(page)
                if page.counted:
                    counted.add(number)
                left[number] = replace(left[number], position=page.position or left[number].position)
                self._work.heed_share()
        except ResultCapReached as cap:
            more = True
            left = dict(enumerate(self._narrowed(left, readings, cap)))
        finally:
            shifted = {"shifted": self._shifted} if self._shifted else {}
            self.checkpoint = checkpoint | shifted | {"open": _dumped(left.values())}
            self._counted = self._counted or bool(counted)
        return more or not left

    def _begun(self, left: dict[int, Piece], readings: dict[int, Pass]) -> tuple[list[int], bool]:
        """The pieces to read now, and whether others wait for them: those that have to be counted first are counted as they
        are begun, so many as are read side by side and time allows. The counts stay in `left`."""
        begun: list[int] = []
        for number, piece in left.items():
            if self._is_to_be_counted(piece, readings[number]):
                if begun and (len(begun) >= self._work.source.parallel_windows or self._work.reader.used_up()):
                    return begun, True
                left[number] = replace(piece, count=self._count(readings[number]))
            begun.append(number)
        return begun, False

    def _is_to_be_counted(self, piece: Piece, reading: Pass) -> bool:
        """Whether a piece's rows are counted before it is read: where the server pages, and rows may leave it by a change."""
        work = self._work
        countable = work.dialect.counts_changes(work.source, work.plan) and work.plan.count_ignored is None
        closed = reading.high is not None and work.dialect.bounds_end(work.source, work.plan)
        return reading.paging == "server" and closed and countable and not piece.position and piece.count is None

    def _count(self, reading: Pass) -> int | None:
        deleted = self._work.plan.strategy("soft_flag") is not None
        with self._work.budget.timed():
            return count_or_none(self._work.reader, counted_rows(reading, deleted=deleted))

    def _ended(self, number: int, left: dict[int, Piece], reading: Pass, *, counted: bool) -> bool:
        """Takes a piece that was read out of those that are left; True where it is to be read again, for its counted pages
        shifted. While its rows are counted it stays: what interrupts that must not pass for the end."""
        piece = left[number]
        by_contract = self._work.dialect.counts_pages(self._work.source, self._work.plan)
        if piece.count is not None and (counted or by_contract):
            count = self._count(reading)
            if count is None or count < piece.count:
                if piece.again < MOST_AGAIN:
                    known = piece.count if count is None else count
                    left[number] = replace(piece, position=None, count=known, again=piece.again + 1)
                    return True
                self._shifted += 1
        del left[number]
        return False

    def _narrowed(self, left: dict[int, Piece], readings: dict[int, Pass], cap: ResultCapReached) -> Iterator[Piece]:
        """The pieces that are left, with narrower ones for the one that a query does not give whole."""
        for number, piece in left.items():
            if readings[number] != cap.reading:
                yield piece
                continue
            start = piece.window.start or oldest_stamp(self._work, piece.window.end) or piece.window.end
            yield from narrower(piece, start, self._work.plan.cursor)

    def _reading(self, checkpoint: Checkpoint, piece: Piece) -> Pass:
        return self._passes(piece)[checkpoint["pass"]]

    def _passes(self, piece: Piece) -> list[Pass]:
        """A backfill reads no rows without a stamp: they are of no range.

        Where the server pages, the last piece is asked for without an upper bound: a row that changes meanwhile would leave the
        result, and move the others. Rows beyond the window's end are left out as they land.
        """
        last = self._work.live and piece.window.end == self._window.end
        open_end = last and (piece.paging or self._work.plan.paging) == "server"
        passes = window_passes(self._work.plan, piece.window, piece.paging, open_end=open_end)
        return [reading for reading in passes if self._work.live or reading.name != "stampless"]


def _dumped(pieces: Iterable[Piece]) -> list[dict[str, Any]]:
    return [piece.dump() for piece in pieces]
