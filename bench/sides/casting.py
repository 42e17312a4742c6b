"""The obvious code by somebody who knows Arrow: dates and instants are read as text, and cast by columns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from bench.arrow_types import INSTANT, with_texts
from bench.reading import measure_reading

if TYPE_CHECKING:
    from pathlib import Path


def read_all(url: str, start: str, out: Path, whole: pa.Schema) -> None:
    """From the first page to one Parquet file; numbers are read as decimals, for as floats they would be others."""
    out.mkdir(parents=True, exist_ok=True)
    read = with_texts(whole, pa.date32(), INSTANT)
    session, link = requests.Session(), start
    with pq.ParquetWriter(out / "rows.parquet", whole, compression="zstd") as writer:
        while link:
            response = session.get(url + link, timeout=60)
            response.raise_for_status()
            page = response.json(parse_float=Decimal)
            rows = page["value"] if "value" in page else page["records"]
            writer.write_table(pa.Table.from_pylist(rows, schema=read).cast(whole))
            link = page.get("@odata.nextLink") or page.get("nextRecordsUrl")


if __name__ == "__main__":
    measure_reading(read_all)
