"""What rules may say: each that is not supported, or that some value could make fail, is refused by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from open_data_contract_standard.model import SchemaObject

from lake.contract.conditions import compile_condition
from lake.contract.errors import Findings
from lake.contract.fields import fields_of
from lake.contract.kinds import BadCondition, Items, Kind, kind_of
from lake.contract.patterns import problem
from lake.contract.plan import Child, Field
from lake.contract.rules import checks_of, rows_of

TYPES = {
    "text": "string(9)", "flag": "boolean", "whole": "int64", "amount": "decimal(16,3)", "day": "date", "hour": "time",
    "moment": "timestamp(0)",
}  # fmt: skip
FIELDS = tuple(
    Field(name, name, kind, required=False, classification="", description="") for name, kind in TYPES.items()
)
ITEMS = Child("x.item", "item", "to_Item", "Item", ("text",), (), "", FIELDS, ())
COLUMNS: dict[str, Kind | Items] = {field.name: kind_of(field) for field in FIELDS}
COLUMNS["item"] = Items({field.name: kind_of(field) for field in FIELDS})


def refused(condition: str) -> str:
    with pytest.raises(BadCondition) as error:
        compile_condition(condition, COLUMNS)
    return str(error.value)


REFUSED = [
    ("an unknown column", "amont > 1", "there is no column 'amont'; did you mean `amount`?"),
    ("an unknown member", "exists(item, x -> x.amont > 1)", "the items have no column 'amont'; did you mean `amount`?"),
    ("an item's column outside of its arrow", "x.amount > 1", "there is no column 'x'"),
    ("an end too early", "amount >", "a name is expected, not the end"),
    ("an open parenthesis", "(amount > 1", ") is expected, not the end"),
    ("a parenthesis too many", "amount > 1) OR (TRUE", "the end is expected, not ')' (character 11)"),
    ("two statements", "flag; DROP TABLE x", "'; DROP TAB' (character 5) begins nothing"),
    ("a comment", "flag -- always", "a comment has no place here"),
    ("another comment", "flag /* always */", "a comment has no place here"),
    ("a query", "whole IN (SELECT 1)", "a name is expected, not 'SELECT' (character 11)"),
    ("an unknown function", "rand() > 0.5", "rand is no function here; there are: abs, add_months"),
    ("the clock", "day < current_date", "there is no column 'current_date'"),
    ("a number for a condition", "whole", "a condition takes boolean, not number"),
    ("a text beside a number", "text = 5", "number and text do not meet"),
    ("a text beside a day", "day > '2020-01-01'", "date and text do not meet"),
    ("a day beside an instant", "day < moment", "date and instant do not meet"),
    ("choices of two kinds", "coalesce(text, 1) = 1", "number and text do not meet"),
    ("NULL as a value", "text = NULL", "nothing compares with NULL: say IS NULL"),
    ("arithmetic with texts", "text + 1 > 0", "arithmetic takes number, not text"),
    ("NOT of a number", "NOT whole", "NOT takes boolean, not number"),
    ("AND of a number", "flag AND whole", "AND takes boolean, not number"),
    ("a cast that Spark refuses", "CAST(day AS BIGINT) > 1", "date cannot be cast to number"),
    ("a cast to no type", "CAST(text AS varchar) = 'a'", "varchar is no type here; there are: bigint, boolean"),
    ("a decimal too wide", "CAST(text AS DECIMAL(39, 1)) > 1", "p is 1 to 38"),
    ("a number that runs on", "whole > 1e9", "'1e9' (character 9) begins nothing"),
    ("too long a number", "whole > " + "1" * 39, "a number has at most 38 digits"),
    ("too long a number to turn its sign", "whole > -" + "1" * 35, "a number with a sign has at most 34 digits"),
    ("a backslash that Spark would drop", r"text RLIKE '^\d$'", r"write \\ for a backslash"),
    ("a pattern that is none", "text RLIKE '('", "is no regular expression"),
    ("a pattern out of a column", "text RLIKE text", "a pattern is a constant text"),
    ("a LIKE that ends in its escape", "text LIKE 'a\\\\'", "LIKE: a backslash stands before %, _ or another one"),
    ("a replacement with groups", "regexp_replace(text, 'a', '$1') = 'a'", "takes a constant text without $"),
    ("a length out of a column", "left(text, whole) = 'a'", "left takes a constant whole number"),
    ("too long a text", "lpad(text, 999999, 'x') = 'a'", "lpad takes a constant whole number of at most 10000"),
    ("too few values", "coalesce(text) = 'a'", "coalesce takes two or more values"),
    ("too many values", "nullif(text, 'a', 'b') = 'a'", "nullif takes two values"),
    ("too many arguments", "upper(text, 'a') = 'a'", "upper takes text"),
    ("items as a value", "item = item", "items are no value"),
    ("an arrow over a text", "exists(text, x -> flag)", "exists: an arrow (->) is for the items of a child"),
    ("an arrow to a number", "exists(item, x -> x.amount)", "exists takes 1-arrow to boolean"),
    ("a total without an item", "aggregate(item, 0, x -> x.amount) > 1", "aggregate takes items, a number"),
    ("a filter by a number", "size(filter(item, x -> x.amount)) > 1", "filter takes items and a condition"),
    ("an if without a choice", "if(flag, 1) = 1", "if takes a condition and two values"),
    ("no day", "day > DATE '2020-02-30'", "'2020-02-30' is no date"),
    ("an instant without an offset", "moment > TIMESTAMP '2020-01-01T00:00:00'", "it has no offset"),
    ("CASE without WHEN", "CASE text END", "WHEN is expected, not 'text'"),
    ("IS of a value", "flag IS 1", "NULL, TRUE or FALSE is expected"),
    ("NOT of nothing", "text NOT 'a'", "IN, BETWEEN, LIKE or RLIKE is expected"),
    ("IS TRUE of a number", "whole IS TRUE", "IS TRUE takes boolean, not number"),
    ("LIKE of a number", "whole LIKE 'a'", "LIKE takes text, not number"),
    ("RLIKE of a number", "whole RLIKE 'a'", "RLIKE takes text, not number"),
    ("WHEN of a number", "CASE WHEN whole THEN 1 END = 1", "WHEN takes boolean, not number"),
    ("a sign of a text", "-text = 1", "- takes number, not text"),
    ("WHEN without THEN", "CASE WHEN flag 1 END = 1", "THEN is expected, not '1'"),
    ("CASE without END", "CASE WHEN flag THEN 1", "END is expected, not the end"),
    ("a list without an end", "whole IN (1", ") is expected, not the end"),
    ("half a range", "whole BETWEEN 1", "AND is expected, not the end"),
    ("a cast without an end", "CAST(text AS DATE > day", ") is expected, not '>'"),
    ("more digits behind the point than there are", "CAST(text AS DECIMAL(2, 3)) > 1", "s at most p"),
    ("no digits", "CAST(text AS DECIMAL(0, 0)) > 1", "p is 1 to 38"),
    ("an item's column behind its arrow", "exists(item, x -> x.flag) AND x.flag", "there is no column 'x'"),
    ("the shortest number that is too long to turn its sign", "whole > -1" + "0" * 34, "at most 34 digits"),
    ("a decimal of fewer digits than none", "CAST(text AS DECIMAL(-5, 2)) > 1", "p is 1 to 38"),
    ("a cast of items", "CAST(item AS STRING) = 'a'", "items cannot be cast to text"),
    ("a quoted name for a function", "`length`(text) > 1", "there is no column 'length'"),
    ("a text behind a column", "flag 'a'", "the end is expected, not \"'a'\""),
    ("a list for a value", "coalesce((text, text)) = 'a'", ") is expected, not ','"),
    ("an arrow without items", "exists(x -> x.flag)", "an arrow (->) is for the items of a child"),
]


@pytest.mark.parametrize(("condition", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_condition_that_spark_could_fail_on_is_refused_with_its_place(condition: str, expected: str) -> None:
    assert expected in refused(condition)


def test_a_name_that_is_near_none_is_refused_without_a_guess() -> None:
    assert refused("zzz > 1") == "there is no column 'zzz'"


WIDE = "DECIMAL(38, 10)"
COMPILED = [
    ("a column", "flag", "`flag`"),
    ("a quoted name in capitals", "`WHOLE` = 1", "`whole` = 1"),
    ("OR, AND and NOT", "flag or amount > 1 AND NOT (whole = 2)", "`flag` OR ((`amount` > 1) AND (NOT (`whole` = 2)))"),
    ("NOT of NOT", "NOT NOT flag", "NOT (NOT `flag`)"),
    ("values of NOT, AND and OR", "(NOT flag) = (flag AND flag) AND (flag OR flag) = flag",
     "((NOT `flag`) = (`flag` AND `flag`)) AND ((`flag` OR `flag`) = `flag`)"),
    ("NULL", "text IS NULL", "`text` IS NULL"),
    ("no NULL, as a value", "(text IS NOT NULL) = flag", "(`text` IS NOT NULL) = `flag`"),
    ("a truth", "flag IS TRUE OR flag IS NOT FALSE", "(`flag` IS TRUE) OR (`flag` IS NOT FALSE)"),
    ("a truth as a value", "(flag IS TRUE) = (flag IS FALSE)", "(`flag` IS TRUE) = (`flag` IS FALSE)"),
    ("a list", "text IN ('a', 'it''s', 'c')", r"`text` IN ('a', 'it\'s', 'c')"),
    ("not in a list", "whole NOT IN (1)", "NOT (`whole` IN (1))"),
    ("a range", "amount BETWEEN 1 AND 2.5 AND flag", "(`amount` BETWEEN 1 AND 2.5) AND `flag`"),
    ("not in a range, as a value", "(amount NOT BETWEEN 1 AND 2) = flag", "(NOT (`amount` BETWEEN 1 AND 2)) = `flag`"),
    ("all ways to compare", "text <=> 'a' AND whole != 1 AND whole == 2",
     "(`text` <=> 'a') AND (`whole` <> 1) AND (`whole` = 2)"),
    ("LIKE with escapes", r"text LIKE 'a\\%\\\\'", r"`text` LIKE 'a\\%\\\\'"),
    ("not LIKE, and RLIKE", "text NOT LIKE '_%' AND text RLIKE '^[a-z]+$'",
     "(NOT (`text` LIKE '_%')) AND (`text` RLIKE '^[a-z]+$')"),
    ("texts put together", "text || 'a' || 'b' = 'c'", "concat(concat(`text`, 'a'), 'b') = 'c'"),
    ("sums from the left", "whole - 1 + amount > 0",
     f"TRY_CAST(try_add(TRY_CAST(try_subtract(`whole`, 1) AS {WIDE}), `amount`) AS {WIDE}) > 0"),
    ("products before sums", "1 + whole * amount > 0",
     f"TRY_CAST(try_add(1, TRY_CAST(try_multiply(`whole`, `amount`) AS {WIDE})) AS {WIDE}) > 0"),
    ("products from the left", "whole / 2 % 3 > 0",
     f"TRY_CAST(try_mod(TRY_CAST(try_divide(`whole`, 2) AS {WIDE}), 3) AS {WIDE}) > 0"),
    ("parentheses", "(1 + whole) * 2 > 0",
     f"TRY_CAST(try_multiply(TRY_CAST(try_add(1, `whole`) AS {WIDE}), 2) AS {WIDE}) > 0"),
    ("signs", "-whole < -5 AND -amount < 0", "((-CAST(`whole` AS DECIMAL(20, 0))) < (-5)) AND ((-`amount`) < 0)"),
    ("a sign of a sign", "- -5 = whole", "(-(-5)) = `whole`"),
    ("the longest number with a sign", "whole > -" + "9" * 34, f"`whole` > (-{'9' * 34})"),
    ("a constant with a sign", "add_months(day, -1) < day", "add_months(`day`, (-1)) < `day`"),
    ("constants", "TRUE OR FALSE OR coalesce(NULL, flag)", "TRUE OR FALSE OR coalesce(NULL, `flag`)"),
    ("a day and an instant", "day < DATE '2020-02-29' AND moment >= TIMESTAMP '2020-01-01T00:00:00Z'",
     "(`day` < DATE '2020-02-29') AND (`moment` >= TIMESTAMP '2020-01-01T00:00:00+00:00')"),
    ("a choice", "CASE WHEN flag THEN 1 WHEN whole > 1 THEN amount ELSE 3 END > 0",
     "(CASE WHEN `flag` THEN 1 WHEN (`whole` > 1) THEN `amount` ELSE 3 END) > 0"),
    ("a choice without ELSE", "CASE WHEN flag THEN text END = 'a'", "(CASE WHEN `flag` THEN `text` END) = 'a'"),
    ("casts to numbers", "CAST(text AS INT) > 1 AND TRY_CAST(text AS DECIMAL(5, 2)) < CAST(amount AS BIGINT)",
     "(TRY_CAST(`text` AS BIGINT) > 1) AND (TRY_CAST(`text` AS DECIMAL(5, 2)) < TRY_CAST(`amount` AS BIGINT))"),
    ("casts to an instant and a truth", "CAST(day AS TIMESTAMP) = moment AND CAST(text AS BOOLEAN)",
     "(TRY_CAST(`day` AS TIMESTAMP) = `moment`) AND TRY_CAST(`text` AS BOOLEAN)"),
    ("casts to texts", "CAST(whole AS STRING) = CAST(NULL AS STRING)",
     "TRY_CAST(`whole` AS STRING) = TRY_CAST(NULL AS STRING)"),
    ("decimals that no type holds both of", "CAST(text AS DECIMAL(10, 10)) = CAST(text AS DECIMAL(38, 0))",
     f"TRY_CAST(TRY_CAST(`text` AS DECIMAL(10, 10)) AS {WIDE}) = TRY_CAST(TRY_CAST(`text` AS DECIMAL(38, 0)) AS {WIDE})"),
    ("decimals that one type holds", "CAST(text AS DECIMAL(28, 0)) = CAST(text AS DECIMAL(20, 10))",
     "TRY_CAST(`text` AS DECIMAL(28, 0)) = TRY_CAST(`text` AS DECIMAL(20, 10))"),
    ("functions", "length(concat(text, 'a', 'b')) > 1 AND contains(text, 'a')",
     "(length(concat(`text`, 'a', 'b')) > 1) AND contains(`text`, 'a')"),
    ("an arrow", "exists(item, x -> x.amount > whole AND x.flag) AND flag",
     "exists(`item`, `x` -> ((`x`.`amount` > `whole`) AND `x`.`flag`)) AND `flag`"),
    ("a quoted arrow in capitals", "forall(item, `X` -> NOT X.flag)", "forall(`item`, `x` -> (NOT `x`.`flag`))"),
    ("an arrow within a function", "size(filter(item, x -> x.text = text)) > 1",
     "size(filter(`item`, `x` -> (`x`.`text` = `text`))) > 1"),
    ("an arrow of two to the total", "aggregate(item, 0, (total, x) -> total) > 1",
     f"aggregate(`item`, TRY_CAST(0 AS {WIDE}), (`total`, `x`) -> TRY_CAST(`total` AS {WIDE})) > 1"),
    ("an arrow of two to an item", "aggregate(item, 0, (total, x) -> x.amount) > 1",
     f"aggregate(`item`, TRY_CAST(0 AS {WIDE}), (`total`, `x`) -> TRY_CAST(`x`.`amount` AS {WIDE})) > 1"),
    ("an arrow in an arrow", "exists(item, x -> exists(item, y -> y.text = x.text) AND x.flag)",
     "exists(`item`, `x` -> (exists(`item`, `y` -> (`y`.`text` = `x`.`text`)) AND `x`.`flag`))"),
    ("parentheses that are no arrow's", "greatest((whole), 1, (2)) > 0", "greatest(`whole`, 1, 2) > 0"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "sql"), [case[1:] for case in COMPILED], ids=[case[0] for case in COMPILED])
def test_a_condition_becomes_the_sql_that_means_the_same_and_cannot_fail(condition: str, sql: str) -> None:
    assert compile_condition(condition, COLUMNS) == sql


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("(?i)a", "only (?: is taken"),
        ("(?P<x>a)", "only (?: is taken"),
        ("a{,3}", r"{ begins nothing"),
        ("{", "begins nothing"),
        ("[", "begins nothing"),
        ("[a[b]]", "for brackets"),
        ("[a&&b]", "for an ampersand"),
        ("[]a]", "for brackets"),
        (r"[\b]", r"\b is not taken"),
        (r"\Z", r"\Z is not taken"),
        (r"\p{L}", r"\p is not taken"),
        ("(ab)*", "behind a group"),
        ("(ab){2,}", "behind a group"),
        ("(a|b){2}", "behind a group"),
        ("((a?)b){2}", "behind a group"),
        ("a{1001}", "repeats more than 1000 times"),
        ("a**", "is no regular expression"),
        ("a)", "is no regular expression"),
        ("a" * 1001, "is longer than 1000"),
    ],
)
def test_a_pattern_that_java_reads_otherwise_or_takes_for_ever_is_refused(pattern: str, expected: str) -> None:
    assert expected in (problem(pattern) or "")


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}[0-9]{2}$", r"^\d+(?:[.,]\d{1,2})?$", "a|b", r"[\[\]^-]", r"\(\?", "(a(bc)){3}", "a+?"]
)
def test_a_pattern_that_both_read_alike_is_taken(pattern: str) -> None:
    assert problem(pattern) is None


def found(field: str | None, said: dict[str, Any]) -> list[str]:
    """The mistakes of a table of which a field, or the table itself, says this."""
    properties = [
        {"name": name, "physicalName": name, "physicalType": kind, "classification": "internal", "description": "d"}
        | ({"primaryKey": True, "required": True} if name == "whole" else {})
        | (said if name == field else {})
        for name, kind in TYPES.items()
    ]
    table = {"name": "t", "physicalName": "T", "properties": properties, **({} if field else said)}
    findings = Findings("f", [])
    model = SchemaObject.model_validate(table)
    fields_of(findings, model, "t")
    checks_of(findings, model, "t", rows_of(FIELDS, (ITEMS,)))
    return [str(mistake) for mistake in findings.mistakes]


def quality(**said: Any) -> dict[str, Any]:
    rule = {"name": "rule", "severity": "error", **said}
    return {"quality": [{name: value for name, value in rule.items() if value is not None}]}


def condition(text: str, **said: Any) -> dict[str, Any]:
    return quality(type="custom", engine="lake", implementation=text, **said)


def counted(bad: str) -> dict[str, Any]:
    return quality(type="sql", query=f"SELECT COUNT(*) FROM {{object}} WHERE {bad}", mustBe=0)  # noqa: S608 (never run)


def option(**options: Any) -> dict[str, Any]:
    return {"logicalTypeOptions": options}


def own(name: str, value: Any) -> dict[str, Any]:
    return {"customProperties": [{"property": name, "value": value}]}


UNSUPPORTED: list[tuple[str, str | None, dict[str, Any], str]] = [
    ("text", None, quality(type="text"), "quality[0].type: 'text' is not supported; there are: custom, sql, library"),
    ("another engine", None, quality(type="custom", engine="soda", implementation="flag"), "engine: is 'soda'; only `lake`"),
    ("an implementation that is a mapping", None, quality(type="custom", engine="lake", implementation={"a": 1}),
     "implementation: is missing"),
    ("a condition that does not compile", None, condition("amont > 0"),
     "quality[0].implementation: there is no column 'amont'"),
    ("a query for an own condition", None, condition("flag", query="SELECT 1"),
     "quality[0].query: is nothing of `type: custom`"),
    ("duplicateValues", "text", quality(metric="duplicateValues", mustBe=0), "duplicateValues is not supported: a row alone"),
    ("rowCount", None, quality(metric="rowCount", mustBe=0), "rowCount is not supported: a row alone"),
    ("an unknown metric", "text", quality(metric="freshness", mustBe=0), "metric: is 'freshness'; there are: nullValues"),
    ("no metric", "text", quality(mustBe=0), "metric: is None; there are: nullValues"),
    ("the old word for metric", "text", quality(rule="nullValues", mustBe=0), "quality[0].rule: say `metric`"),
    ("a metric of no column", None, quality(metric="nullValues", mustBe=0), "nullValues is for the `quality` of a property"),
    ("a share", "text", quality(metric="nullValues", mustBe=0, unit="percent"), "unit: expected rows"),
    ("a bound that is not 0", "text", quality(metric="nullValues", mustBe=5), "mustBe: is 5, expected 0"),
    ("no bound", "text", quality(metric="nullValues"), "mustBe: is None, expected 0"),
    ("another bound", "text", quality(metric="nullValues", mustBe=0, mustBeLessThan=5), "mustBeLessThan: only `mustBe: 0`"),
    ("a schedule", "text", quality(metric="nullValues", mustBe=0, schedule="0 20 * * *"), "schedule: rules are looked at"),
    ("an argument too many", "text", quality(metric="nullValues", mustBe=0, arguments={"x": 1}), "arguments.x: is no argument"),
    ("no valid values", "text", quality(metric="invalidValues", mustBe=0), "lacks `validValues` or `pattern`"),
    ("a valid value of another type", "text", quality(metric="invalidValues", mustBe=0, arguments={"validValues": [7]}),
     "arguments.validValues: 7 is no string(9): put it in quotes"),
    ("an empty list", "text", quality(metric="missingValues", mustBe=0, arguments={"missingValues": []}), "expected a list"),
    ("a query of another kind", None, quality(type="sql", query="SELECT max(whole) FROM {object}", mustBe=0),
     "query: only `SELECT COUNT(*) FROM {object} WHERE <condition on a bad row>` is supported"),
    ("a query with a group", None, counted("flag GROUP BY text"),
     "query: the end is expected, not 'GROUP'"),
    ("a query that closes its parenthesis", None,
     counted("flag) OR (NOT flag"), "query: the end is expected"),
    ("a property where there is none", None,
     counted("{property} = 1"), "{property} is for the `quality`"),
    ("no name", None, condition("flag", name=None), "quality[0].name: is None"),
    ("another severity", None, condition("flag", severity="info"), "severity: is 'info'"),
    ("a rule that each entity has", None, condition("flag", name="unfit"),
     "'unfit' is the name of a rule that each entity has"),
    ("two rules of one name", "text", {"enum": [{"value": "a"}], **quality(name="text_enum", metric="nullValues", mustBe=0)},
     "'text_enum' is the name of two rules"),
    ("an enumeration of another type", "whole", {"enum": [{"value": "1"}]}, "enum: '1' is no number"),
    ("a range of texts", "text", option(minimum=1), "minimum: is not supported for a string(9)"),
    ("a length of numbers", "whole", option(maxLength=1), "maxLength: is not supported for a int64"),
    ("a length below none", "text", option(minLength=-1), "minLength: is -1, expected a number of characters"),
    ("a pattern that is none", "text", option(pattern="("), "pattern: pattern '(': is no regular expression"),
    ("a multiple of nothing", "whole", option(multipleOf=0), "multipleOf: is 0, expected a number above zero"),
    ("a form in another place", "day", option(format="yyyyMMdd"), "format: is not read"),
    ("an option of objects", "text", option(maxItems=1), "maxItems: is not supported for a string(9)"),
    ("a day that is none", "day", option(minimum="tomorrow"), "minimum: 'tomorrow' is no date"),
    ("an instant without an offset", "moment", option(minimum=datetime(2020, 1, 1)), "is no timestamp(0)"),  # noqa: DTZ001
    ("a logical type of another kind", "whole", {"logicalType": "string"}, "logicalType: is 'string', but a int64 is a integer"),
    ("a severity of nothing", "text", own("severity", "error"), "severity is for a field"),
    ("a severity in between", "text", {"enum": [{"value": "a"}], **own("severity", "info")},
     "severity is 'info', expected error or warning"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "said", "expected"), [case[1:] for case in UNSUPPORTED], ids=[case[0] for case in UNSUPPORTED]
)
def test_a_rule_that_is_not_supported_is_refused_by_name(
    field: str | None, said: dict[str, Any], expected: str
) -> None:
    texts = found(field, said)
    assert any(expected in text for text in texts), texts


def test_what_a_field_says_of_its_values_warns_unless_it_says_error() -> None:
    table = {"name": "t", "physicalName": "T", "properties": [
        {"name": "whole", "logicalType": "integer", "logicalTypeOptions": {"minimum": 1, "maximum": 9}},
        {"name": "day", **option(minimum=date(2020, 1, 1)), **own("severity", "error")},
        {"name": "moment", "logicalTypeOptions": {"maximum": datetime(2020, 1, 1, 1, tzinfo=UTC)}},
    ]}  # fmt: skip
    findings = Findings("f", [])
    checks = checks_of(findings, SchemaObject.model_validate(table), "t", rows_of(FIELDS, ()))
    assert not findings.mistakes
    assert [(check.name, check.severity, check.sql) for check in checks] == [
        ("whole_minimum", "warning", "`whole` >= 1"),
        ("whole_maximum", "warning", "`whole` <= 9"),
        ("day_minimum", "error", "`day` >= DATE '2020-01-01'"),
        ("moment_maximum", "warning", "`moment` <= TIMESTAMP '2020-01-01T01:00:00+00:00'"),
    ]
