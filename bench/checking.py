"""Whether a side did the work: its Parquet files hold all rows, and columns that add up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.rows import Totals

if TYPE_CHECKING:
    from pathlib import Path


class OtherWork(Exception):
    """A side wrote other rows than it was given: its figures would compare different work."""


def check(folder: Path, expected: Totals) -> None:
    """Compares what lies below a folder with what was to be written; raises OtherWork."""
    rows, items, net_amount = 0, 0, Decimal(0)
    for path in sorted(folder.rglob("*.parquet")):
        with pq.ParquetFile(path) as file:
            names = {name.replace("_", "").lower(): name for name in file.schema_arrow.names}
            if "netamount" not in names:
                continue
            table = file.read(columns=[names["items"], names["netamount"]])
        rows += table.num_rows
        items += pc.sum(table.column(names["items"])).as_py()
        net_amount += pc.sum(table.column(names["netamount"])).as_py()
    found = Totals(rows, items, net_amount)
    if found != expected:
        raise OtherWork(f"{folder}: expected {expected}, found {found}")
