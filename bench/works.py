"""What is compared: each work with its sides and the goals that were set for it."""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 2_000
FEW = 100_000
OURS = "ours"
DLT = "rest_source"
NAMES = {
    OURS: "ours",
    "bare": "bare pyarrow",
    "obvious": "requests + pyarrow",
    "casting": "the same, cast by columns",
    DLT: "dlt REST source",
    "prefetching": "one stream, prefetching",
    "start_ours": "extract function",
    "start_bare": "pyarrow, boto3, clients",
}
DLT_SHARE = 5
"""dlt reads a fifth of the rows, for it takes minutes where the others take seconds; what counts are rows a second."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Ours is to do at least `ratio` times as many rows a second as a peer; None: the peer is there to be seen."""

    peer: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Work:
    """Rows of a form, read by all sides. `thinking`: seconds that the source takes for each page."""

    part: str
    name: str
    form: str
    source: str
    rows: int
    goals: tuple[Goal, ...]
    undeclared: bool = False
    thinking: float = 0.0
    page: int = PAGE

    @property
    def sides(self) -> tuple[str, ...]:
        """Ours and its peers."""
        return (OURS, *(goal.peer for goal in self.goals))

    def rows_of(self, side: str) -> int:
        """How many rows a side reads."""
        return self.rows // DLT_SHARE if side == DLT and not self.undeclared else self.rows


def works(rows: int) -> tuple[Work, ...]:
    """All works, the large ones of so many rows."""
    plain = (Goal("bare", 0.75), Goal("obvious", 2.5), Goal("casting", None), Goal(DLT, 12.0))
    return (
        Work("odata", "OData", "odata", "odata", rows, plain),
        Work("salesforce", "Salesforce", "salesforce", "salesforce", rows, plain),
        Work(
            "slow",
            "every row on the slow lane",
            "odata",
            "odata",
            max(rows // 10, FEW),
            (Goal(DLT, 1.0),),
            undeclared=True,
        ),
        Work("waiting", "300 ms a page", "odata", "windows", FEW, (Goal("prefetching", 3.0),), thinking=0.3),
    )
