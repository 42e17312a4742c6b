"""Arrow's JSON reader and Parquet writer and nothing else: no check, no cursor, no commit. As fast as it gets in Python.

The page is one JSON row of an explicit schema; links are followed one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
import requests

from bench.arrow_types import with_texts
from bench.reading import measure_reading

if TYPE_CHECKING:
    from pathlib import Path

PAGES = 50
"""In a row group: fewer make the file larger and the writer slower."""
ENVELOPES = {"value": "@odata.nextLink", "records": "nextRecordsUrl"}


def parse(body: bytes, whole: pa.Schema) -> tuple[pa.RecordBatch, str | None]:
    """The rows of a page, and the link to the next one."""
    records = "value" if body.startswith(b'{"value"') else "records"
    link = ENVELOPES[records]
    read = with_texts(whole, pa.date32())
    envelope = pa.schema([pa.field(records, pa.list_(pa.struct(list(read)))), pa.field(link, pa.string())])
    table = pj.read_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=envelope, unexpected_field_behavior="ignore", newlines_in_values=True
        ),
    )
    columns = table.column(records).chunk(0).flatten().flatten()
    cast = [column.cast(item.type) for column, item in zip(columns, whole, strict=True)]
    return pa.RecordBatch.from_arrays(cast, schema=whole), table.column(link)[0].as_py()


def read_all(url: str, start: str, out: Path, whole: pa.Schema) -> None:
    """From the first page to one Parquet file."""
    out.mkdir(parents=True, exist_ok=True)
    session = requests.Session()
    link: str | None = start
    group: list[pa.RecordBatch] = []
    with pq.ParquetWriter(out / "rows.parquet", whole, compression="zstd") as writer:
        while link:
            response = session.get(url + link, timeout=60)
            response.raise_for_status()
            batch, link = parse(response.content, whole)
            group.append(batch)
            if len(group) == PAGES or not link:
                writer.write_table(pa.Table.from_batches(group))
                group = []


if __name__ == "__main__":
    measure_reading(read_all)
