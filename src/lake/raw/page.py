"""From a page's JSON to Arrow: a strict fast lane for pages that fit their plan, a lane by record for those that don't.

The fast lane reads the whole page as one JSON row with an explicit schema; Arrow's reader raises on anything that is not
exactly of its type, and then the other lane takes the page: what fits is typed, a value that doesn't is kept in `_unfit`,
a field that no contract declares in `_unmapped`. Neither lane drops, repairs or judges anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from lake.raw.envelope import Envelope
from lake.raw.fit import DATE, TIME, Unfit, fit, instant_pattern
from lake.raw.literal import Json, Number, dump, parse
from lake.raw.schema import STAMP, UNFIT, UNMAPPED, is_instant, page_struct, raw_type, row_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.contract.plan import Field, Plan

__all__ = ["Envelope", "ErrorInBody", "NotAPage", "Page", "read_page"]

WHOLE_RECORD = "$"
ERROR = "error"
YEARS = {
    "date": (pa.scalar(date.min), pa.scalar(date.max)),
    "timestamp": (
        pa.scalar(datetime.min.replace(tzinfo=UTC), STAMP),
        pa.scalar(datetime.max.replace(tzinfo=UTC), STAMP),
    ),
}
"""Arrow counts from year 0 and beyond 9999; nobody who reads raw in Python could."""


class NotAPage(Exception):
    """The body is no JSON, or lacks the list of records."""


class ErrorInBody(NotAPage):
    """The body says that the request failed, although the answer's status is good; `error` is what it says, parsed."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"the body breaks off with an error: {dump(error)}")
        self.error = error


@dataclass(frozen=True, slots=True)
class Page:
    """The records of a page in the columns of a row file (without `_row`, `_observed_at`, `_cursor`).

    `removed`: the keys, as text, of rows that a delta answer says are gone. `delta_link`: where its next one is asked for.
    """

    batch: pa.RecordBatch
    next_link: str | None
    by_record: bool
    delta_link: str | None = None
    removed: tuple[tuple[str, ...], ...] = ()


def read_page(body: bytes, plan: Plan, envelope: Envelope) -> Page:
    """The page in a body; raises NotAPage."""
    try:
        body.decode("utf-8")  # Arrow's reader does not look: it would hand on texts that nobody can read
    except UnicodeDecodeError as error:
        raise NotAPage(f"the body is not UTF-8: {error}") from None
    try:
        return _fast(body, plan, envelope)
    except pa.ArrowInvalid:
        return _by_record(body, plan, envelope)


def _fast(body: bytes, plan: Plan, envelope: Envelope) -> Page:
    """Raises ArrowInvalid for anything that does not fit exactly."""
    schema = pa.schema(
        [
            pa.field(envelope.records, pa.list_(page_struct(plan, dict(envelope.annotations)))),
            pa.field(envelope.next_link, pa.string()),
            *(pa.field(name, kind) for name, kind in envelope.beside.items()),
        ]
    )
    table = pj.read_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="error", newlines_in_values=True
        ),
    )
    records = table.column(envelope.records)
    if table.num_rows != 1 or records.null_count:
        raise pa.ArrowInvalid("not one document with a list of records")
    structs = records.chunk(0).flatten()
    if structs.null_count:
        raise pa.ArrowInvalid("a record is null")
    columns = [_typed(structs.field(field.field), field) for field in plan.fields]
    columns += [_typed_child(structs.field(child.field), child.fields) for child in plan.children]
    nothing = pa.nulls(len(structs), pa.string())
    return Page(
        pa.RecordBatch.from_arrays([*columns, nothing, nothing], schema=_page_schema(plan)),
        table.column(envelope.next_link)[0].as_py(),
        by_record=False,
    )


def _typed(column: pa.Array, field: Field) -> pa.Array:
    pattern = _pattern(field)
    if pattern is not None and not _all_match(column, pattern):
        raise pa.ArrowInvalid(f"a {field.base} in another form")
    if field.base == "timestamp" and not is_instant(field):
        column.cast(pa.timestamp("ns", tz="UTC"))  # only to see that each is an instant
        return column
    typed = column.cast(raw_type(field))
    if field.base in YEARS and not _within(typed, *YEARS[field.base]):
        raise pa.ArrowInvalid(f"a {field.base} outside the years 1 to 9999")
    return typed


def _pattern(field: Field) -> str | None:
    match field.base:
        case "date":
            return DATE.pattern
        case "time":
            return TIME.pattern
        case "timestamp":
            return instant_pattern(field.parameters[0])
        case _:
            return None


def _all_match(column: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, f"^(?:{pattern})$"), min_count=0).as_py())


