"""The obvious code: requests, its JSON, a table from a list of dictionaries, a Parquet writer, page by page."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from bench.arrow_types import INSTANT
from bench.reading import measure_reading

if TYPE_CHECKING:
    from pathlib import Path

MAKES = {INSTANT: datetime.fromisoformat, pa.date32(): date.fromisoformat}


def read_all(url: str, start: str, out: Path, whole: pa.Schema) -> None:
    """From the first page to one Parquet file; numbers are read as decimals, for as floats they would be others."""
    out.mkdir(parents=True, exist_ok=True)
    make = {item.name: MAKES[item.type] for item in whole if item.type in MAKES}
    session, link = requests.Session(), start
    with pq.ParquetWriter(out / "rows.parquet", whole, compression="zstd") as writer:
        while link:
            response = session.get(url + link, timeout=60)
            response.raise_for_status()
            page = response.json(parse_float=Decimal)
            rows = page["value"] if "value" in page else page["records"]
            for row in rows:
                for name, value_of in make.items():
                    if row[name] is not None:
                        row[name] = value_of(row[name])
            writer.write_table(pa.Table.from_pylist(rows, schema=whole))
            link = page.get("@odata.nextLink") or page.get("nextRecordsUrl")


if __name__ == "__main__":
    measure_reading(read_all)
