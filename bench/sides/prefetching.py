"""A single stream at its best: the link to the next page is found before the page is parsed, and followed at once."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from bench.reading import measure_reading
from bench.sides.bare import parse

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(rb'"(?:@odata\.nextLink|nextRecordsUrl)":"([^"]*)"')
NEAR = 1000


def read_all(url: str, start: str, out: Path, whole: pa.Schema) -> None:
    """From the first page to one Parquet file; one page is parsed while the next one is waited for."""
    out.mkdir(parents=True, exist_ok=True)
    session = requests.Session()

    def fetch(link: str) -> bytes:
        response = session.get(url + link, timeout=60)
        response.raise_for_status()
        return response.content

    with ThreadPoolExecutor(1) as stream, pq.ParquetWriter(out / "rows.parquet", whole, compression="zstd") as writer:
        coming: Future[bytes] | None = stream.submit(fetch, start)
        while coming:
            body = coming.result()
            link = LINK.search(body[:NEAR] + body[-NEAR:])
            coming = stream.submit(fetch, link[1].decode()) if link else None
            writer.write_batch(parse(body, whole)[0])


if __name__ == "__main__":
    measure_reading(read_all)
