"""Where a reading stands, and where it goes on behind a page: the three ways of paging as functions of values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lake.extract.errors import NoProgress, ResultCapReached
from lake.instants import from_text, to_text

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.contract.plan import Plan
    from lake.extract.passes import Pass

type Position = dict[str, Any]
"""A place in JSON's types: `{"after": [literal, ...]}` behind a row, by the columns of the pass's order; or `{"link": token,
"asked_at": instant, "rows": n}` where the server pages (`counted`: by counts of rows). A link without `asked_at` is where a
reading begins (a delta link); it stays beside later ones as `start`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Behind a row (`after`: literals), at what the server said comes next (`link`), or, with neither, at the beginning.

    `asked_at` and `rows`: when the query that the link belongs to was asked, and what it has brought so far. `start`: the
    link that the reading began with. `counted`: links or tokens were seen to be counts.
    """

    after: tuple[str, ...] | None = None
    link: str | None = None
    asked_at: datetime | None = None
    rows: int = 0
    start: str | None = None
    counted: bool = False

    @staticmethod
    def load(position: Position | None) -> Place:
        """The place that a position says."""
        if position is None:
            return Place()
        if "after" in position:
            return Place(after=tuple(position["after"]))
        asked_at = position.get("asked_at")
        return Place(
            link=position["link"],
            asked_at=asked_at and from_text(asked_at),
            rows=position.get("rows", 0),
            start=position.get("start") if asked_at else position["link"],
            counted=position.get("counted", False),
        )

    def dump(self, reading: Pass) -> Position | None:
        """The position, for the next invocation; None for a place where reading goes on at once or not at all."""
        if reading.paging != "server":
            return {"after": list(self.after)} if self.after is not None and self.link is None else None
        if self.link is None or self.asked_at is None:
            return None
        position = {"link": self.link, "asked_at": to_text(self.asked_at), "rows": self.rows}
        if self.counted:
            position["counted"] = True
        return position if self.start is None else position | {"start": self.start}

    @property
    def beginning(self) -> Place:
        """Where the reading began, for one that has to begin again."""
        return Place(link=self.start, start=self.start, counted=self.counted)


def behind(
    place: Place,
    batch: pa.RecordBatch,
    link: str | None,
    asked_at: datetime,
    plan: Plan,
    reading: Pass,
    largest: int = 0,
) -> Place | None:
    """The place behind a page; None at the end. `link`: what the page says comes next. Raises NoProgress, ResultCapReached.

    Client keyset: behind the last row that has all columns of the order. A link is followed only where a page came empty
    with one, or where no row of it has them all; such a page without a link is the end only if it is short, of the page's
    size and of the `largest` page that came before it (servers cap pages in silence). Where the server pages, the end is a
    page that names no next one.
    """
    asked_at = place.asked_at or asked_at
    if reading.paging == "server":
        rows = place.rows + batch.num_rows
        if plan.result_cap is not None and rows >= plan.result_cap:
            raise ResultCapReached(
                f"{plan.entity}: one query brought {rows} rows and gives no more than {plan.result_cap}: what lies behind "
                "them cannot be read by it",
                reading,
            )
        return None if link is None else replace(place, link=link, asked_at=asked_at, rows=rows)
    last = last_whole(batch, reading)
    if last is not None:
        return Place(after=literals(batch, last, reading))
    if link is None:
        if batch.num_rows >= min(plan.page_size, largest or plan.page_size):
            raise dead_end(plan, reading)
        return None
    return replace(place, link=link, asked_at=asked_at)


def dead_end(plan: Plan, reading: Pass) -> NoProgress:
    """What to raise where reading cannot go on."""
    return NoProgress(
        f"{plan.entity}: no row of a full page has all of {', '.join(column.field for column in reading.order)} in the form "
        "that the contract declares: reading cannot go on behind it. Look at these rows in the source, or raise the "
        "contract's page_size."
    )


def last_whole(batch: pa.RecordBatch, reading: Pass) -> int | None:
    """The last row that has all of the order's columns."""
    columns = [batch.column(column.raw) for column in reading.order]
    for row in range(batch.num_rows - 1, -1, -1):
        if all(column[row].is_valid for column in columns):
            return row
    return None


def literals(batch: pa.RecordBatch, row: int, reading: Pass) -> tuple[str, ...]:
    """The literals of a row in the order's columns."""
    return tuple(_literal(batch.column(column.raw)[row].as_py()) for column in reading.order)


def _literal(value: Any) -> str:
    """A typed value as the text of a literal."""
    match value:
        case datetime():
            return to_text(value.astimezone(UTC))
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
