"""The fast lane: a whole page is read as one JSON row with an explicit schema.

Arrow's reader raises on anything that is not exactly of its type, and on what no schema declares; so do the casts behind it.
What gets through has lost nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from lake.raw.envelope import DEFERRED, WRAPPER, Page, members
from lake.raw.forms import TEXT
from lake.raw.safe import begins_an_object, holds_tiny_numbers, is_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.raw.envelope import Envelope
    from lake.raw.forms import Form
    from lake.raw.record import Forms, Layout

WRAPPED = pa.null()
"""Stands for the type of a value in a wrapper."""
DOCUMENT = "$"
BEGINNING = 4096
"""The bytes of a page that are looked through for its first record's annotations."""
URI = pa.struct([pa.field("uri", pa.string())])

type Kinds = tuple[tuple[str, pa.DataType], ...]
"""Fields whose values a page writes in another than the usual JSON type."""


def read(body: bytes, layout: Layout) -> Page:
    """The page; raises ArrowInvalid where anything does not fit exactly."""
    if not members(layout.envelope.records):
        body = b'{"%s":%s}' % (DOCUMENT.encode(), body)
    if not begins_an_object(body) or not is_utf8(body) or (layout.has_decimals and holds_tiny_numbers(body)):
        raise pa.ArrowInvalid("nothing for this reader")
    seen, every = _seen(body, layout.envelope), tuple(layout.envelope.annotations)
    try:
        return _read(body, layout, (), seen)
    except pa.ArrowInvalid:
        unusual = _unusual(body, layout)
        if not unusual and seen == every:
            raise
    return _read(body, layout, unusual, every)


def _read(body: bytes, layout: Layout, kinds: Kinds, annotations: tuple[str, ...]) -> Page:
    envelope = layout.envelope
    table = pj.read_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=_document(layout, kinds, annotations),
            unexpected_field_behavior="error",
            newlines_in_values=True,
        ),
    )
    if table.num_rows != 1:
        raise pa.ArrowInvalid("not one document")
    records = _at(table, members(envelope.records) or (DOCUMENT,))
    structs = _all_there(records, "the list a list of records")
    structs = _all_there(structs.flatten(), "a record")
    parts = [structs, *(structs.field(name) for name in envelope.flatten)]
    columns = [_values(_one(parts, name), form, envelope) for name, form in layout.fields]
    columns += [_collection(structs.field(name), forms, layout, name) for name, forms in layout.children]
    nothing = pa.nulls(len(structs), pa.string())
    return Page(
        pa.RecordBatch.from_arrays([*columns, nothing, nothing], schema=layout.schema),
        next((link for path in envelope.links if (link := _text(table, path))), None),
        by_record=False,
        delta_link=_text(table, envelope.delta_link),
    )


@lru_cache(maxsize=64)
def _document(layout: Layout, kinds: Kinds, annotations: tuple[str, ...]) -> pa.Schema:
    """The schema of a page's document, of whose records just these annotations are expected.

    They stand first, as protocols send them: members that come in the schema's order are found without a search.
    """
    envelope, unusual = layout.envelope, dict(kinds)
    own = _record_fields(layout.fields, envelope, unusual)
    declared = {*dict(layout.fields), *dict(layout.children)}
    record = [
        *(pa.field(name, envelope.annotations[name]) for name in annotations if name not in declared),
        *own,
        *(pa.field(name, pa.struct([*_annotations(envelope, own), *own])) for name in envelope.flatten),
        *(pa.field(name, _collection_type(forms, envelope, unusual)) for name, forms in layout.children),
    ]
    places = {members(envelope.records) or (DOCUMENT,): pa.list_(pa.struct(record))}
    links = (*envelope.links, envelope.delta_link)
    places |= {members(link): pa.string() for link in links if link}
    places |= {members(name): kind for name, kind in envelope.beside.items()}
    return pa.schema(_nested(places))


def _nested(places: Mapping[tuple[str, ...], pa.DataType]) -> list[pa.Field]:
    """Fields such that a type stands at each place."""
    names = dict.fromkeys(path[0] for path in places)
    inside = {name: {path[1:]: kind for path, kind in places.items() if path[0] == name} for name in names}
    return [pa.field(name, below[()] if () in below else pa.struct(_nested(below))) for name, below in inside.items()]


def _record_fields(forms: Forms, envelope: Envelope, unusual: Mapping[str, pa.DataType]) -> list[pa.Field]:
    return [pa.field(name, _kind(form, unusual.get(name, form.json[0]), envelope)) for name, form in forms]


def _kind(form: Form, kind: pa.DataType, envelope: Envelope) -> pa.DataType:
    if kind != WRAPPED:
        return kind
    values = dict.fromkeys((envelope.wrappers or {}).values())
    return pa.struct([pa.field(WRAPPER, pa.string()), *(pa.field(name, form.json[0]) for name in values)])


