"""From what a contract says of its rows to the checks of its plan: one Spark SQL condition a rule.

A rule is about one row: library metrics of which none may be (`mustBe: 0`), SQL that counts bad rows, own conditions, and
what a field says of its values (`enum`, `logicalTypeOptions`). What a row alone cannot show is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.contract.conditions import compile_condition
from lake.contract.constraints import constraints_of, one_of
from lake.contract.fields import NAME
from lake.contract.keys import DESCRIBING, FOR_PEOPLE, REFUSED
from lake.contract.kinds import INSTANT, BadCondition, Items, Kind, kind_of, text_literal
from lake.contract.plan import Check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from open_data_contract_standard.model import DataQuality, SchemaObject

    from lake.contract.errors import Findings
    from lake.contract.plan import Child, Field, Severity

SEVERITIES = ("error", "warning")
TAKEN = frozenset({"key_missing", "key_repeated", "parent_mismatch", "stamp_missing", "unfit"})
"""Rules that each entity has."""
SAID = DESCRIBING | FOR_PEOPLE["quality"] | {"name", "type", "severity", "description"}
READ = {
    "custom": {"engine", "implementation"},
    "sql": {"query", "mustBe", "unit"},
    "library": {"metric", "arguments", "mustBe", "unit"},
}
COUNT = re.compile(
    r"\s*SELECT\s+COUNT\s*\(\s*(?:\*|1)\s*\)\s+FROM\s+\$?\{object\}\s+WHERE\s+(?P<bad>.+?)\s*",
    re.IGNORECASE | re.DOTALL,
)
TABLE_METRICS = {
    "duplicateValues": "a row alone does not show it; a key is never doubled, see `primaryKey`",
    "rowCount": "a row alone does not show it; what a source holds is counted by the balance of each run",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """What rules of a table may speak of: its fields, and all columns in reach by name."""

    fields: Mapping[str, Field]
    columns: Mapping[str, Kind | Items]


def rows_of(fields: Sequence[Field], children: Sequence[Child], above: Sequence[Field] = ()) -> Rows:
    """The columns in reach of an entity's rules (its children's items too), or of a child's (its parent's fields too)."""
    columns: dict[str, Kind | Items] = {"_observed_at": INSTANT}
    columns |= {field.name: kind_of(field) for field in (*above, *fields)}
    columns |= {child.name: Items({field.name: kind_of(field) for field in child.fields}) for child in children}
    return Rows({field.name: field for field in fields}, columns)


def checks_of(found: Findings, table: SchemaObject, path: str, rows: Rows) -> tuple[Check, ...]:
    """All rules of a table: of its fields' values, of its fields, of its rows."""
    checks: list[tuple[str, Check]] = []
    for position, item in enumerate(table.properties or []):
        place, field = f"{path}.properties[{position}]", rows.fields.get(item.name or "")
        if field is not None:
            checks += constraints_of(found, item, field, place)
            checks += _quality(found, item.quality, f"{place}.quality", rows, field)
    checks += _quality(found, table.quality, f"{path}.quality", rows, None)
    names = [check.name for _, check in checks]
    for place, check in checks:
        if check.name and names.count(check.name) > 1:
            found.add(place, f"{check.name!r} is the name of two rules: give it a `name`")
        if check.name in TAKEN or check.name.removesuffix("_required") in rows.fields:
            found.add(place, f"{check.name!r} is the name of a rule that each entity has: give it another `name`")
    return tuple(
        Check(check.name, check.severity, _compiled(found, place, check.sql, rows), check.description)
        for place, check in checks
    )


def _compiled(found: Findings, place: str, condition: str, rows: Rows) -> str:
    try:
        return compile_condition(condition, rows.columns) if condition else ""
    except BadCondition as error:
        found.add(place, f"{error}")
        return ""


def _quality(
    found: Findings, items: list[DataQuality] | None, path: str, rows: Rows, field: Field | None
) -> list[tuple[str, Check]]:
    """The checks of a list of rules, not compiled yet, each with the place of its condition."""
    checks = []
    for position, item in enumerate(items or []):
        place = f"{path}[{position}]"
        kind = item.type or "library"
        if kind not in READ:
            found.add(f"{place}.type", f"{kind!r} is not supported; there are: {', '.join(READ)}")
            continue
        _check_keys(found, item, kind, place)
        condition, part = _condition(found, item, kind, place, field, rows)
        name = item.name or (f"{field.name}_{_snake(item.metric)}" if field and item.metric else None)
        if not NAME.match(name or ""):
            found.add(f"{place}.name", f"is {item.name!r}, expected snake_case")
        if item.severity not in SEVERITIES:
            found.add(f"{place}.severity", f"is {item.severity!r}, expected error or warning")
        severity: Severity = "error" if item.severity == "error" else "warning"
        checks.append((part, Check(name or "", severity, condition, item.description or "")))
    return checks


