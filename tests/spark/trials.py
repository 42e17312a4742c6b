"""Histories by the thousand: delivered in any order, curated in any pieces by a process that dies now and then."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark import sessions
from tests.spark.deliveries import deal, deliver, expected, run
from tests.spark.documents import LATER, contents, differences, found
from tests.spark.histories import SWEEPS, history
from tests.spark.mortal import Lives
from tests.spark.raw_loads import RawFolder

TOGETHER = 500
"""Histories that share their loads."""


def trials(histories: int, seed: int) -> Iterator[tuple[int, list[str]]]:
    """How many histories have been played, and what went wrong with these."""
    with tempfile.TemporaryDirectory(prefix="lake-soak-") as folder:
        spark = sessions.small(Path(folder))
        for first in range(seed, seed + histories, TOGETHER):
            together = min(TOGETHER, seed + histories - first)
            yield together, trial(spark, Path(folder) / f"raw-{first}", first, together)
        spark.stop()


def trial(spark: Any, folder: Path, seed: int, together: int) -> list[str]:
    """Curates these histories in random pieces, and once more at once. Returns what is wrong, a line for each row."""
    random, raw = Random(seed), RawFolder(folder)  # noqa: S311 (repeatable, not secret)
    histories = [history(number) for number in range(seed, seed + together)]
    dealt = [each for lived in histories for each in deal(lived, random)]
    last = deliver(raw, dealt, random.sample(SWEEPS, len(SWEEPS)))
    pieces, whole = (database(spark, f"{name}_{seed}") for name in ("pieces", "whole"))
    for load in sorted({*random.sample(range(1, last + 1), 4), last}):
        while not run(spark, pieces, raw, load, Lives(random.choice((None, random.randrange(1, 25))))):
            pass
    run(spark, whole, raw, last)
    truth = expected(lived.events for lived in histories)
    problems = [f"in pieces: {line}" for line in differences(truth, found(pieces))]
    problems += [f"at once: {line}" for line in differences(truth, found(whole))]
    there, other = contents(pieces), contents(whole)
    for tables in (pieces, whole):
        for table in layout(LATER).all:
            tables.drop(table)  # what is in memory would fill it
    return problems + [f"{name} is another one in pieces than at once" for name in there if there[name] != other[name]]


def database(spark: Any, name: str) -> Tables:
    """An empty one."""
    spark.sql(f"CREATE NAMESPACE glue_catalog.{name}")
    return Tables(spark, f"glue_catalog.{name}")