def _collection_type(forms: Forms, envelope: Envelope, unusual: Mapping[str, pa.DataType]) -> pa.DataType:
    own = _record_fields(forms, envelope, unusual)
    item = pa.struct([*_annotations(envelope, own), *own])
    if envelope.items is None:
        return pa.list_(item)
    inside = envelope.beside_items | {envelope.items: pa.list_(item), envelope.inner_link: pa.string(), DEFERRED: URI}
    return pa.struct([pa.field(name, kind) for name, kind in inside.items()])


def _annotations(envelope: Envelope, own: Sequence[pa.Field]) -> list[pa.Field]:
    """The annotations beside a record's own fields. Two members of one name would end the process, not the page."""
    names = {field.name for field in own}
    return [pa.field(name, kind) for name, kind in envelope.annotations.items() if name not in names]


def _at(table: pa.Table, path: tuple[str, ...]) -> pa.Array:
    column = table.column(path[0]).chunk(0)
    return pc.struct_field(column, list(path[1:])) if path[1:] else column


def _text(table: pa.Table, path: str | None) -> str | None:
    text: str | None = _at(table, members(path))[0].as_py() if path else None
    return text or None


def _all_there(column: pa.Array, what: str) -> pa.Array:
    if column.null_count:
        raise pa.ArrowInvalid(f"{what} is null")
    return column


def _one(parts: list[pa.StructArray], name: str) -> pa.Array:
    """A field's column: the record's own member, or that of one of its flattened objects."""
    if len(parts) == 1:
        return parts[0].field(name)
    columns = [column for part in parts if (column := pc.struct_field(part, [name])).null_count < len(column)]
    if len(columns) > 1:
        raise pa.ArrowInvalid(f"{name} stands in several places")
    return columns[0] if columns else pc.struct_field(parts[0], [name])


def _values(column: pa.Array, form: Form, envelope: Envelope) -> pa.Array:
    if pa.types.is_struct(column.type):
        column = _unwrapped(column, envelope.wrappers or {})
    return form.column(column)


def _unwrapped(column: pa.StructArray, wrappers: Mapping[str, str]) -> pa.Array:
    """The values in wrappers, each in the member that its class names."""
    kinds = pc.struct_field(column, WRAPPER)
    known = pc.is_in(kinds, value_set=pa.array(wrappers, pa.string()))
    values = []
    for member in dict.fromkeys(wrappers.values()):
        value = pc.struct_field(column, member)
        classes = pa.array([name for name, holds in wrappers.items() if holds == member], pa.string())
        known = pc.and_(known, pc.or_(pc.is_null(value), pc.is_in(kinds, value_set=classes)))
        values.append(value)
    if not pc.all(pc.or_(known, pc.is_null(column)), min_count=0).as_py():
        raise pa.ArrowInvalid("a value in another wrapper")
    return pc.coalesce(*values)


def _collection(column: pa.Array, forms: Forms, layout: Layout, name: str) -> pa.Array:
    """A collection of each record as a list of structs of raw types."""
    envelope = layout.envelope
    if envelope.items is not None:
        lists = pc.struct_field(column, envelope.items)
        expected = pc.or_(pc.is_null(column), pc.is_valid(pc.struct_field(column, DEFERRED)))
        if pc.struct_field(column, envelope.inner_link).null_count < len(column) or not lists.is_null().equals(
            expected
        ):
            raise pa.ArrowInvalid("a collection that is not whole")
        for flag, more in envelope.inner_more.items():
            if pc.any(pc.equal(pc.struct_field(column, flag), more)).as_py():
                raise pa.ArrowInvalid("a collection that says that it is not whole")
        column = lists
    items = _all_there(column.values, "an item")
    kind = layout.items_type(name)
    typed = [_values(items.field(field), form, envelope) for field, form in forms]
    structs = pa.StructArray.from_arrays(typed, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(column.offsets, structs, type=kind, mask=column.is_null())


def _seen(body: bytes, envelope: Envelope) -> tuple[str, ...]:
    """The annotations that this page's first record seems to have. Only a guess of what to try first: each field that is
    looked for in vain costs time at every record."""
    beginning = body[:BEGINNING]
    return tuple(name for name in envelope.annotations if b'"%s"' % name.encode() in beginning)


def _unusual(body: bytes, layout: Layout) -> Kinds:
    """The other JSON types in which this page seems to write some fields: quoted numbers, wrappers. Only a guess of what to
    try next, by the first value of each field."""
    found = {}
    for name, form in (*layout.fields, *(pair for _, forms in layout.children for pair in forms)):
        if len(form.json) == 1 and not layout.envelope.wrappers:
            continue
        first = re.search(rb'"%s"\s*:\s*(["{0-9-])' % re.escape(name.encode()), body)
        if first is None:
            continue
        kind = next((kind for kind in form.json if (kind == TEXT) == (first[1] == b'"')), form.json[0])
        if first[1] == b"{":
            kind = WRAPPED if layout.envelope.wrappers else form.json[0]
        if kind != form.json[0]:
            found[name] = kind
    return tuple(found.items())