def _within(column: pa.Array, low: pa.Scalar, high: pa.Scalar) -> bool:
    found = pc.min_max(column)
    return not (pc.less(found["min"], low).as_py() or pc.greater(found["max"], high).as_py())


def _typed_child(column: pa.ListArray, fields: tuple[Field, ...]) -> pa.Array:
    items = column.values
    if items.null_count:
        raise pa.ArrowInvalid("an item is null")
    kinds = [pa.field(field.field, raw_type(field)) for field in fields]
    typed = pa.StructArray.from_arrays([_typed(items.field(field.field), field) for field in fields], fields=kinds)
    return pa.ListArray.from_arrays(column.offsets, typed, type=pa.list_(pa.struct(kinds)), mask=column.is_null())


def _page_schema(plan: Plan) -> pa.Schema:
    return pa.schema([*row_columns(plan), pa.field(UNFIT, pa.string()), pa.field(UNMAPPED, pa.string())])


def _by_record(body: bytes, plan: Plan, envelope: Envelope) -> Page:
    try:
        document = _document(parse(body), envelope)
        rows = [_fit_record(record, plan, envelope) for record in document[envelope.records]]
    except (ValueError, RecursionError) as error:
        raise NotAPage(f"the body is no JSON that can be read: {error}") from None
    return Page(
        pa.RecordBatch.from_pylist(rows, schema=_page_schema(plan)), document.get(envelope.next_link), by_record=True
    )


def _document(document: Any, envelope: Envelope) -> dict[str, Any]:
    """The document, where it is a whole page; what looks like one but may lack records is refused (NotAPage)."""
    if not isinstance(document, dict) or not isinstance(document.get(envelope.records), list):
        raise NotAPage(f"the body holds no list `{envelope.records}`")
    for name in (f"{envelope.records}#2", f"{envelope.next_link}#2"):
        if name in document:
            raise NotAPage(f"the body holds `{name.removesuffix('#2')}` twice")
    if document.get(ERROR) is not None:
        raise ErrorInBody(document[ERROR])
    link = document.get(envelope.next_link)
    if link is not None and (not isinstance(link, str) or isinstance(link, Number)):
        raise NotAPage(f"the body's `{envelope.next_link}` is no text: {dump(link)}")
    return document


def _fit_record(record: Any, plan: Plan, envelope: Envelope) -> dict[str, Any]:
    """One record as a row: typed where it fits, the rest in `_unfit` and `_unmapped`."""
    unfit: dict[str, str] = {}
    unmapped: dict[str, Any] = {}
    row: dict[str, Any] = {}
    if isinstance(record, dict):
        row = _fit_fields(record, plan.fields, "", unfit)
        children = {child.field: child.fields for child in plan.children}
        for field, fields in children.items():
            row[field] = _fit_items(record.get(field), field, fields, envelope, unfit, unmapped)
            more = f"{field}{envelope.next_link}"
            if record.get(more) is not None:  # the source kept items back: the document is not whole
                unfit[more] = dump(record[more])
        declared = {field.field for field in plan.fields} | children.keys()
        unmapped |= {name: record[name] for name in _undeclared(record, declared, envelope)}
    else:
        unfit[WHOLE_RECORD] = dump(record)
    row[UNFIT] = _json_object(unfit.items())
    row[UNMAPPED] = _json_object((name, dump(value)) for name, value in unmapped.items())
    return row


def _fit_fields(record: dict[str, Any], fields: tuple[Field, ...], path: str, unfit: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields:
        value = record.get(field.field)
        try:
            row[field.field] = fit(value, field)
        except Unfit:
            row[field.field] = None
            unfit[f"{path}{field.field}"] = dump(value)
    return row


def _fit_items(
    value: Any,
    name: str,
    fields: tuple[Field, ...],
    envelope: Envelope,
    unfit: dict[str, str],
    unmapped: dict[str, Any],
) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        unfit[name] = dump(value)
        return None
    items = []
    for position, item in enumerate(value):
        path = f"{name}[{position}]."
        items.append(_fit_fields(item, fields, path, unfit))
        for undeclared in _undeclared(item, {field.field for field in fields}, envelope):
            unmapped[f"{path}{undeclared}"] = item[undeclared]
    return items


def _undeclared(record: dict[str, Any], declared: set[str], envelope: Envelope) -> list[str]:
    return [
        name
        for name in record
        if name not in declared and name not in envelope.annotations and envelope.annotation_mark not in name
    ]


def _json_object(literals: Iterable[tuple[str, str]]) -> str | None:
    """A JSON object whose values are JSON texts; None where it would be empty."""
    inside = ",".join(f"{json.dumps(name)}:{literal}" for name, literal in literals)
    return f"{{{inside}}}" if inside else None
