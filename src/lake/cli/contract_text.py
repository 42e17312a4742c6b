"""A drafted contract as YAML text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lake.contract.collisions import OF_DELETED, OF_HISTORY, OF_QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.contract.plan import SourcePlan
    from lake.extract.protocols.dialect import SourceField

CURSORS = (
    "SystemModstamp", "LastModifiedDate", "LastChangeDateTime", "LastModifiedDateTime", "SystemModifiedAt", "ModifiedOn",
    "hs_lastmodifieddate", "lastmodifieddate", "write_date", "updated_at", "UpdatedAt", "modified", "changed_at",
)  # fmt: skip
"""What APIs call a row's last change, the surest first; compared without regard to case."""
SPLIT = (("LastChangeDate", "LastChangeTime"), ("UpdateDate", "UpdateTime"))
PERSONAL = re.compile(
    r"first.?name|last.?name|birth|e.?mail|phone|mobile|fax|street|salutation|^contact.?name", re.IGNORECASE
)
CONFIDENTIAL = re.compile(
    r"amount|price|cost|margin|discount|revenue|credit|tax.?number|vat|iban|bank|salary", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Drafted:
    """What is known of an entity. `left_out`: fields whose type the lake has no word for. `rest`: see contract.rest."""

    source: SourcePlan
    path: str
    name: str
    fields: tuple[SourceField, ...]
    left_out: tuple[str, ...]
    from_rows: int | None = None
    rest: dict[str, Any] | None = None


def written(drafted: Drafted) -> str:
    """The contract as YAML, with a comment wherever something was guessed."""
    fields = {field.name: field for field in drafted.fields}
    keys = [field.name for field in drafted.fields if field.key]
    cursor = _cursor(fields)
    required = {*keys, *(name for name in fields if not fields[name].nullable)}
    names = snake_names(list(fields), drafted.name, keys)
    head = [
        f"# A draft of {datetime.now().astimezone():%Y-%m-%d}. Look at each line with a `?`, and at each classification.",
        *(
            [f"# Types are those of {drafted.from_rows} rows: ask the vendor for the rest."]
            if drafted.from_rows
            else []
        ),
        *(
            []
            if keys
            else ["# ? Nothing is marked as the key: give `primaryKey: true, required: true` to what identifies a row."]
        ),
        *([f"# Left out, for no type fits: {', '.join(drafted.left_out)}"] if drafted.left_out else []),
    ]
    lines = [
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {drafted.source.source}.{drafted.name}",
        f"name: {drafted.name}",
        "version: 1.0.0",
        "status: draft",
        "team: {name: Whose it is, members: [{username: owner@example.com, role: owner}]}  # ? whom to ask",
        "description:",
        "  purpose: What this entity is for.                     # ?",
        "schema:",
        f"  - name: {drafted.name}",
        f"    physicalName: {_scalar(drafted.path)}",
        "    description: What a row is.                         # ?",
        "    properties:",
        *(
            f"      - {{{_property(fields[name], names[name], keys, required)}}}"
            for name in fields
        ),
        "slaProperties:",
        "  - {property: latency, value: 25, unit: h}             # ? how old may the table be",
        "customProperties:",
        "  - property: extraction",
        "    value:",
        *(f"      {line}" for line in _extraction(drafted, fields, cursor)),
    ]  # fmt: skip
    return "\n".join([*head, *lines]) + "\n"


def _property(field: SourceField, name: str, keys: Sequence[str], required: set[str]) -> str:
    parts = [
        f"name: {name}",
        f"physicalName: {_scalar(field.name)}",
        f"physicalType: {_scalar(_sized(field.type or 'string'))}",
    ]
    if field.name in keys:
        position = f", primaryKeyPosition: {keys.index(field.name) + 1}" if len(keys) > 1 else ""
        parts.append(f"primaryKey: true{position}")
    if field.name in required:
        parts.append("required: true")
    parts += [f"classification: {_classification(field)}", f"description: {_scalar(field.description or field.name)}"]
    if field.form is not None:
        parts.append(f"customProperties: [{{property: form, value: {field.form}}}]")
    return ", ".join(parts)


def _sized(kind: str) -> str:
    """A type with digits: the most that fits where the source names none."""
    return {"decimal": "decimal(38,9)", "timestamp": "timestamp(7)"}.get(kind, kind)


def _classification(field: SourceField) -> str:
    about = f"{field.name} {field.description}"
    if PERSONAL.search(about):
        return "personal"
    return "confidential" if CONFIDENTIAL.search(about) else "internal"


def _cursor(fields: dict[str, SourceField]) -> tuple[str, ...]:
    """The fields that look like the stamp of the last change."""
    lower = {name.lower(): name for name in fields}
    for candidate in CURSORS:
        name = lower.get(candidate.lower())
        if name is not None and (fields[name].type or "").startswith("timestamp"):
            return (name,)
    for day, time in SPLIT:
        if day in fields and time in fields and (fields[day].type, fields[time].type) == ("date", "time"):
            return (day, time)
    return ()


def _extraction(drafted: Drafted, fields: dict[str, SourceField], cursor: tuple[str, ...]) -> list[str]:
    lines = []
    nulls = ", nulls: own_pass" if any(fields[name].nullable for name in cursor) else ""
    match cursor:
        case (stamp,):
            lines.append(f"cursor: {{field: {stamp}{nulls}}}  # ? does each change move it")
        case (day, time):
            lines.append(f"cursor: {{date: {day}, time: {time}, zone: UTC{nulls}}}  # ? the server's zone")
        case _:
            lines.append("full_refresh: {every: P1D}  # ? no field looks like the stamp of the last change")
    lines.append("page_size: 1000")
    if drafted.source.version == "v2" and len(cursor) == 1:
        lines.append("paging: {mode: key}  # keyset only where the service stamps in whole milliseconds")
    flag = next((name for name in fields if name.lower() == "isdeleted" and fields[name].type == "boolean"), None)
    if flag:
        lines += ["deletes:", f"  - {{strategy: soft_flag, field: {flag}}}"]
    else:
        lines += ["deletes:", "  - {strategy: key_sweep, every: P1D, max_fraction: 0.05, min_rows: 100}"]
    if drafted.rest is not None:
        lines.append(f"rest: {json.dumps(drafted.rest)}  # ? params, paginator, count: docs/rest-apis.md")
    return lines


def snake_names(physical: Sequence[str], entity: str = "", keys: Sequence[str] = ()) -> dict[str, str]:
    """API name → snake_case, made unique; each begins with a letter.

    Names of the lake's own columns get the entity's before them: those that stand beside keys, and those of a history, which may
    be asked for later.
    """
    names: dict[str, str] = {}
    for each in physical:
        text = re.sub(r"__c$", "", each)
        text = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", text)
        text = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
        text = text if re.match(r"[a-z]", text) else f"field_{text}".rstrip("_")
        if text in OF_HISTORY or (each in keys and text in (*OF_DELETED, *OF_QUARANTINE)):
            text = f"{entity}_{text}"
        unique, number = text, 2
        while unique in names.values():
            unique, number = f"{text}_{number}", number + 1
        names[each] = unique
    return names


def _scalar(text: str) -> str:
    """A text as YAML within braces: quoted where a character could mean something."""
    one_line = " ".join(text.split())
    return (
        one_line
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_/ ()'.-]*", one_line) and ", " not in one_line
        else json.dumps(one_line)
    )
