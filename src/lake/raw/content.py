"""The content of rows as digests: equal where the source sent the same, whichever lane read it, wherever and whenever."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.compute as pc

from lake.raw.schema import CURSOR, OBSERVED_AT, ROW

DIGEST = pa.binary(16)
NOT_SENT = (ROW, OBSERVED_AT, CURSOR)


def contents(rows: pa.RecordBatch) -> pa.Array:
    """The digest of what the source sent in each row."""
    names = sorted(name for name in rows.schema.names if name not in NOT_SENT)
    texts = [_text(rows.column(rows.schema.get_field_index(name))) for name in names]
    person = hashlib.blake2b(json.dumps(names).encode(), digest_size=hashlib.blake2b.PERSON_SIZE).digest()
    joined = pc.binary_join_element_wise(*texts, "").cast(pa.binary())
    size = DIGEST.byte_width
    return pa.array(
        [hashlib.blake2b(text, digest_size=size, person=person).digest() for text in joined.to_pylist()], DIGEST
    )


def _text(column: pa.Array) -> pa.Array:
    """Each value as a text that ends where it says, so that no two rows have one text: `3:abc`, `-` for null,
    `2[3:abc-]` for a list."""
    kind = column.type
    if pa.types.is_list(kind):
        items = pa.ListArray.from_arrays(column.offsets, _text(column.values))
        count = pc.list_value_length(column).cast(pa.string())
        inside = pc.fill_null(pc.binary_join(items, ""), "")
        return pc.fill_null(pc.binary_join_element_wise(count, inside, "["), "-")
    if pa.types.is_struct(kind):
        return pc.binary_join_element_wise(*(_text(column.field(place)) for place in range(kind.num_fields)), "")
    text = column
    if pa.types.is_timestamp(kind):
        text = column.cast(pa.int64())
    elif pa.types.is_date32(kind):
        text = column.cast(pa.int32())
    text = text.cast(pa.string())
    return pc.fill_null(pc.binary_join_element_wise(pc.binary_length(text).cast(pa.string()), text, ":"), "-")
