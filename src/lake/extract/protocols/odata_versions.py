"""The versions of OData as a table: what differs between them, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from lake.extract.protocols.odata_literals import v2_literal, v4_literal
from lake.extract.query import Words
from lake.raw.envelope import Envelope, Removed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lake.contract.plan import SourcePlan
    from lake.extract.query import Expand, Operator, Query

OPERATORS: Final[Mapping[Operator, str]] = {"eq": "eq", "gt": "gt", "ge": "ge", "lt": "lt"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `headers` go with each request, `options` with each one for rows; `columns` says which fields and
    collections come, `words` what a filter is made of, `envelope` what surrounds the rows."""

    headers: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    columns: Callable[[Query], tuple[tuple[str, str], ...]]
    words: Words
    envelope: Envelope


def version_of(source: SourcePlan) -> Version:
    """The version that a source speaks; version 4 where it doesn't say."""
    return VERSIONS[source.version or "v4"]


def _nested(query: Query) -> tuple[tuple[str, str], ...]:
    """Version 4: a collection has options of its own, in parentheses."""
    select = ("$select", ",".join(query.select))
    if not query.expand:
        return (select,)
    return select, ("$expand", ",".join(map(_collection, query.expand)))


def _collection(item: Expand) -> str:
    chosen = f"$select={','.join(item.select)}"
    return f"{item.field}({chosen}{f';$filter={item.filter}' if item.filter else ''})"


def _paths(query: Query) -> tuple[tuple[str, str], ...]:
    """Version 2: the fields of a collection stand among the entity's own, as paths; it knows no filter for them."""
    below = [f"{item.field}/{name}" for item in query.expand for name in item.select]
    select = ("$select", ",".join((*query.select, *below)))
    if not query.expand:
        return (select,)
    return select, ("$expand", ",".join(item.field for item in query.expand))


V4: Final = Version(
    headers=(("Accept", "application/json"), ("OData-MaxVersion", "4.0")),
    options=(),
    columns=_nested,
    words=Words(OPERATORS, " and ", " or ", v4_literal),
    envelope=Envelope(
        records="value",
        next_link="@odata.nextLink",
        beside={
            "@odata.context": pa.string(),
            "@odata.metadataEtag": pa.string(),
            "@odata.count": pa.int64(),
            "@context": pa.string(),
            "@count": pa.int64(),
            "odata.metadata": pa.string(),
            "odata.count": pa.string(),
        },
        annotations={"@odata.etag": pa.string()},
        annotation_mark="@odata.",
        delta_link="@odata.deltaLink",
        removed=Removed(),
    ),
)
V2: Final = Version(
    headers=(("Accept", "application/json"), ("DataServiceVersion", "2.0"), ("MaxDataServiceVersion", "2.0")),
    options=(("$format", "json"),),
    columns=_paths,
    words=Words(OPERATORS, " and ", " or ", v2_literal),
    envelope=Envelope(
        records="d.results",
        next_link="d.__next",
        beside={"d.__count": pa.string()},
        annotations={"__metadata": pa.struct([(name, pa.string()) for name in ("id", "uri", "type", "etag")])},
        annotation_mark="\0",
        forms={"timestamp": "odata_date", "date": "odata_date", "time": "iso_duration"},
        items="results",
    ),
)
VERSIONS: Final[Mapping[str, Version]] = {"v2": V2, "v4": V4}