def _check_keys(found: Findings, item: DataQuality, kind: str, place: str) -> None:
    given: dict[str, Any] = item.model_dump(exclude_none=True)
    for key in sorted(given.keys() - SAID - READ[kind]):
        found.add(f"{place}.{key}", REFUSED["quality"].get(key, f"is nothing of `type: {kind}`"))
    if kind != "custom" and (item.mustBe is None or isinstance(item.mustBe, bool) or item.mustBe != 0):
        found.add(f"{place}.mustBe", f"is {item.mustBe!r}, expected 0: a rule says of each row whether it is good")
    if item.unit not in (None, "rows"):
        found.add(f"{place}.unit", "expected rows: what share may be bad is said by `curated.quarantine`")


def _condition(
    found: Findings, item: DataQuality, kind: str, place: str, field: Field | None, rows: Rows
) -> tuple[str, str]:
    """The condition on a good row ("" where it cannot be had, which is noted), and its place."""
    if kind == "custom":
        if item.engine != "lake":
            found.add(f"{place}.engine", f"is {item.engine!r}; only `lake` is supported: a condition on each row")
        if not isinstance(item.implementation, str) or not item.implementation.strip():
            found.add(f"{place}.implementation", "is missing: a Spark SQL condition on one row")
            return "", place
        return item.implementation, f"{place}.implementation"
    if kind == "sql":
        return _counted(found, item.query or "", f"{place}.query", field, rows), f"{place}.query"
    return _metric(found, item, place, field), place


def _counted(found: Findings, query: str, place: str, field: Field | None, rows: Rows) -> str:
    match = COUNT.fullmatch(query)
    if match is None:
        found.add(place, "only `SELECT COUNT(*) FROM {object} WHERE <condition on a bad row>` is supported")
        return ""
    bad = match["bad"]
    if "{property}" in bad and field is None:
        found.add(place, "{property} is for the `quality` of a property")
        return ""
    bad = re.sub(r"[$]?[{]property[}]", f"`{field.name}`" if field else "", bad)
    return f"NOT ({bad})" if _compiled(found, place, bad, rows) else ""


def _metric(found: Findings, item: DataQuality, place: str, field: Field | None) -> str:
    arguments, column = dict(item.arguments or {}), f"`{field.name}`" if field else ""
    if item.metric in TABLE_METRICS:
        found.add(f"{place}.metric", f"{item.metric} is not supported: {TABLE_METRICS[item.metric]}")
    elif item.metric not in ("nullValues", "missingValues", "invalidValues"):
        found.add(f"{place}.metric", f"is {item.metric!r}; there are: nullValues, missingValues, invalidValues")
    elif field is None:
        found.add(f"{place}.metric", f"{item.metric} is for the `quality` of a property")
    elif item.metric == "nullValues":
        _no_more(found, arguments, f"{place}.arguments")
        return f"{column} IS NOT NULL"
    elif item.metric == "missingValues":
        missing = arguments.pop("missingValues", None)
        _no_more(found, arguments, f"{place}.arguments")
        known = one_of(found, missing, field, f"{place}.arguments.missingValues", nulls=True)
        parts = [f"NOT ({known})"] if known else []
        return " AND ".join([*parts, *([f"{column} IS NOT NULL"] if None in (missing or []) else [])])
    else:
        return _valid(found, arguments, f"{place}.arguments", field)
    return ""


def _valid(found: Findings, arguments: dict[str, Any], place: str, field: Field) -> str:
    parts = []
    if not arguments.keys() & {"validValues", "pattern"}:
        found.add(place, "lacks `validValues` or `pattern`: what a valid value is")
    if "validValues" in arguments:
        parts.append(one_of(found, arguments.pop("validValues"), field, f"{place}.validValues"))
    if "pattern" in arguments:
        parts.append(f"`{field.name}` RLIKE {text_literal(str(arguments.pop('pattern')))}")
    _no_more(found, arguments, place)
    return " AND ".join(part for part in parts if part)


def _no_more(found: Findings, arguments: dict[str, Any], place: str) -> None:
    for name in arguments:
        found.add(f"{place}.{name}", "is no argument of this metric")


def _snake(metric: str | None) -> str:
    return re.sub(r"([A-Z])", r"_\1", metric or "").lower()
