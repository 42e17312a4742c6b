"""The lane by record: what fits is typed, a value that doesn't is kept in `_unfit`, an undeclared field in `_unmapped`.

Records are parsed one by one, their values typed by the column, and only a column that holds a value which doesn't fit is
looked at value by value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.raw import typed
from lake.raw.envelope import DEFERRED, WRAPPER, ErrorInBody, NotAPage, Page, members
from lake.raw.fit import Unfit
from lake.raw.forms import TEXT, WHOLE
from lake.raw.literal import Number, dump, parse
from lake.raw.removed import is_removed, removed_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.raw.envelope import Envelope
    from lake.raw.forms import Form
    from lake.raw.record import Forms, Layout

WHOLE_RECORD = "$"
DOCUMENT = "$"

type Place = tuple[int, str]
"""A row, and what stands before a field's name in its path (`to_Item[2].`)."""


def read(body: bytes, layout: Layout) -> Page:
    """The page; raises NotAPage."""
    try:
        return _read(parse(body), layout)
    except (ValueError, RecursionError) as error:
        raise NotAPage(f"the body is no JSON that can be read: {error}") from None


def _read(document: Any, layout: Layout) -> Page:
    envelope = layout.envelope
    if not members(envelope.records):
        document = {DOCUMENT: document}
    entries, next_link, delta_link = _opened(document, envelope)
    kept, removed = entries, []
    if (how := envelope.removed) is not None:
        kept = [entry for entry in entries if not is_removed(entry, how)]
        if len(kept) < len(entries):
            removed = [removed_key(entry, layout.plan, how) for entry in entries if is_removed(entry, how)]
    return Page(Rows(layout, len(kept)).batch(kept), next_link, True, delta_link, tuple(removed))


def _opened(document: Any, envelope: Envelope) -> tuple[list[Any], str | None, str | None]:
    """The entries, the next link and the delta link of a whole page; what looks like one but may lack records is refused."""
    error = _at(document, envelope.error)
    if error is not None:
        raise ErrorInBody(error)
    entries = _at(document, envelope.records or DOCUMENT)
    if not isinstance(entries, list):
        raise NotAPage(f"the body holds no list `{envelope.records}`")
    links = [link for path in envelope.links if (link := _link(document, path))]
    return entries, links[0] if links else None, _link(document, envelope.delta_link)


def _link(document: Any, path: str | None) -> str | None:
    """The text at a place; None where there is none: nothing, null, false, or an empty text."""
    link = _at(document, path)
    if link is None or link is False or link == "":
        return None
    if not isinstance(link, str) or isinstance(link, Number):
        raise NotAPage(f"the body's `{path}` is no text: {dump(link)}")
    return link


def _at(document: Any, path: str | None) -> Any:
    """What stands at a place; None where nothing does. Raises NotAPage where one of its members stands there twice."""
    found = document
    for member in members(path or ""):
        if not isinstance(found, dict):
            return None
        if f"{member}#2" in found:
            raise NotAPage(f"the body holds `{member}` twice")
        found = found.get(member)
    return found if path else None


