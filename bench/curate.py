"""Curating beside a bare MERGE: changes of a large table, with history, as it grows, and what many small ones leave behind."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench.curate_rows import Book
from bench.curate_sides import WAREHOUSE, Bare, Ours, Side, check, session, timed
from bench.curate_store import FolderStore
from bench.table import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from bench.curate_rows import Change
    from bench.measuring import Sample

PARTS = ("change", "growth", "increments")
CHANGED = 10
"""A change is of one row in so many of the smaller table."""
GROWN = 4
SLOWER, SLOWER_WITH_HISTORY, SLOWER_GROWN, SLOWER_SCAN = 1.4, 1.6, 1.3, 1.2
SMALL = 100
"""A small increment is so much less than a change."""

type Say = Callable[[str], None]
type Samples = dict[str, list[Sample]]


@dataclass(frozen=True, slots=True)
class Size:
    """Rows of the tables, measured rounds (one more warms up), and how many small changes come before a scan."""

    rows: int
    rounds: int
    increments: int


@dataclass
class World:
    """A table of so many rows, as each side has it, and the changes that it gets. `name`: of its database."""

    spark: SparkSession
    home: Path
    name: str
    rows: int
    say: Say

    def __post_init__(self) -> None:
        self.database = f"glue_catalog.{self.name}"
        self.spark.sql(f"CREATE NAMESPACE {self.database}")
        self.store = FolderStore(self.home / self.name)
        self.book = Book(self.home / self.name / "loads", self.rows)
        self.first = self.book.first()

    def close(self) -> None:
        """Remove its loads and tables."""
        self.book.close()
        shutil.rmtree(self.home / self.name)
        shutil.rmtree(self.home / WAREHOUSE / self.name)

    def ours(self, *, history: bool = False) -> Ours:
        """Curating, and its tables with all rows."""
        return self._filled(Ours(self.spark, self.database, self.store, history=history))

    def bare(self, like: Ours, *, same: bool) -> Bare:
        """A bare MERGE, and its table with all rows."""
        return self._filled(Bare(self.spark, like, same=same))

    def turn(self, side: Side, change: Change) -> Sample:
        """What a side took for a change; raises OtherWork where it did other work."""
        side.take(change)
        sample = timed(side.merge)
        check(self.spark, side, change.totals)
        return sample

    def _filled[S: Side](self, side: S) -> S:
        sample = self.turn(side, self.first)
        self.say(f"  {self.rows:,} rows, {side.name}: made in {sample.seconds:.1f} s, CPU {sample.cpu:.1f} s")
        return side


def measured(home: Path, parts: Collection[str], size: Size, say: Say) -> list[Line]:
    """The lines of the parts that are wanted. Each part's tables go when it is done."""
    spark = session(home)
    spark.sparkContext.setLogLevel("ERROR")
    lines: list[Line] = []
    try:
        if "change" in parts:
            with closing(World(spark, home, "change", size.rows, say)) as world:
                lines += changes(world, size.rounds)
        if "growth" in parts:
            with (
                closing(World(spark, home, "small", size.rows, say)) as small,
                closing(World(spark, home, "large", GROWN * size.rows, say)) as large,
            ):
                lines += growth(small, large, size.rounds)
        if "increments" in parts:
            with closing(World(spark, home, "increments", size.rows, say)) as world:
                lines += scans(world, size.increments, size.rounds)
    finally:
        spark.stop()
    return lines


def changes(world: World, rounds: int) -> list[Line]:
    """The same changes, of keys from the whole table, by all sides."""
    ours = world.ours()
    kept = world.ours(history=True)
    bare, same = (world.bare(ours, same=same) for same in (False, True))
    sides: tuple[Side, ...] = (ours, kept, bare, same)
    count = world.rows // CHANGED
    samples: Samples = {side.name: [] for side in sides}
    for turn in range(rounds + 1):
        change = world.book.change(count, recent=False)
        for side in sides if turn % 2 == 0 else reversed(sides):
            sample = world.turn(side, change)
            _say(world.say, turn, rounds, side.name, sample)
            if turn:
                samples[side.name].append(sample)
    work = f"{count:,} changed rows into {world.rows:,}"
    lines = []
    for peer, goals in ((same, (SLOWER, SLOWER_WITH_HISTORY)), (bare, (None, None))):
        theirs = samples[peer.name]
        lines.append(_line(work, samples[ours.name], peer.name, theirs, goals[0]))
        lines.append(_line(f"{work}, with history", samples[kept.name], f"two of {peer.name}", theirs, goals[1], 2.0))
    return lines


def growth(small: World, large: World, rounds: int) -> list[Line]:
    """Changes of recent keys, of equal size, into a table and into a larger one."""
    pairs = [(world, world.ours()) for world in (small, large)]
    count = small.rows // CHANGED
    found: tuple[list[Sample], list[Sample]] = ([], [])
    for turn in range(rounds + 1):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        for place in order:
            world, side = pairs[place]
            sample = world.turn(side, world.book.change(count, recent=True))
            _say(world.say, turn, rounds, f"ours, {world.rows:,} rows", sample)
            if turn:
                found[place].append(sample)
    work = f"{count:,} changed recent rows into {large.rows:,}"
    return [_line(work, found[1], f"into {small.rows:,}", found[0], SLOWER_GROWN)]


def scans(world: World, increments: int, rounds: int) -> list[Line]:
    """Readings of all columns: of a table after many small increments, and of one with the same rows that is written at once."""
    ours = world.ours()
    count = max(world.rows // CHANGED // SMALL, 10)
    for number in range(increments):
        sample = world.turn(ours, world.book.change(count, recent=True))
        _say(world.say, number, increments, "increment", sample)
    fresh = f"{world.database}.fresh"
    order = ", ".join(ours.shape.current.sort)
    world.spark.sql(f"CREATE TABLE {fresh} USING iceberg AS SELECT * FROM {ours.table} ORDER BY {order}")
    tables = {"after": ours.table, "fresh": fresh}
    samples: Samples = {name: [] for name in tables}
    for turn in range(rounds + 1):
        for name in tables if turn % 2 == 0 else reversed(tables):
            scan = world.spark.sql(f"SELECT sum(hash(*)) FROM {tables[name]}")
            sample = timed(scan.collect)
            if turn:
                samples[name].append(sample)
    work = f"scan of {world.rows:,} rows after {increments} increments of {count:,}"
    return [_line(work, samples["after"], "freshly written", samples["fresh"], SLOWER_SCAN)]


def _say(say: Say, turn: int, rounds: int, name: str, sample: Sample) -> None:
    say(f"  {turn}/{rounds} {name}: {sample.seconds:.2f} s, CPU {sample.cpu:.2f} s")


def _line(
    work: str, ours: Sequence[Sample], name: str, peer: Sequence[Sample], goal: float | None, times: float = 1.0
) -> Line:
    """Two times, of which ours is to be at most so many times the peer's, which counts `times` times."""
    seconds, cpu = _medians(ours)
    peer_seconds, peer_cpu = (value * times for value in _medians(peer))
    return Line(
        work,
        f"{seconds:.2f} s",
        f"{name}: {peer_seconds:.2f} s",
        f"{seconds / peer_seconds:.2f}",
        f"{cpu / peer_cpu:.2f}",
        "" if goal is None else f"<= {goal:g}",
        None if goal is None else seconds <= goal * peer_seconds,
    )


def _medians(samples: Sequence[Sample]) -> tuple[float, float]:
    return median(sample.seconds for sample in samples), median(sample.cpu for sample in samples)
