"""The CRM's objects as their contracts read them: what is binned, restored, and gone for good."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

LINES, DEALS, USERS = "crm.opportunity_line", "crm.opportunity", "crm.user"


def reasons(lake: RawLake, entity: str) -> list[str]:
    return [manifest["reason"] for manifest in lake.manifests(entity)]


def test_lines_that_a_quote_erased_end_at_the_next_run_though_no_sweep_is_due(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(LINES)
    crm.control.advance(hours=2)
    gone = sorted(str(row["Id"]) for row in crm.rows("OpportunityLineItem") if not row["IsDeleted"])[10:13]
    crm.control.delete(LINES, *gone, hard=True)
    crm.control.advance(hours=2)
    raw_lake.run(LINES)
    assert reasons(raw_lake, LINES)[1:] == ["feed"]
    assert sorted(key for (key,), _ in raw_lake.tombstones(LINES)) == gone
    assert_raw_equals_source(raw_lake, crm, LINES)


def test_an_opportunity_goes_to_the_bin_comes_back_and_is_purged(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(DEALS)
    key = sorted(str(row["Id"]) for row in crm.rows("Opportunity") if not row["IsDeleted"])[5]
    seen = []
    for step in (
        partial(crm.control.delete, DEALS, key),
        partial(crm.control.undelete, DEALS, key),
        partial(crm.control.delete, DEALS, key, hard=True),
    ):
        crm.control.advance(hours=2)
        step()
        crm.control.advance(hours=2)
        raw_lake.run(DEALS)
        assert_raw_equals_source(raw_lake, crm, DEALS)
        row = raw_lake.newest(DEALS).get((key,))
        seen.append(None if row is None else row["IsDeleted"])
    assert seen == [True, False, None]


def test_a_user_who_left_stays_as_one_who_is_not_active(raw_lake: RawLake, crm: Source) -> None:
    raw_lake.run(USERS)
    crm.control.advance(hours=2)
    key = next(str(row["Id"]) for row in crm.rows("User") if row["IsActive"])
    crm.control.change(USERS, key, {"IsActive": False})
    crm.control.advance(hours=2)
    raw_lake.run(USERS)
    assert raw_lake.newest(USERS)[(key,)]["IsActive"] is False
    assert_raw_equals_source(raw_lake, crm, USERS)