class Rows:
    """Records on their way to columns, and what of them no column takes: path → literal, by row."""

    def __init__(self, layout: Layout, count: int) -> None:
        self._layout = layout
        self._envelope = envelope = layout.envelope
        self._around_items = {*envelope.beside_items, envelope.items, envelope.inner_link}
        self._unfit: list[dict[str, str] | None] = [None] * count
        self._unmapped: list[dict[str, str] | None] = [None] * count

    def batch(self, entries: Sequence[Any]) -> pa.RecordBatch:
        """The records as rows."""
        records = [self._record(row, entry) for row, entry in enumerate(entries)]
        places = [(row, "") for row in range(len(records))]
        columns = self._columns(records, places, self._layout.fields)
        for name, forms in self._layout.children:
            columns.append(self._collections(records, name, forms))
        self._keep_undeclared(records, places, self._layout.declared)
        columns += [pa.array(map(_json_object, notes), pa.string()) for notes in (self._unfit, self._unmapped)]
        return pa.RecordBatch.from_arrays(columns, schema=self._layout.schema)

    def _note(self, notes: list[dict[str, str] | None], row: int, path: str, value: Any) -> None:
        found = notes[row]
        if found is None:
            found = notes[row] = {}
        place, times = path, 1
        while place in found:  # a field called `to_Item[0].Text` beside that field of the first item
            times += 1
            place = f"{path}#{times}"
        found[place] = dump(value)

    def _record(self, row: int, entry: Any) -> dict[str, Any]:
        """The entry as one object, with the members of its flattened ones."""
        if not isinstance(entry, dict):
            self._note(self._unfit, row, WHOLE_RECORD, entry)
            return {}
        record: dict[str, Any] = entry
        for name in self._envelope.flatten:
            inner = record.get(name)
            if inner is not None and not isinstance(inner, dict):
                self._note(self._unmapped, row, name, inner)
                inner = None
            record = {key: value for key, value in record.items() if key != name}
            for key, value in (inner or {}).items():
                if record.get(key) is None and key in self._layout.declared:
                    record[key] = value
                elif not self._is_annotation(key):
                    self._note(self._unmapped, row, f"{name}.{key}", value)
        return record

    def _columns(self, records: Sequence[dict[str, Any]], places: Sequence[Place], forms: Forms) -> list[pa.Array]:
        return [self._column([record.get(name) for record in records], places, name, form) for name, form in forms]

    def _column(self, values: list[Any], places: Sequence[Place], name: str, form: Form) -> pa.Array:
        sent = values
        if self._envelope.wrappers:
            values = [self._unwrapped(value) if isinstance(value, dict) else value for value in values]
        try:
            return form.column(_as_json(values, form))
        except ValueError:  # ArrowInvalid is one
            fitting = []
        for position, value in enumerate(values):
            try:
                fitting.append(None if value is None else form.value(value))
            except Unfit:
                fitting.append(None)
                row, path = places[position]
                self._note(self._unfit, row, f"{path}{name}", sent[position])
        return pa.array(fitting, form.raw)

    def _unwrapped(self, value: dict[str, Any]) -> Any:
        """The value in a wrapper; a wrapper of another kind, or with more in it, stays what it is."""
        member = (self._envelope.wrappers or {}).get(str(value.get(WRAPPER)))
        return value.get(member) if member is not None and value.keys() <= {WRAPPER, member} else value

    def _collections(self, records: Sequence[dict[str, Any]], name: str, forms: Forms) -> pa.Array:
        """A collection of each record as a list of structs of raw types."""
        items: list[dict[str, Any]] = []
        places: list[Place] = []
        offsets, absent = [0], []
        for row, record in enumerate(records):
            own = self._items(row, record, name)
            absent.append(own is None)
            items += own or ()
            places += [(row, f"{name}[{position}].") for position in range(len(own or ()))]
            offsets.append(len(items))
        kind = self._layout.items_type(name)
        structs = pa.StructArray.from_arrays(self._columns(items, places, forms), fields=list(kind.value_type))
        self._keep_undeclared(items, places, frozenset((*dict(forms), *self._envelope.annotations)))
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), structs, type=kind, mask=pa.array(absent, pa.bool_())
        )

    def _items(self, row: int, record: dict[str, Any], name: str) -> list[dict[str, Any]] | None:
        """The items of a collection; None where there is none, or something else (kept as unfit)."""
        link, value = self._envelope.inner_link, record.get(name)
        found = value
        if self._envelope.items is not None and isinstance(value, dict):
            if value.keys() == {DEFERRED}:
                return None
            found = value.get(self._envelope.items) if value.keys() <= self._around_items else None
            self._note_link(row, f"{name}.{link}", value.get(link))
            for flag, more in self._envelope.inner_more.items():
                self._note_link(row, f"{name}.{flag}", more if value.get(flag) is more else None)
        else:
            for link in filter(None, self._envelope.inner_links):
                self._note_link(row, f"{name}{link}", record.get(f"{name}{link}"))
        if value is None:
            return None
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self._note(self._unfit, row, name, value)
            return None
        return found

    def _note_link(self, row: int, path: str, link: Any) -> None:
        """The source kept items back: the document is not whole."""
        if link is not None:
            self._note(self._unfit, row, path, link)

    def _keep_undeclared(
        self, records: Sequence[dict[str, Any]], places: Sequence[Place], declared: frozenset[str]
    ) -> None:
        for (row, path), record in zip(places, records, strict=True):
            if not record.keys() <= declared:
                for name, value in record.items():
                    if name not in declared and not self._is_annotation(name):
                        self._note(self._unmapped, row, f"{path}{name}", value)

    def _is_annotation(self, name: str) -> bool:
        return name in self._envelope.annotations or self._envelope.annotation_mark in name


def _as_json(values: list[Any], form: Form) -> pa.Array:
    """Values of one kind as Arrow's JSON reader would give them; raises ValueError where they are of several, or of one that
    the form does not have."""
    kinds = set(map(type, values)) - {type(None)}
    usual = form.json[0]
    if not kinds:
        return pa.nulls(len(values), usual)
    if kinds == {bool} and pa.types.is_boolean(usual):
        return pa.array(values, usual)
    if kinds == {str} and (TEXT in form.json or pa.types.is_decimal(usual)):
        return pa.array(values, TEXT)
    if kinds == {Number} and pa.types.is_decimal(usual):
        return pa.array(values, TEXT)
    if kinds == {Number} and WHOLE in form.json:
        return typed.int64(pa.array(values, TEXT))
    raise ValueError("values of another kind")


def _json_object(literals: Mapping[str, str] | None) -> str | None:
    """A JSON object whose values are JSON texts; None where there are none."""
    if not literals:
        return None
    return "{" + ",".join(f"{json.dumps(name)}:{literal}" for name, literal in literals.items()) + "}"
