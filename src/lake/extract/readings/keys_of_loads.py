"""Keys of loads that are committed, read back from raw."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lake.extract.keys import key_texts, whole_keys
from lake.raw.layout import manifest_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.extract.passes import Key
    from lake.extract.work import Work

NONE = b'{"kind": "keys", "parts": []}'


def keys_named_by(work: Work, load: int) -> Iterator[Key]:
    """The keys, as text, of a load's tombstones or rows; those that a sweep has merely seen are not named."""
    for columns in _columns(work, load, ("rows", "tombstones")):
        yield from zip(*(column.cast(pa.string()).to_pylist() for column in columns), strict=True)


def key_texts_of(work: Work, load: int) -> Iterator[pa.Array]:
    """The whole keys of a load of rows or of a sweep's keys (`key_text`), part by part."""
    for columns in _columns(work, load, ("rows", "keys")):
        whole = whole_keys(columns)
        yield key_texts([column.filter(whole) for column in columns])


def _columns(work: Work, load: int, kinds: tuple[str, ...]) -> Iterator[list[pa.Array]]:
    manifest = json.loads(work.world.raw.get(manifest_key(work.plan.entity, load)) or NONE)
    for part in manifest["parts"] if manifest["kind"] in kinds else ():
        file = pq.ParquetFile(io.BytesIO(work.world.raw.get(part["key"]) or b""))
        names = file.schema_arrow.names[: len(work.plan.key)]  # under the names of the contract that wrote them
        if manifest["kind"] == "rows":
            names = [field.raw for field in work.plan.key_fields]
        yield [column.combine_chunks() for column in file.read(names).columns]
