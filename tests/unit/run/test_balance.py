"""The equations, on values."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lake.run.balance import Curated, Extracted, curation_gaps, extraction_gaps, key_gaps, total, unsettled

EXTRACTED = Extracted(received=1003, landed=1000, repeated=2, beyond=1)
CURATED = Curated(
    landed=10,
    merged=5,
    superseded=2,
    unchanged=1,
    quarantined=2,
    tombstoned=0,
    live_by_raw=9,
    live_in_tables=9,
    live_rows=9,
)
counts = st.integers(min_value=0, max_value=10**9)


def test_rows_that_are_all_accounted_for_leave_no_gap() -> None:
    assert extraction_gaps("crm.account", [EXTRACTED]) == []
    assert curation_gaps("crm.account", CURATED) == []


@given(counts, counts, counts, st.integers(min_value=1, max_value=10**6), st.sampled_from([-1, 1]))
def test_any_row_too_many_or_too_few_at_extraction_is_a_gap(
    landed: int, repeated: int, beyond: int, off: int, sign: int
) -> None:
    received = landed + repeated + beyond + sign * off
    (gap,) = extraction_gaps("crm.account", [Extracted(received, landed, repeated, beyond)])
    assert gap.left - gap.right == sign * off


def test_a_gap_at_extraction_names_the_equation_and_both_sides() -> None:
    (gap,) = extraction_gaps("crm.account", [replace(EXTRACTED, received=1004)])
    assert str(gap) == "crm.account: received = landed + repeated + beyond does not hold: 1,004 against 1,003"


def test_two_errors_that_cancel_each_other_out_are_two_gaps() -> None:
    one_lost = replace(EXTRACTED, landed=EXTRACTED.landed - 1)
    one_doubled = replace(EXTRACTED, landed=EXTRACTED.landed + 1)
    assert len(extraction_gaps("crm.account", [one_lost, one_doubled])) == 2


def test_a_version_that_curate_lost_is_a_gap_that_names_the_equation_and_both_sides() -> None:
    (gap,) = curation_gaps("erp.sales_order", replace(CURATED, merged=4))
    assert str(gap) == (
        "erp.sales_order: landed = merged + superseded + unchanged + quarantined + discarded does not hold: 10 against 9"
    )


def test_a_key_that_lives_in_raw_and_not_in_the_tables_is_a_gap() -> None:
    (gap,) = curation_gaps("erp.sales_order", replace(CURATED, live_in_tables=8))
    assert (
        str(gap) == "erp.sales_order: live keys by raw = current + keys only in quarantine does not hold: 9 against 8"
    )


def test_keys_that_live_on_one_side_alone_are_a_gap_beside_that_of_the_numbers() -> None:
    verified = {"live_by_raw": 9, "live_in_tables": 8, "only_in_raw": 2, "only_in_tables": 1}
    assert [str(gap) for gap in key_gaps("crm.account", verified)] == [
        "crm.account: live keys by raw = current + keys only in quarantine does not hold: 9 against 8",
        "crm.account: keys that live in raw or in the tables alone = none does not hold: 3 against 0",
    ]


def test_invocations_add_up() -> None:
    assert total([EXTRACTED, EXTRACTED]) == Extracted(2006, 2000, 4, 2)


def test_unsettled_is_what_the_source_counts_more_than_the_lake_has() -> None:
    assert unsettled(12, CURATED.live_rows) == 3
    assert unsettled(None, CURATED.live_rows) is None
    assert unsettled(12, None) is None


def test_rows_without_a_usable_key_are_in_the_lake_too() -> None:
    assert unsettled(12, CURATED.live_rows, keyless=2) == 1
