"""What quarantines a version, as SQL text."""

from pathlib import Path

import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.curate.checking import Rule, error_rules, meaning, names_of_broken, warning_rules

TEXTS = compile_folder(Path(__file__).parents[3] / "contracts")


def names(rules: tuple[Rule, ...]) -> list[str]:
    return [rule.name for rule in rules]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ("crm.account", ["key_missing", "unfit", "is_deleted_required"]),
        ("erp.business_partner", ["key_missing", "unfit", "stamp_missing", "category_is_known"]),
        ("erp.sales_order", ["key_missing", "unfit", "sales_order_item.key_missing"]),
    ],
)
def test_every_entity_quarantines_what_has_no_key_or_type_or_breaks_an_error_rule(
    entity: str, expected: list[str]
) -> None:
    found = names(error_rules(Plan.load(TEXTS[f"{entity}.json"])))
    assert set(expected) <= set(found)


def test_an_item_that_breaks_a_rule_takes_its_document_along() -> None:
    rules = {rule.name: rule.broken for rule in error_rules(Plan.load(TEXTS["erp.sales_order.json"]))}
    assert rules["sales_order_item.requested_quantity_not_negative"] == (
        "exists(`sales_order_item`, _item -> (_item.`requested_quantity` >= 0) IS FALSE)"
    )


def test_warnings_are_no_errors() -> None:
    plan = Plan.load(TEXTS["erp.sales_order.json"])
    assert names(warning_rules(plan)) == ["has_a_customer"]
    assert "has_a_customer" not in names(error_rules(plan))


def test_without_rules_nothing_is_broken() -> None:
    assert names_of_broken(()) == "CAST(array() AS ARRAY<STRING>)"


def test_each_reason_can_be_said_in_words_and_one_that_is_no_rule_any_more_is_told() -> None:
    for text in (TEXTS[name] for name in TEXTS if not name.startswith("source.")):
        plan = Plan.load(text)
        assert not [rule.name for rule in error_rules(plan) if "any more" in meaning(plan, rule.name)]
    orders = Plan.load(TEXTS["erp.sales_order.json"])
    assert "Nobody orders less than nothing" in meaning(orders, "sales_order_item.requested_quantity_not_negative")
    assert meaning(orders, "sales_order_item.net_amount_required") == "net_amount is required"
    assert meaning(orders, "has_wings") == "contract 1.0.0 has no rule of this name any more: replay it"
