"""Each rule of the CRM's contracts has rows on both sides of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.contract.plan import Plan

LINE = {"quantity": "3", "unit_price": "9.99", "discount": "12.5", "total_price": "26.22"}
RULES: dict[str, dict[str, tuple[list[dict[str, str]], list[dict[str, str]]]]] = {
    "crm.account": {
        "not_its_own_parent": ([{"id": "a", "parent_id": "b"}, {"id": "a"}], [{"id": "a", "parent_id": "a"}]),
        "erp_number_is_numeric": ([{"erp_customer_number": "0000200001"}, {}], [{"erp_customer_number": "K-17"}]),
        "country_is_a_code": ([{"billing_country": "DE"}, {}], [{"billing_country": "Germany"}]),
        "duns_number_is_nine_digits": ([{"duns_number": "012345678"}, {}], [{"duns_number": "01234567"}]),
        "vat_number_has_its_countrys_pattern": (
            [{"vat_number": number} for number in ("DE 123.456-789", "atu12345678", "NL123456789B01", "EL123456789")] + [{}],
            [{"vat_number": number} for number in ("DE12345678", "pending", "000000000", "FR12345678901X9")],
        ),
    },
    "crm.contact": {
        "email_has_an_at": ([{"email": "a@example.com"}, {}], [{"email": "a at example.com"}, {"email": ""}]),
    },
    "crm.opportunity": {
        "probability_is_a_percentage": (
            [{"probability": "0"}, {"probability": "100"}, {}],
            [{"probability": "-1"}, {"probability": "101"}],
        ),
        "won_is_closed": (
            [{"is_won": "true", "is_closed": "true"}, {"is_won": "false", "is_closed": "false"}],
            [{"is_won": "true", "is_closed": "false"}],
        ),
        "amount_is_not_negative": ([{"amount": "0"}, {"amount": "9999999999999999.99"}, {}], [{"amount": "-0.01"}]),
        "closes_after_it_was_created": (
            [{"created_date": "2026-11-16T23:30:00Z", "close_date": "2026-11-16"}, {"close_date": "0001-01-01"}],
            [{"created_date": "2026-11-16T00:30:00Z", "close_date": "2026-11-15"}],
        ),
        "stage_is_known": ([{"stage_name": "Closed Won"}, {}], [{"stage_name": "closed won"}, {"stage_name": "Lead"}]),
    },
    "crm.opportunity_line": {
        "quantity_is_not_zero": ([{"quantity": "0.01"}, {"quantity": "-1"}, {}], [{"quantity": "0"}]),
        "total_is_quantity_times_price": (
            [LINE, LINE | {"total_price": "26.25"}, {"quantity": "9", "unit_price": "1", "total_price": "9"}, {}],
            [LINE | {"total_price": "26.26"}, {"quantity": "9", "unit_price": "1", "total_price": "9.10"}],
        ),
    },
}  # fmt: skip
"""By entity and rule: rows that keep it, rows that break it. What is not given is null, and null breaks no rule."""


def test_each_rule_of_the_crm_tells_good_rows_from_bad_ones(spark: Any, plans: dict[str, Plan]) -> None:
    entities = {name: plan for name, plan in plans.items() if plan.source == "crm"}
    assert {name: {check.name for check in plan.checks} for name, plan in entities.items() if plan.checks} == {
        name: set(rules) for name, rules in RULES.items()
    }
    wrong = []
    for name, rules in RULES.items():
        plan = entities[name]
        rows = [
            (rule, broken, row) for rule, sides in rules.items() for broken in (False, True) for row in sides[broken]
        ]
        for (rule, broken, row), seen in zip(rows, _broken(spark, plan, [row for _, _, row in rows]), strict=True):
            if (rule in seen) != broken:
                wrong.append((name, rule, row))
    assert wrong == []


def _broken(spark: Any, plan: Plan, rows: list[dict[str, str]]) -> list[list[str]]:
    """By row the names of the checks that it breaks."""
    texts = [(position, *(row.get(field.name) for field in plan.fields)) for position, row in enumerate(rows)]
    ddl = ", ".join(["_position INT", *(f"{field.name} STRING" for field in plan.fields)])
    kinds = {field.name: field.type if field.base == "decimal" else field.base for field in plan.fields}
    columns = [f"CAST({name} AS {kind}) AS {name}" for name, kind in kinds.items()]
    names = [f"IF(({check.sql}) IS FALSE, '{check.name}', NULL)" for check in plan.checks]
    typed = spark.createDataFrame(texts, ddl).selectExpr("_position", *columns)
    found = typed.selectExpr("_position", f"array_compact(array({', '.join(names)})) AS broken").orderBy("_position")
    return [list(row["broken"]) for row in found.collect()]
