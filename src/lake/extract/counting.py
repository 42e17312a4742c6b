"""The source's own count of its rows, beside what a complete scan has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from lake.extract.asking import sound
from lake.extract.errors import BadRequest, OutOfTime, SourceError
from lake.extract.passes import counted_rows, window_passes
from lake.extract.query import EVERY_ROW, CountQuery
from lake.extract.window import Window

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.http import Answer
    from lake.extract.reading import Reader


logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a complete scan of an entity found, beside what the source counts.

    `keys`: different keys. `count`: the source's count after the scan (None: it tells none, or is not believed), `before`: the
    one before it. `changed`: of the count the rows that changed since the scan began, less an overlap (None: they cannot be
    counted, or nobody had to ask).
    """

    keys: int
    count: int | None
    before: int | None = None
    changed: int | None = None

    @property
    def is_short(self) -> bool:
        """Whether rows must have been missed. A surplus is no fault: rows may go while they are read.

        100 rows are counted after the scan, 4 of them changed since it began: at least 96 were there all the time.
        """
        if not self.keys or self.count is None:
            return not self.keys and self.count != 0
        if self.changed is not None:
            return self.keys < self.count - self.changed
        return self.keys < (self.count if self.before is None else min(self.count, self.before))

    def dump(self) -> dict[str, int]:
        """The JSON form in manifests."""
        said = {"keys": self.keys, "count": self.count, "before": self.before, "changed": self.changed}
        return {name: number for name, number in said.items() if number is not None}

    def told(self) -> str:
        """The numbers in words."""
        if self.count is None:
            return "it found no key, and the source tells no count that proves it empty"
        since = "" if self.changed is None else f", of which {self.changed:,} changed meanwhile"
        return f"it found {self.keys:,} keys, and the source counts {self.count:,} rows{since}"


def compare(reader: Reader, keys: int, before: int | None, since: datetime) -> Comparison:
    """A complete scan beside the source's count, asked now over the scan's own endpoint and filter; raises SourceError, Paused.

    Where the scan has fewer keys, the rows with a stamp from `since` on (the source's clock when the scan began, less an
    overlap) are counted too. Without stamps, or where the source refuses that, the smaller count of both is believed.
    """
    plan = reader.plan
    if plan.count_ignored is not None:
        return Comparison(keys, None)
    deleted = plan.strategy("soft_flag") is not None
    count = count_rows(reader, CountQuery(deleted=deleted))
    if count is None or keys >= count:
        return Comparison(keys, count)
    return Comparison(keys, count, before, changed_since(reader, since, deleted=deleted))


def count_rows(reader: Reader, rows: CountQuery = EVERY_ROW) -> int | None:
    """How many rows the source counts; None where it tells no number. Raises SourceError, Paused."""
    dialect, source, plan = reader.dialect, reader.source, reader.plan

    def read(answer: Answer) -> int | None:
        return dialect.read_count(source, plan, answer.body)

    counted: int | None = sound(reader, dialect.count(source, plan, rows), read)
    return counted


def count_or_none(reader: Reader, rows: CountQuery) -> int | None:
    """How many rows the source counts by a condition; None where it cannot. Many count no more than all: it must not stop what
    can be read without. Raises Paused and OutOfTime."""
    try:
        return count_rows(reader, rows)
    except OutOfTime:
        raise
    except (BadRequest, SourceError) as error:
        logger.warning("the source does not count by a condition", reason=str(error))
        return None


def changed_since(reader: Reader, since: datetime, *, deleted: bool = False) -> int | None:
    """How many rows have a stamp (or a stand-in) at or after an instant; None where the source cannot count them."""
    plan = reader.plan
    if plan.cursor.kind == "none" or not reader.dialect.counts_changes(reader.source, plan):
        return None
    scans = window_passes(plan, Window(since, since), open_end=True)
    counts = [count_or_none(reader, counted_rows(scan, deleted=deleted)) for scan in scans if scan.stamp]
    return None if None in counts else sum(count for count in counts if count is not None)
