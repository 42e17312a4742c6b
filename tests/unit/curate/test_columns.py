"""Fields as SQL text."""

import pytest

from lake.contract.plan import Field
from lake.curate.columns import curated_type, literal, misfit, quoted, raw_type, typed, within

COLUMNS = frozenset({"requested_quantity", "net_amount", "year"})


def field(kind: str) -> Field:
    return Field("net_amount", "NetAmount", kind, required=False, classification="internal", description="")


@pytest.mark.parametrize(
    ("kind", "raw", "curated"),
    [
        ("string", "STRING", "STRING"),
        ("time", "STRING", "STRING"),
        ("int64", "BIGINT", "BIGINT"),
        ("decimal(16,3)", "DECIMAL(16,3)", "DECIMAL(16,3)"),
        ("timestamp(6)", "TIMESTAMP", "TIMESTAMP"),
        ("timestamp(7)", "STRING", "TIMESTAMP"),
    ],
)
def test_a_type_has_one_form_in_raw_and_one_in_curated(kind: str, raw: str, curated: str) -> None:
    assert (raw_type(field(kind)), curated_type(field(kind))) == (raw, curated)


def test_a_value_of_todays_type_is_taken_as_it_is_and_always_fits() -> None:
    assert typed(field("date"), field("date"), "`D`") == "`D`"
    assert misfit(field("date"), field("date"), "`D`") is None


def test_a_field_that_the_writing_plan_did_not_have_is_null() -> None:
    assert typed(None, field("decimal(9,2)"), "") == "CAST(NULL AS DECIMAL(9,2))"
    assert misfit(None, field("decimal(9,2)"), "") is None


def test_a_number_that_would_lose_digits_does_not_fit() -> None:
    condition = misfit(field("decimal(16,3)"), field("decimal(16,2)"), "`N`")
    assert condition == (
        "(`N` IS NOT NULL AND (TRY_CAST(`N` AS DECIMAL(16,2)) IS NULL OR TRY_CAST(`N` AS DECIMAL(16,2)) <> `N`))"
    )


@pytest.mark.parametrize(
    ("condition", "inside"),
    [
        ("requested_quantity >= 0", "x.`requested_quantity` >= 0"),
        ("`net_amount` > 0 OR net_amount IS NULL", "x.`net_amount` > 0 OR x.`net_amount` IS NULL"),
        ("TRY_CAST(`net_amount` AS YEAR) = `year`", "TRY_CAST(x.`net_amount` AS YEAR) = x.`year`"),
        ("year(`year`) = 'net_amount'", "year(x.`year`) = 'net_amount'"),
        (r"unknown = 'it\'s net_amount'", r"unknown = 'it\'s net_amount'"),
    ],
)
def test_a_check_of_items_reads_the_items_members(condition: str, inside: str) -> None:
    assert within(condition, COLUMNS, "x") == inside


def test_names_and_texts_are_quoted_whatever_they_hold() -> None:
    assert quoted("a`b") == "`a``b`"
    assert literal("it's a \\") == r"'it\'s a \\'"
