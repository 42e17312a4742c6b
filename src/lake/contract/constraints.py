"""What a field says of its own values (`enum`, `logicalTypeOptions`), as conditions on one row."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lake.contract.fields import own
from lake.contract.kinds import BadCondition, text_literal
from lake.contract.plan import Check

if TYPE_CHECKING:
    from open_data_contract_standard.model import SchemaProperty

    from lake.contract.errors import Findings
    from lake.contract.plan import Field, Severity

LOGICAL = {
    "string": "string",
    "boolean": "boolean",
    "int64": "integer",
    "decimal": "number",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
}
RANGE = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
LENGTH = {"minLength": ">=", "maxLength": "<="}
SCALE = 10


def constraints_of(found: Findings, item: SchemaProperty, field: Field, place: str) -> list[tuple[str, Check]]:
    """The checks of a field's values, not compiled yet, each with its place.

    They warn, unless the field's custom property `severity` says `error`.
    """
    said = own(item, "severity")
    if said not in (None, "error", "warning"):
        found.add(f"{place}.customProperties", f"severity is {said!r}, expected error or warning")
    if item.logicalType is not None and item.logicalType != LOGICAL.get(field.base):
        found.add(f"{place}.logicalType", f"is {item.logicalType!r}, but a {field.type} is a {LOGICAL.get(field.base)}")
    severity: Severity = "error" if said == "error" else "warning"
    checks = []
    if item.enum is not None:
        values = [each.value for each in item.enum]
        condition = one_of(found, values, field, f"{place}.enum")
        checks.append(
            (f"{place}.enum", Check(f"{field.name}_enum", severity, condition, "The contract lists its values"))
        )
    for option, value in (item.logicalTypeOptions or {}).items():
        where = f"{place}.logicalTypeOptions.{option}"
        try:
            condition = _option(option, value, field)
        except BadCondition as error:
            found.add(where, str(error))
        else:
            words = re.sub(r"([A-Z])", r" \1", option).lower()
            name = f"{field.name}_{words.replace(' ', '_')}"
            checks.append((where, Check(name, severity, condition, f"The contract says {words} {value}")))
    if said is not None and not checks:
        found.add(f"{place}.customProperties", "severity is for a field with `enum` or `logicalTypeOptions`")
    return checks


def one_of(found: Findings, values: Any, field: Field, place: str, *, nulls: bool = False) -> str:
    """The condition that a field holds one of the values; "" where none is left but null, or something is wrong."""
    if not isinstance(values, list) or not values:
        found.add(place, "expected a list of values")
        return ""
    texts = []
    for value in values:
        if value is None and nulls:
            continue
        try:
            texts.append(_literal(value, field))
        except BadCondition as error:
            found.add(place, str(error))
    return f"`{field.name}` IN ({', '.join(texts)})" if texts else ""


def _option(option: str, value: Any, field: Field) -> str:
    column, logical = f"`{field.name}`", LOGICAL.get(field.base)
    if option in RANGE and logical not in ("string", "boolean"):
        return f"{column} {RANGE[option]} {_literal(value, field)}"
    if option in LENGTH and logical == "string":
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadCondition(f"is {value!r}, expected a number of characters")
        return f"length({column}) {LENGTH[option]} {value}"
    if option == "pattern" and logical == "string":
        return f"{column} RLIKE {text_literal(str(value))}"
    if option == "multipleOf" and logical in ("integer", "number"):
        text = _number(value)
        if Decimal(text) <= 0 or Decimal(text) != round(Decimal(text), SCALE):
            raise BadCondition(
                f"is {value!r}, expected a number above zero with at most {SCALE} digits behind its point"
            )
        return f"{column} % {text} = 0"
    if option in ("format", "timezone", "defaultTimezone"):
        raise BadCondition("is not read: how the source writes its values is said by the custom property `form`")
    raise BadCondition(f"is not supported for a {field.type}")


def _literal(value: Any, field: Field) -> str:
    """A value of the contract in a condition; raises BadCondition where it is none of the field's type."""
    if field.base in ("int64", "decimal"):
        return _number(value)
    if field.base == "boolean" and isinstance(value, bool):
        return str(value).upper()
    if field.base in ("string", "time") and isinstance(value, str):
        return text_literal(value)
    if field.base == "date" and (isinstance(value, str) or type(value) is date):
        return f"DATE {text_literal(str(value))}"
    if field.base == "timestamp" and isinstance(value, datetime) and value.tzinfo is not None:
        return f"TIMESTAMP {text_literal(value.astimezone(UTC).isoformat())}"
    if field.base == "timestamp" and isinstance(value, str):
        return f"TIMESTAMP {text_literal(value)}"
    raise BadCondition(
        f"{value!r} is no {field.type}" + (": put it in quotes" if field.base in ("string", "time") else "")
    )


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCondition(f"{value!r} is no number")
    return f"{Decimal(str(value)):f}"
