"""A single stream at its best: the link to the next page is found before the page is parsed, and followed at once."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from bench.arrow_types import schema
from bench.measuring import Task, measure
from bench.sides.bare import parse

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
