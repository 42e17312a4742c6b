"""Envelopes: what a protocol wraps records in, and the pages that come in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.raw.literal import Json, dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

DEFERRED = "__deferred"
"""The only member of a collection that was not expanded (OData v2)."""
WRAPPER = "__class__"
"""The member of a wrapped value that says what it is."""
KNOWN_LINKS = ("@odata.nextLink", "odata.nextLink", "@nextLink", "__next", "d.__next")
"""Where next links stand in OData 4.0, in the JSON of version 3, in 4.01 and in version 2: servers mix them up."""
DOTTED = ("odata.nextLink", "odata.count", "odata.metadata")
"""Members whose own names have a dot (the JSON of OData 3)."""


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


@dataclass(frozen=True, slots=True)
class Removed:
    """How an entry of a delta answer says that its row is gone, and where its key then stands.

    It has the member `mark` (OData 4.01: `@removed`), or its `context` ends with `ending` (4.0:
    `"@odata.context": "...$deletedEntity"`). Its key: the key fields, where they stand in it; else what the first of `ids`
    that it has names: `Things('4711')`, an absolute address that ends like this, or the bare value of a key of one field.
    """

    mark: str = "@removed"
    context: str = "@odata.context"
    ending: str = "/$deletedEntity"
    ids: tuple[str, ...] = ("@odata.id", "@id", "id")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a protocol wraps records in: where the list and the next link stand, and what else may stand beside them.

    Places (`records`, `next_link`, `delta_link`, `error`, the names in `beside`) are paths with dots (`d.results`); a path that
    begins with `@`, or is one of `DOTTED`, is one member; the empty path of `records` is the document itself. `beside` are
    the types of what may stand beside them, which is not kept. `known_links` are where a next link is looked for, too.
    `more`: flags (path → the value that means that there are more rows), some of `beside` among them.

    `annotations` are what the protocol adds to each record, with their types; they and all whose name holds
    `annotation_mark` are the protocol's, not the source's data, and are not kept.

    `forms`: how this protocol writes the values of a base type (`lake.raw.forms`). `items`: the member of an expanded
    collection under which its list stands, where it is no list itself; `{"__deferred": ...}` is a collection that was not
    expanded: null. `flatten`: objects of a record whose members count as the record's own fields. `wrappers`: class → member
    that holds the value, of values such as `{"__class__": "Decimal", "decimal": "2081.38"}`. `error`: where a body says that
    it failed although the answer's status is good.
    """

    records: str
    next_link: str
    beside: Mapping[str, pa.DataType]
    annotations: Mapping[str, pa.DataType]
    annotation_mark: str
    forms: Mapping[str, str] = field(default_factory=dict)
    items: str | None = None
    flatten: tuple[str, ...] = ()
    wrappers: Mapping[str, str] | None = None
    delta_link: str | None = None
    removed: Removed | None = None
    error: str | None = "error"
    known_links: tuple[str, ...] = KNOWN_LINKS
    more: Mapping[str, bool] = field(default_factory=dict)

    @property
    def links(self) -> tuple[str, ...]:
        """Where a next link may stand, the protocol's own place first; no place inside or around another one."""
        own = (self.next_link,) if self.next_link else ()
        taken = [members(path) for path in (self.records, *own, *self.beside)]
        others = [path for path in self.known_links if not any(_overlap(members(path), place) for place in taken)]
        return (*own, *others)

    @property
    def inner_links(self) -> tuple[str, ...]:
        """What the name of an expanded collection is followed by, in the member that tells of items held back."""
        return tuple(dict.fromkeys((self.inner_link, "@odata.nextLink", "@nextLink")))

    @property
    def inner_link(self) -> str:
        """The member of an expanded collection that tells of items held back."""
        return (members(self.next_link) or ("",))[-1]

    @property
    def inner_more(self) -> dict[str, bool]:
        """The members of an expanded collection that may say that items were held back, and with which value."""
        return {members(path)[-1]: more for path, more in self.more.items() if path in self.beside}

    @property
    def beside_items(self) -> dict[str, pa.DataType]:
        """What may stand beside an expanded collection's list: what stands beside the page's own."""
        return {members(name)[-1]: kind for name, kind in self.beside.items()}


def members(path: str) -> tuple[str, ...]:
    """The members that lead to a place, from the document inwards."""
    if path.startswith("@") or path in DOTTED:
        return (path,)
    return tuple(path.split(".")) if path else ()


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one place is the other, or is inside it; the document itself is around none."""
    shared = min(len(one), len(other))
    return shared > 0 and one[:shared] == other[:shared]
