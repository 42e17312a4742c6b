"""From a contract's `extraction` to the plan's cursor, deletes and limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.contract.plan import Child, Cursor, Deletes, Field, Nulls

if TYPE_CHECKING:
    from lake.contract.errors import Findings
    from lake.contract.odcs import CursorSpec, DeletesSpec, ExtractionSpec, SourceSpec


def check_rules(found: Findings, spec: ExtractionSpec, source: SourceSpec) -> None:
    """What parts of `extraction` say of each other."""
    place = "customProperties.extraction"
    if spec.cursor is None and spec.full_refresh is None:
        found.add(
            place, "has neither `cursor` nor `full_refresh`: say by what changes are found, or how often all is read"
        )
    if spec.cursor is None and (spec.initial.from_ or spec.initial.window):
        found.add(f"{place}.initial", "is for entities with a `cursor`")
    if (spec.rest is not None) != (source.protocol == "rest"):
        found.add(
            f"{place}.rest", f"is for `protocol: rest` and needed there; {source.source} speaks {source.protocol}"
        )
    if spec.paging.result_cap is not None and spec.paging.mode != "server":
        found.add(f"{place}.paging.result_cap", "is for `mode: server`: paging by key never meets a cap")
    if spec.paging.rows_may_shift is not None and spec.paging.mode != "server":
        found.add(f"{place}.paging.rows_may_shift", "is for `mode: server`: pages by key are not counted")
    if spec.paging.rows_may_shift is not None and spec.full_refresh is None:
        found.add(
            f"{place}.paging.rows_may_shift", "needs a `full_refresh`: what shifted out of sight is made whole by it"
        )


def check_protocol(
    found: Findings, source: SourceSpec, spec: ExtractionSpec, fields: tuple[Field, ...], children: tuple[Child, ...]
) -> None:
    """What the source's protocol cannot say, or not tell."""
    speaks = f"{source.protocol} {source.version or 'v4'}" if source.protocol == "odata" else source.protocol
    for position, child in enumerate(children, start=1):
        if child.filter is not None and speaks != "odata v4":
            found.add(
                f"schema[{position}].customProperties", f"{source.source} speaks {speaks}: no `filter` of a child"
            )
    if any(deletes.strategy == "delta_link" for deletes in spec.deletes) and speaks != "odata v4":
        found.add("customProperties.extraction.deletes", f"{source.source} speaks {speaks}: it has no delta links")
    for field in fields if speaks == "odata v2" else ():
        if field.base == "timestamp" and field.parameters > (3,):
            found.add(
                "schema[0].properties", f"{field.name} is a {field.type}: odata v2 sends milliseconds, timestamp(3)"
            )


def seconds(duration: str) -> int:
    """The seconds of an ISO 8601 duration of days, hours, minutes and seconds."""
    number = {unit: int(amount) for amount, unit in re.findall(r"(\d+)([DHMS])", duration)}
    return int(
        timedelta(
            days=number.get("D", 0), hours=number.get("H", 0), minutes=number.get("M", 0), seconds=number.get("S", 0)
        ).total_seconds()
    )


def cursor_of(found: Findings, spec: CursorSpec, fields: tuple[Field, ...]) -> Cursor:
    """The cursor of a contract, checked against the entity's fields."""
    place = "customProperties.extraction.cursor"
    by_field = {field.field: field for field in fields}
    for name in (*spec.fields, *(spec.stand_in.fields if spec.stand_in else ())):
        if name not in by_field:
            found.add(place, f"{name} is not among the entity's fields (physicalName)")
    types, stand_in_types = (
        [by_field[name].type for name in stamp.fields if name in by_field] if stamp else []
        for stamp in (spec, spec.stand_in)
    )
    if spec.stand_in and stand_in_types != types:
        found.add(f"{place}.stand_in", f"is of {stand_in_types}, expected the cursor's own types {types}")
    if spec.date and types not in (["date", "time"] if spec.time else ["date"], []):
        found.add(place, f"is of {types}, expected a date{' and a time' if spec.time else ''}")
    if spec.compare and not spec.time:
        found.add(f"{place}.compare", "is for a date with a time")
    _zone(found, spec, f"{place}.zone")
    first = by_field.get(spec.fields[0])
    if spec.field and first is not None and first.base != "timestamp":
        found.add(f"{place}.field", f"{spec.field} is a {first.type}, expected a timestamp")
    nulls: Nulls = "stand_in" if spec.stand_in else spec.nulls or "never"
    for name in spec.fields if nulls == "never" else ():
        if name in by_field and not by_field[name].required:
            found.add(place, f"{name} may be null: say `nulls: own_pass`, a `stand_in`, or `required: true`")
    return Cursor(
        kind="instant" if spec.field else "split" if spec.time else "day",
        fields=spec.fields,
        digits=first.parameters[0] if first is not None and first.base == "timestamp" and first.parameters else 0,
        zone=spec.zone or _zone_of(first),
        nulls=nulls,
        stand_in=spec.stand_in.fields if spec.stand_in else None,
        by_day=spec.compare == "day",
    )


def _zone(found: Findings, spec: CursorSpec, place: str) -> None:
    if spec.zone is None:
        if spec.date:
            found.add(place, "is missing: a date and a time of day are no instant without it")
        return
    check_zone(found, spec.zone, place)


def _zone_of(stamp: Field | None) -> str | None:
    """The zone of a stamp that comes without an offset; None for any other."""
    name, _, zone = (stamp.form or "" if stamp else "").removesuffix(")").partition("(")
    return zone if name == "local" else None


def check_zone(found: Findings, zone: str, place: str) -> None:
    """Notes a zone that there is none of."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        found.add(place, f"{zone!r} is no time zone")


def deletes_of(found: Findings, position: int, spec: DeletesSpec, fields: tuple[Field, ...]) -> Deletes:
    """One way in which deletions are seen."""
    if spec.field is not None and not any(f.field == spec.field and f.type == "boolean" for f in fields):
        found.add(
            f"customProperties.extraction.deletes[{position}].field", f"{spec.field} is no boolean field of the entity"
        )
    return Deletes(
        strategy=spec.strategy,
        field=spec.field,
        every_s=seconds(spec.every) if spec.every else None,
        max_fraction=spec.max_fraction,
        min_rows=spec.min_rows,
    )


def instant_of(found: Findings, text: str | None) -> str | None:
    """An instant with an offset, in UTC."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        found.add("customProperties.extraction.initial.from", f"{text!r} is no instant with an offset")
        return None
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
