"""From the properties of a contract's tables to the fields of its plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lake.contract.extraction import check_zone
from lake.contract.plan import Field

if TYPE_CHECKING:
    from open_data_contract_standard.model import SchemaObject, SchemaProperty

    from lake.contract.errors import Findings

TYPE = re.compile(
    r"^(?:string(?:\(\d+\))?|boolean|int64|date|time|decimal\((\d+),(\d+)\)|timestamp\((\d)\))$",
)
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
CLASSIFICATIONS = ("public", "internal", "confidential", "personal")
MAX_PRECISION = 38
RESERVED = re.compile(r"^_")
FORMS = {
    "epoch_ms": ("timestamp", "date"),
    "epoch_s": ("timestamp", "date"),
    "odata_date": ("timestamp", "date"),
    "odata_datetime": ("timestamp",),
    "local": ("timestamp",),
    "yyyymmdd": ("date",),
    "hhmmss": ("time",),
    "iso_duration": ("time",),
    "guid": ("string",),
}
"""How a source may write values, and of which types; `local(Europe/Berlin)` names the zone of stamps without offset, `guid`
says that a text is compared without quotes, `odata_datetime` that a stamp of OData v2 has no offset and is in UTC."""


def fields_of(found: Findings, table: SchemaObject, path: str) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The fields of a schema object and its key's curated names in the key's order."""
    if not NAME.match(table.name or ""):
        found.add(f"{path}.name", f"is {table.name!r}, expected snake_case")
    if not table.physicalName:
        found.add(f"{path}.physicalName", "is missing: the API's name of the object")
    fields: list[Field] = []
    key: list[tuple[int, str]] = []
    for position, item in enumerate(table.properties or []):
        place = f"{path}.properties[{position}]"
        fields.append(_field(found, item, place))
        if item.primaryKey:
            key.append((item.primaryKeyPosition or 1, item.name or ""))
            if not item.required:
                found.add(f"{place}.required", f"{item.name} is part of the key: say `required: true`")
    if not key:
        found.add(f"{path}.properties", "none has `primaryKey: true`: a row cannot be told from another")
    _check_names(found, fields, f"{path}.properties")
    return tuple(fields), tuple(name for _, name in sorted(key))


def _check_names(found: Findings, fields: list[Field], place: str) -> None:
    for attribute in ("name", "field", "renamed_from"):
        values = [getattr(field, attribute) for field in fields]
        for double in sorted({value for value in values if value and values.count(value) > 1}):
            found.add(place, f"{double!r} stands twice")
    for field in fields:
        if field.renamed_from in [other.name for other in fields]:
            found.add(place, f"{field.name} is renamed from {field.renamed_from}, which is still there")


def _field(found: Findings, item: SchemaProperty, place: str) -> Field:
    kind = (item.physicalType or "").replace(" ", "")
    match = TYPE.match(kind)
    if not match:
        found.add(f"{place}.physicalType", f"is {item.physicalType!r}, expected one of docs/formats.md, Plan")
    elif match[1] and not (int(match[2]) <= int(match[1]) <= MAX_PRECISION and int(match[1]) > 0):
        found.add(f"{place}.physicalType", f"{kind}: precision is 1 to 38, scale at most the precision")
    if not NAME.match(item.name or "") or RESERVED.match(item.name or ""):
        found.add(f"{place}.name", f"is {item.name!r}, expected snake_case, not starting with an underscore")
    if not item.physicalName:
        found.add(f"{place}.physicalName", "is missing: the API's name of the field")
    if item.classification not in CLASSIFICATIONS:
        found.add(
            f"{place}.classification", f"is {item.classification!r}, expected one of {', '.join(CLASSIFICATIONS)}"
        )
    if not item.description:
        found.add(f"{place}.description", "is missing: the catalog shows it")
    return Field(
        name=item.name or "",
        field=item.physicalName or "",
        type=kind,
        required=bool(item.required),
        classification=item.classification or "",
        description=item.description or "",
        form=_form(found, item, kind.partition("(")[0], place),
        renamed_from=_renamed(found, item, place),
    )


def own(item: SchemaProperty, name: str) -> Any:
    """The value of a field's custom property, None where it has none of this name."""
    return next((custom.value for custom in item.customProperties or [] if custom.property == name), None)


def _renamed(found: Findings, item: SchemaProperty, place: str) -> str | None:
    """The custom property `renamed_from` of a field: the column's earlier name."""
    earlier = own(item, "renamed_from")
    if earlier is not None and (not isinstance(earlier, str) or not NAME.match(earlier) or earlier == item.name):
        found.add(f"{place}.customProperties", f"renamed_from {earlier!r} is no earlier name of {item.name}")
    return None if earlier is None else str(earlier)


def _form(found: Findings, item: SchemaProperty, base: str, place: str) -> str | None:
    """The custom property `form` of a field: how the source writes its values."""
    form = own(item, "form")
    if form is None:
        return None
    name, _, zone = str(form).removesuffix(")").partition("(")
    if base not in FORMS.get(name, ()) or (name == "local") != bool(zone):
        known = ", ".join(known for known, bases in FORMS.items() if base in bases)
        found.add(f"{place}.customProperties", f"form {form!r} is none of a {base}; there are: {known or 'none'}")
    elif zone:
        check_zone(found, zone, f"{place}.customProperties")
    return str(form)
