"""Values and types as Athena prints them in a result."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

# DuckDB's name of a type, without its parameters, to Athena's.
TYPES: Mapping[str, str] = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "decimal",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DECIMAL": "decimal",
    "VARCHAR": "varchar",
    "BLOB": "varbinary",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "STRUCT": "row",
    "MAP": "map",
}


def athena_type(name: str) -> str:
    """`decimal` for DECIMAL(19,2), `array` for INTEGER[]; what is not known is text."""
    return "array" if name.endswith("[]") else TYPES.get(name.upper().split("(")[0].strip(), "varchar")


def printed(value: Any, type_name: str = "") -> str | None:  # noqa: PLR0911 (one line a kind of value)
    """A value as it stands in Athena's result; None for NULL."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime():
            return _instant(value, with_zone="TIME ZONE" in type_name)
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex(" ")
        case dict():
            return "{" + ", ".join(f"{name}={_inner(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_inner(item) for item in value) + "]"
        case _:
            return str(value)


def _inner(value: Any) -> str:
    text = printed(value)
    return "null" if text is None else text


def _instant(value: datetime, with_zone: bool) -> str:
    """Milliseconds, as Athena reads Iceberg's instants."""
    text = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return f"{text} UTC" if with_zone else text
