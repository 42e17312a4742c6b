"""Wide rows and ugly values: what is curated is what was sent."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lake.contract.plan import Curated, Field
from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.documents import DOCUMENTS
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder, Version, at, cursor

COLUMNS = 300
CHANGE = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
"""In Germany half past two, and so it is an hour later."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPOSED, DECOMPOSED = "Caf\u00e9 M\u00fcller", "Cafe\u0301 Mu\u0308ller"

VALUES: dict[str, list[Any]] = {
    "string": [
        COMPOSED, "", " ", "null", "NULL", "'\"`\\", "{}", "\t\r\n", "\x00\x1f", "\ufeff", "\u200b", "\U0001f9ea",
        DECOMPOSED, "x" * 100_000,
    ],
    "boolean": [True, False],
    "int64": [0, -1, 2**63 - 1, -(2**63)],
    "decimal(38,18)": [Decimal(f"{sign}{'9' * 20}.{'9' * 18}") for sign in ("", "-")] + [Decimal(1).scaleb(-18), Decimal(0)],
    "decimal(38,0)": [Decimal("9" * 38), Decimal("-" + "9" * 38)],
    "date": [date.min, date(1582, 10, 4), date(1582, 10, 15), date(1900, 2, 28), date(2024, 2, 29), date.max],
    "time": ["00:00:00", "23:59:59", "24:00:00"],
    "timestamp(6)": [
        datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1883, 11, 18, 12, 3, 58, tzinfo=UTC),
        CHANGE, CHANGE + timedelta(hours=1), datetime(2026, 3, 29, 1, tzinfo=UTC) - timedelta(microseconds=1),
    ],
}  # fmt: skip
KINDS = list(VALUES)
WIDE = [
    Field(f"c{number}", f"C{number}", KINDS[number % len(KINDS)], False, "internal", "") for number in range(COLUMNS)
]
PLAN = replace(DOCUMENTS, fields=(DOCUMENTS.fields[0], *WIDE), curated=Curated(history=True, bad_fraction=1.0))
KEYS = ["a", "A", " a", COMPOSED, DECOMPOSED, "\U0001f9ea", *(str(number) for number in range(9))]


def value(field: Field, number: int) -> Any:
    """Each row has another of the type's values, every fourth one null; the last row has nothing but its key."""
    values = VALUES[field.type]
    place = number + int(field.name[1:]) // len(KINDS)
    return None if number == len(KEYS) - 1 or place % 4 == 3 else values[place % len(values)]


def sent(number: int, observed: float, **more: Any) -> Version:
    values = {field.field: value(field, number) for field in WIDE}
    items = [{"Document": KEYS[number], "Number": 2**63 - 1, "Amount": None}] if number % 2 else []
    return Version({"Document": KEYS[number], **values, "to_Item": items} | more, at(observed), cursor(observed))


def exact(field: Field, of: Any) -> Any:
    """What the table is to give: stamps as microseconds, for the driver's zone must not matter."""
    return (of - EPOCH) // timedelta(microseconds=1) if isinstance(of, datetime) else of


def test_wide_and_ugly_rows_are_curated_as_they_were_sent(spark: Any, tables: Tables, raw: RawFolder) -> None:
    numbers = range(len(KEYS))
    raw.rows(PLAN, [sent(number, 1) for number in numbers])
    raw.rows(PLAN, [sent(number, 2, **({} if number else {"C0": DECOMPOSED})) for number in numbers])
    record = curate(spark, tables, raw, Notebook(), PLAN)
    assert (record["merged"], record["superseded"], record["broken"]) == (len(KEYS), len(KEYS), {})
    there = [f"unix_micros({f.name})" if f.base == "timestamp" else f.name for f in WIDE]
    wanted = {KEYS[n]: tuple(exact(field, value(field, n)) for field in WIDE) for n in numbers}
    changed = {KEYS[0]: (DECOMPOSED, *wanted[KEYS[0]][1:])}
    shape = layout(PLAN)
    current = {row[0]: tuple(row[1:]) for row in tables.read(shape.current).selectExpr("document", *there).collect()}
    assert current == wanted | changed
    assert shape.history is not None
    rows = tables.read(shape.history).selectExpr("document", "valid_to IS NULL", *there).collect()
    ended = {row[0]: tuple(row[2:]) for row in rows if not row[1]}
    assert {row[0]: tuple(row[2:]) for row in rows if row[1]} == wanted | changed
    assert ended == {KEYS[0]: wanted[KEYS[0]]}  # another normal form is another content
    items = [tuple(row) for row in tables.read(shape.children[0]).select("document", "number", "amount").collect()]
    assert sorted(items) == sorted((KEYS[n], 2**63 - 1, None) for n in numbers if n % 2)
