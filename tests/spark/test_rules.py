"""Rules of contracts on real Spark: both sides of each kind, what each function gives, and values that break none."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from open_data_contract_standard.model import SchemaObject

from lake.contract.conditions import compile_condition
from lake.contract.errors import Findings
from lake.contract.fields import fields_of
from lake.contract.kinds import INSTANT, BadCondition, Items, kind_of
from lake.contract.plan import Check, Child, Field
from lake.contract.rules import checks_of, rows_of
from tests.spark.conditions import nasty_condition

TYPES = {
    "text": "string(255)", "flag": "boolean", "whole": "int64", "amount": "decimal(16,3)", "day": "date", "hour": "time",
    "moment": "timestamp(6)", "huge": "decimal(38,0)", "fine": "decimal(38,18)",
}  # fmt: skip
FIELDS = tuple(
    Field(name, name, kind, required=False, classification="internal", description="") for name, kind in TYPES.items()
)
ITEM = tuple(field for field in FIELDS if field.name in ("text", "amount", "whole"))
ITEMS = Child("x.item", "item", "to_Item", "Item", ("text",), (), "", ITEM, ())
COLUMNS = rows_of(FIELDS, (ITEMS,)).columns
DDL = (
    "text STRING, flag BOOLEAN, whole BIGINT, amount DECIMAL(16,3), day DATE, hour STRING, moment TIMESTAMP, "
    "huge DECIMAL(38,0), fine DECIMAL(38,18), item ARRAY<STRUCT<text: STRING, amount: DECIMAL(16,3), whole: BIGINT>>, "
    "_observed_at TIMESTAMP"
)
SEEN = datetime(2026, 11, 16, 12, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
FIRST = datetime(1, 1, 2, tzinfo=UTC)


def row(**values: Any) -> tuple[Any, ...]:
    """A row of all columns, null where nothing is said; without items."""
    known = {"item": [], "_observed_at": SEEN, **values}
    return tuple(known.get(name) for name in (*TYPES, "item", "_observed_at"))


def library(metric: str, **arguments: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"name": "rule", "severity": "error", "metric": metric, "mustBe": 0}
    return {"quality": [said | ({"arguments": arguments} if arguments else {})]}


def sql(query: str) -> dict[str, Any]:
    return {"quality": [{"name": "rule", "type": "sql", "severity": "error", "query": query, "mustBe": 0}]}


def custom(condition: str) -> dict[str, Any]:
    said = {"name": "rule", "type": "custom", "engine": "lake", "severity": "error", "implementation": condition}
    return {"quality": [said]}


def option(**options: Any) -> dict[str, Any]:
    return {"logicalTypeOptions": options}


KINDS: list[tuple[str, str | None, dict[str, Any], list[Any], list[Any]]] = [
    ("nullValues", "text", library("nullValues"), ["", "a"], [None]),
    ("missingValues", "text", library("missingValues", missingValues=[None, "", "N/A"]), ["a", "n/a"], [None, "", "N/A"]),
    ("missingValues, not null", "text", library("missingValues", missingValues=["", "?"]), ["a", None], ["", "?"]),
    ("validValues", "text", library("invalidValues", validValues=["kg", "it's", "\\"]), ["kg", "it's", "\\", None], ["KG", ""]),
    ("validValues of numbers", "amount", library("invalidValues", validValues=[1, 2.5]), [Decimal("2.5")], [Decimal(2)]),
    ("pattern", "text", library("invalidValues", pattern=r"^\d{2}[A-Z'\\]$"), ["12A", "12'", "12\\", None], ["12a", "112A"]),
    ("values and pattern", "text", library("invalidValues", validValues=["a1", "b"], pattern="[0-9]"), ["a1"], ["b", "c1"]),
    ("sql of an object", None, sql("SELECT COUNT(*) FROM {object} WHERE whole < 0 OR text = 'x'"), [{"whole": 0}, {}],
     [{"whole": -1}, {"whole": 1, "text": "x"}]),
    ("sql of a property", "text", sql("select count(1) from ${object} where ${property} is null"), [""], [None]),
    ("custom", None, custom("amount >= 0 AND whole IS NOT NULL"), [{"whole": 1}, {"whole": 1, "amount": Decimal(0)}],
     [{"amount": Decimal(1)}, {"whole": 1, "amount": Decimal("-0.001")}]),
    ("across fields", None, custom("flag = (day IS NOT NULL)"), [{"flag": True, "day": SEEN.date()}, {"flag": False}, {}],
     [{"flag": True}, {"flag": False, "day": SEEN.date()}]),
    ("across a document", None, custom("abs(amount - aggregate(item, 0, (s, x) -> s + coalesce(x.amount, 0))) <= 0.01"),
     [{"amount": Decimal(3), "item": [("a", Decimal("1.5"), 1), ("b", Decimal("1.49"), 1)]}, {"amount": Decimal(0)}, {}],
     [{"amount": Decimal(3), "item": [("a", Decimal("1.5"), 1), ("b", Decimal("1.48"), 1)]}, {"amount": Decimal(1)}]),
    ("enum", "text", {"enum": [{"value": "1", "label": "one"}, {"value": "2"}]}, ["1", "2", None], ["3", ""]),
    ("enum of numbers", "whole", {"enum": [{"value": 1}, {"value": -2}]}, [1, -2, None], [2, 0]),
    ("enum of flags", "flag", {"enum": [{"value": True}]}, [True, None], [False]),
    ("minLength", "text", option(minLength=2), ["ab", "äö", None], ["a", ""]),
    ("maxLength", "text", option(maxLength=2), ["", "äö", "\U0001f600"], ["abc"]),
    ("text pattern", "text", option(pattern="^[^@]+@[^@]+$"), ["a@b", None], ["a", "@b", "a@b@c"]),
    ("minimum", "amount", option(minimum=-0.5), [Decimal("-0.5"), None], [Decimal("-0.501")]),
    ("maximum", "whole", option(maximum=100), [100], [101]),
    ("exclusiveMinimum", "amount", option(exclusiveMinimum=0), [Decimal("0.001")], [Decimal(0)]),
    ("exclusiveMaximum", "huge", option(exclusiveMaximum=10), [Decimal(9)], [Decimal(10), Decimal("9" * 38)]),
    ("multipleOf", "amount", option(multipleOf=0.25), [Decimal("-1.75"), Decimal(0), None], [Decimal("0.3")]),
    ("minimum of days", "day", option(minimum="2020-01-01"), [date(2020, 1, 1), date(9999, 12, 31)], [date(1, 1, 1)]),
    ("maximum of instants", "moment", option(maximum="2026-11-16T14:00:00+02:00"), [SEEN], [LAST]),
    ("exclusiveMaximum of times", "hour", option(exclusiveMaximum="12:00:00"), ["11:59:59"], ["12:00:00"]),
]  # fmt: skip


def compiled(field: str | None, said: dict[str, Any]) -> list[Check]:
    """The checks of a table with all columns, of which one field, or the table itself, says this."""
    properties = [
        {"name": name, "physicalName": name, "physicalType": kind, "classification": "internal", "description": "d"}
        | ({"primaryKey": True, "required": True} if name == "whole" else {})
        | (said if name == field else {})
        for name, kind in TYPES.items()
    ]
    table = {"name": "t", "physicalName": "T", "properties": properties, **({} if field else said)}
    found = Findings("f", [])
    model = SchemaObject.model_validate(table)
    fields_of(found, model, "schema[0]")
    checks = checks_of(found, model, "schema[0]", rows_of(FIELDS, (ITEMS,)))
    assert not found.mistakes
    return list(checks)


def test_each_kind_of_rule_has_rows_on_both_sides(spark: Any) -> None:
    """All rules over all rows, in one query: a rule is broken by its bad rows, and by none of its good ones."""
    conditions: dict[str, str] = {}
    rows: list[tuple[Any, ...]] = []
    expected: dict[tuple[int, str], bool] = {}
    for name, field, said, good, bad in KINDS:
        (check,) = compiled(field, said)
        conditions[name] = f"({check.sql}) IS FALSE"
        for values, broken in [*((each, False) for each in good), *((each, True) for each in bad)]:
            expected[len(rows), name] = broken
            rows.append(row(**(values if field is None else {field: values})))
    names = list(conditions)
    frame = spark.createDataFrame([(n, *each) for n, each in enumerate(rows)], f"_n INT, {DDL}")
    found = frame.selectExpr("_n", *(f"{conditions[name]} AS c{at}" for at, name in enumerate(names))).collect()
    seen = {(each["_n"], name): each[f"c{names.index(name)}"] for each in found for name in names}
    assert {key: seen[key] for key in expected} == expected


GIVES: list[tuple[str, bool | None]] = [
    ("whole + 1 = 8 AND whole - 8 = -1 AND whole * 2 = 14 AND -whole = -7", True),
    ("whole / 2 = 3.5 AND amount / 2 = 6.25 AND whole % 4 = 3 AND amount % 5 = 2.5", True),
    ("1 + 2 * 3 = 7 AND (1 + 2) * 3 = 9 AND 2 - 3 - 4 = -5 AND 12 / 2 / 3 = 2", True),
    ("whole / 0 = 1", None),
    ("whole % 0 = 1", None),
    ("NOT whole = 1 AND whole = 7 OR whole = 99", True),
    ("whole = 99 OR whole = 7 AND NOT text = 'x'", True),
    ("text IS NULL OR flag IS FALSE", False),
    ("flag IS TRUE AND flag IS NOT FALSE AND day IS NOT NULL AND fine IS NULL", True),
    ("fine = 1", None),
    ("fine <=> fine AND NOT fine <=> 1", True),
    ("whole BETWEEN 1 AND 7 AND whole NOT BETWEEN 8 AND 9 AND whole NOT IN (1, 2.5)", True),
    ("text LIKE 'Ma%r_r' AND text NOT LIKE 'ma%' AND text NOT LIKE '\\\\%%'", True),
    ("text RLIKE '^[A-Z][a-zü]+ ' AND text NOT RLIKE '^ü'", True),
    ("CASE WHEN whole > 9 THEN 'a' WHEN flag THEN 'b' ELSE 'c' END = 'b' AND CASE WHEN whole > 9 THEN 1 END IS NULL", True),
    ("if(flag, whole, amount) = 7 AND coalesce(fine, amount) = 12.5 AND nullif(whole, 7) IS NULL", True),
    ("greatest(whole, amount, 1) = 12.5 AND least(whole, amount, fine) = 7 AND abs(-amount) = 12.5 AND abs(whole) = 7", True),
    ("length(text) = 8 AND upper(text) = 'MAXÜ ROR' AND lower('AÜ') = 'aü'", True),
    ("trim('  x ') = 'x' AND ltrim(' x ') = 'x ' AND rtrim(' x ') = ' x'", True),
    ("substring(text, 2, 3) = 'axü' AND substring(text, 6) = 'ror' AND left(text, 2) = 'Ma' AND right(text, 2) = 'or'", True),
    ("lpad('7', 3, '0') = '007' AND concat('a', 'b', 'c') = 'a' || 'bc' AND replace(text, 'x', '') = 'Maü ror'", True),
    ("regexp_replace(text, '[^a-z]', '') = 'axror'", True),
    ("startswith(text, 'Max') AND endswith(text, 'r') AND contains(text, 'ü') AND NOT contains(text, 'U')", True),
    ("datediff(DATE '2026-11-20', day) = 4 AND date_add(day, 1) = DATE '2026-11-17' AND month(date_sub(day, 16)) = 10", True),
    ("year(add_months(day, 3)) = 2027 AND year(day) = 2026 AND month(day) = 11 AND day(day) = 16 AND dayofweek(day) = 2", True),
    ("CAST(_observed_at AS DATE) = `day` AND day <= CAST(moment AS DATE) AND moment > TIMESTAMP '2026-11-16T00:00:00Z'", True),
    ("CAST('12.345' AS DECIMAL(5,2)) = 12.35 AND TRY_CAST(amount AS STRING) = '12.500' AND CAST('9' AS INT) = 9", True),
    ("CAST('a' AS BIGINT) = 1 OR CAST('2026-02-30' AS DATE) = day", None),
    ("CAST('2026-11-16' AS DATE) = day AND CAST(day AS TIMESTAMP) < moment AND CAST('true' AS BOOLEAN)", True),
    ("size(item) = 2 AND exists(item, x -> x.amount > whole) AND forall(item, x -> x.whole < 3)", True),
    ("aggregate(filter(item, x -> x.text <> 'b'), 0.5, (t, x) -> t + x.amount * x.whole) = 8.5", True),
    ("'it''s' = 'it\\'s' AND length('\\\\') = 1 AND length('\\n') = 1", True),
    ("huge >= 0.01 AND whole <> fine", None),
]  # fmt: skip


def test_operators_and_functions_give_what_spark_gives_by_the_same_name(spark: Any) -> None:
    values = row(
        text="Maxü ror", flag=True, whole=7, amount=Decimal("12.5"), day=date(2026, 11, 16), moment=SEEN,
        huge=Decimal("9" * 38), item=[("a", Decimal(8), 1), ("b", Decimal(2), 2)],
    )  # fmt: skip
    texts = [f"{compile_condition(condition, COLUMNS)} AS c{n}" for n, (condition, _) in enumerate(GIVES)]
    (found,) = spark.createDataFrame([values], DDL).selectExpr(*texts).collect()
    assert dict(zip((condition for condition, _ in GIVES), found, strict=True)) == dict(GIVES)


NASTY = [
    row(),
    row(text="", flag=False, whole=2**63 - 1, amount=Decimal("9999999999999.999"), day=date(9999, 12, 31), hour="24:00",
        moment=LAST, huge=Decimal("9" * 38), fine=Decimal("9" * 20 + "." + "9" * 18), item=[("", None, None), None],
        _observed_at=LAST),
    row(text="\x00\U0001f600'\\%_[(", flag=True, whole=-(2**63), amount=Decimal("-9999999999999.999"), day=date(1, 1, 1),
        hour="", moment=FIRST, huge=Decimal("-" + "9" * 38), fine=Decimal("-" + "9" * 20 + "." + "9" * 18),
        item=[("x" * 1000, Decimal("9999999999999.999"), 2**63 - 1)] * 3, _observed_at=FIRST),
    row(text="9" * 400, whole=0, amount=Decimal(0), day=date(1582, 10, 15), huge=Decimal(0), fine=Decimal("1E-18"), item=None),
]  # fmt: skip


def test_no_value_of_a_row_makes_a_condition_fail(spark: Any) -> None:
    """Random conditions, as many as compile, over the ends of all types: Spark in ANSI mode evaluates each of them."""
    luck = random.Random(20261116)  # noqa: S311 - the same conditions each time
    texts: dict[str, str] = {}
    while len(texts) < 250:
        condition = nasty_condition(luck, 3)
        try:
            texts[condition] = compile_condition(condition, COLUMNS)
        except BadCondition:
            continue
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    frame = spark.createDataFrame(NASTY, DDL)
    found = frame.selectExpr(*(f"{text} AS c{n}" for n, text in enumerate(texts.values()))).collect()
    answers = [value for each in found for value in each]
    assert {True, False, None} == set(answers)


def test_a_rule_of_an_item_reads_its_document_too() -> None:
    child = rows_of(ITEM, (), above=FIELDS)
    assert compile_condition("amount <= huge AND flag", child.columns) == (
        "(TRY_CAST(`amount` AS DECIMAL(38, 3)) <= TRY_CAST(`huge` AS DECIMAL(38, 3))) AND `flag`"
    )
    with pytest.raises(BadCondition, match="there is no column 'item'"):
        compile_condition("size(item) = 1", child.columns)
    assert COLUMNS["item"] == Items({field.name: kind_of(field) for field in ITEM})
    assert COLUMNS["_observed_at"] == INSTANT
