"""From contracts to plans: pure functions, all mistakes of a contract found in one go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from lake.contract.errors import ContractError, Mistake
from lake.contract.odcs import ChildSpec, CursorSpec, DeletesSpec, ExtractionSpec, SourceSpec, Strict, mistakes_of
from lake.contract.plan import Check, Child, Cursor, Deletes, Field, Nulls, Plan, SourcePlan

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        CustomProperty,
        DataQuality,
        OpenDataContractStandard,
        SchemaObject,
        SchemaProperty,
    )

TYPE = re.compile(
    r"^(?:string(?:\(\d+\))?|boolean|int64|date|time|decimal\((\d+),(\d+)\)|timestamp\((\d)\))$",
)
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
CLASSIFICATIONS = ("public", "internal", "confidential", "personal")
SEVERITIES = ("error", "warning")
MAX_PRECISION = 38
RESERVED = re.compile(r"^_")


@dataclass
class Findings:
    """Collects mistakes of one file, so that one build shows them all."""

    file: str
    mistakes: list[Mistake]

    def add(self, field: str, reason: str) -> None:
        """Notes a mistake at a path."""
        self.mistakes.append(Mistake(self.file, field, reason))


def compile_source(file: str, raw: dict[str, Any]) -> tuple[SourceSpec, SourcePlan]:
    """A source.yaml as its checked form and its plan; raises ContractError."""
    try:
        spec = SourceSpec.model_validate(raw)
    except ValidationError as error:
        raise ContractError(mistakes_of(file, "", error)) from None
    if spec.auth.type == "oauth2_client_credentials" and not spec.auth.token_path:
        raise ContractError([Mistake(file, "auth.token_path", "is needed for oauth2_client_credentials")])
    return spec, SourcePlan(
        source=spec.source,
        protocol=spec.protocol,
        description=spec.description,
        base_path=spec.base_path,
        auth=spec.auth.type,
        token_path=spec.auth.token_path,
        params=dict(spec.params),
        daily_requests=spec.limits.daily_requests,
        max_retries=spec.limits.max_retries,
        max_retry_after_s=spec.limits.max_retry_after_s,
        timeout_s=spec.limits.timeout_s,
        concurrency=spec.limits.concurrency,
    )


def compile_contract(file: str, contract: OpenDataContractStandard, source: SourceSpec) -> Plan:
    """A contract as its plan; raises ContractError with all mistakes."""
    found = Findings(file, [])
    objects = contract.schema_ or []
    entity = contract.id or ""
    if entity != f"{source.source}.{contract.name}":
        found.add("id", f"is {entity!r}, expected {source.source}.{contract.name} (folder and `name`)")
    if not re.fullmatch(r"\d+\.\d+\.\d+", contract.version or ""):
        found.add("version", f"is {contract.version!r}, expected MAJOR.MINOR.PATCH")
    if not objects:
        found.add("schema", "is empty: the first object is the entity, each further one a child")
        raise ContractError(found.mistakes)
    spec = _custom(found, "customProperties", contract.customProperties, "extraction", ExtractionSpec)
    fields, key = _fields(found, objects[0], "schema[0]")
    checks = _checks(found, objects[0], "schema[0]")
    children = tuple(
        _child(found, child, f"schema[{position}]", source.source, key)
        for position, child in enumerate(objects[1:], start=1)
    )
    if spec is None:
        raise ContractError(found.mistakes)
    plan = Plan(
        entity=entity,
        source=source.source,
        name=contract.name or "",
        version=contract.version or "",
        major=int((contract.version or "0").partition(".")[0] or 0) if not found.mistakes else 0,
        description=objects[0].description or "",
        path=objects[0].physicalName or "",
        key=key,
        fields=fields,
        children=children,
        cursor=_cursor(found, spec.cursor, fields),
        deletes=tuple(_deletes(found, n, deletes, fields) for n, deletes in enumerate(spec.deletes)),
        checks=checks,
        filter=spec.filter,
        initial_from=_instant(found, spec.initial_from),
        page_size=spec.page_size,
        overlap_s=seconds(spec.overlap or source.clock.overlap),
        settle_lag_s=seconds(spec.settle_lag or source.clock.settle_lag),
        freshness_s=_freshness(found, contract),
    )
    if found.mistakes:
        raise ContractError(found.mistakes)
    return plan


def seconds(duration: str) -> int:
    """The seconds of an ISO 8601 duration of days, hours, minutes and seconds."""
    number = {unit: int(amount) for amount, unit in re.findall(r"(\d+)([DHMS])", duration)}
    return int(
        timedelta(
            days=number.get("D", 0), hours=number.get("H", 0), minutes=number.get("M", 0), seconds=number.get("S", 0)
        ).total_seconds()
    )


def _custom[T: Strict](
    found: Findings, path: str, properties: list[CustomProperty] | None, name: str, model: type[T]
) -> T | None:
    for position, item in enumerate(properties or []):
        if item.property == name:
            try:
                return model.model_validate(item.value)
            except ValidationError as error:
                found.mistakes += mistakes_of(found.file, f"{path}[{position}].value", error)
                return None
    found.add(path, f"lacks the property `{name}`")
    return None


def _fields(found: Findings, table: SchemaObject, path: str) -> tuple[tuple[Field, ...], tuple[str, ...]]:
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
    for attribute in ("name", "field"):
        values = [getattr(field, attribute) for field in fields]
        for double in sorted({value for value in values if value and values.count(value) > 1}):
            found.add(f"{path}.properties", f"{double!r} stands twice")
    return tuple(fields), tuple(name for _, name in sorted(key))


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
    )


def _checks(found: Findings, table: SchemaObject, path: str) -> tuple[Check, ...]:
    return tuple(
        _check(found, item, f"{path}.quality[{position}]") for position, item in enumerate(table.quality or [])
    )


def _check(found: Findings, item: DataQuality, place: str) -> Check:
    if item.type != "custom" or item.engine != "lake":
        found.add(f"{place}.type", "only `type: custom` with `engine: lake` (a condition on each row) is supported")
    if not isinstance(item.implementation, str) or not item.implementation.strip():
        found.add(f"{place}.implementation", "is missing: a Spark SQL condition on one row")
    if not NAME.match(item.name or ""):
        found.add(f"{place}.name", f"is {item.name!r}, expected snake_case")
    if item.severity not in SEVERITIES:
        found.add(f"{place}.severity", f"is {item.severity!r}, expected error or warning")
    return Check(
        name=item.name or "",
        severity="error" if item.severity == "error" else "warning",
        sql=str(item.implementation),
        description=item.description or "",
    )


def _child(found: Findings, table: SchemaObject, path: str, source: str, parent: tuple[str, ...]) -> Child:
    fields, key = _fields(found, table, path)
    spec = _custom(found, f"{path}.customProperties", table.customProperties, "child", ChildSpec)
    parent_key = tuple(spec.parent_key) if spec else ()
    if spec and (len(parent_key) != len(parent) or not set(parent_key) <= set(key)):
        found.add(
            f"{path}.customProperties", f"parent_key must name the child's {len(parent)} columns of the parent's key"
        )
    return Child(
        entity=f"{source}.{table.name}",
        name=table.name or "",
        field=spec.navigation if spec else "",
        path=table.physicalName or "",
        key=key,
        parent_key=parent_key,
        description=table.description or "",
        fields=fields,
        checks=_checks(found, table, path),
    )


def _cursor(found: Findings, spec: CursorSpec, fields: tuple[Field, ...]) -> Cursor:
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
    if spec.date and types not in (["date", "time"], []):
        found.add(place, f"is of {types}, expected a date and a time")
    _zone(found, spec, f"{place}.zone")
    first = by_field.get(spec.fields[0])
    if spec.field and first is not None and first.base != "timestamp":
        found.add(f"{place}.field", f"{spec.field} is a {first.type}, expected a timestamp")
    nulls: Nulls = "stand_in" if spec.stand_in else spec.nulls or "never"
    for name in spec.fields if nulls == "never" else ():
        if name in by_field and not by_field[name].required:
            found.add(place, f"{name} may be null: say `nulls: own_pass`, a `stand_in`, or `required: true`")
    return Cursor(
        kind="instant" if spec.field else "split",
        fields=spec.fields,
        digits=first.parameters[0] if first is not None and first.base == "timestamp" and first.parameters else 0,
        zone=spec.zone,
        nulls=nulls,
        stand_in=spec.stand_in.fields if spec.stand_in else None,
    )


def _zone(found: Findings, spec: CursorSpec, place: str) -> None:
    if spec.zone is None:
        if spec.date:
            found.add(place, "is missing: a date and a time of day are no instant without it")
        return
    try:
        ZoneInfo(spec.zone)
    except (ZoneInfoNotFoundError, ValueError):
        found.add(place, f"{spec.zone!r} is no time zone")


def _deletes(found: Findings, position: int, spec: DeletesSpec, fields: tuple[Field, ...]) -> Deletes:
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


def _instant(found: Findings, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        found.add("customProperties.extraction.initial_from", f"{text!r} is no instant with an offset")
        return None
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _freshness(found: Findings, contract: OpenDataContractStandard) -> int:
    """The seconds that the entity may be behind, from the SLA property `latency` (ODCS), in units of m, h or d."""
    unit = {"m": 60, "h": 3600, "d": 86400}
    for position, item in enumerate(contract.slaProperties or []):
        if item.property == "latency":
            if item.unit not in unit or not isinstance(item.value, int | float):
                found.add(f"slaProperties[{position}]", "latency takes a number and a unit of m, h or d")
                return 0
            return int(item.value * unit[item.unit])
    found.add("slaProperties", "lacks `latency`: the freshness that the entity owes")
    return 0
