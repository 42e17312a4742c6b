"""The obvious code by somebody who knows Arrow: dates and instants are read as text, and cast by columns."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from bench.arrow_types import INSTANT, schema, with_texts
from bench.measuring import Task, measure


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


def main() -> None:
    """Reads once to warm up, once to be measured."""
    task = Task.told()
    whole, out = schema(task.fields), Path(task.out)
    measure(
        task,
        lambda: read_all(task.url, task.warm_up + task.start, out / "warm-up", whole),
        lambda: read_all(task.url, task.start, out / "rows", whole),
    )


if __name__ == "__main__":
    main()
