"""Where the server pages, a reading ends with the last row, or with an error that says why it cannot go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.extract.errors import UnknownContinuation

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

ORDER = "erp.sales_order"


def keys_of(source: Source) -> set[tuple[str, ...]]:
    return {(row["SalesOrder"],) for row in source.rows("A_SalesOrder")}


@pytest.mark.parametrize("name", ["odata.nextLink", "@nextLink", "__next"])
def test_a_next_link_of_another_version_leads_to_every_row(raw_lake: RawLake, erp: Source, name: str) -> None:
    erp.control.faults({"kind": "renamed_links", "name": name}, {"kind": "page_cap", "rows": 100})
    raw_lake.run(ORDER, paging="server")
    assert raw_lake.newest(ORDER).keys() == keys_of(erp)


def test_a_next_link_that_nobody_knows_is_an_error_and_moves_no_watermark(raw_lake: RawLake, erp: Source) -> None:
    erp.control.faults({"kind": "unknown_continuation", "name": "paging.next"}, {"kind": "page_cap", "rows": 100})
    with pytest.raises(UnknownContinuation, match=r"erp\.sales_order: .*`paging\.next`"):
        raw_lake.run(ORDER, paging="server")
    assert raw_lake.state(ORDER).watermark is None
    erp.control.faults()
    raw_lake.run(ORDER, paging="server")
    assert raw_lake.newest(ORDER).keys() == keys_of(erp)


def test_who_pages_by_key_needs_no_link(raw_lake: RawLake, erp: Source) -> None:
    erp.control.faults({"kind": "unknown_continuation"}, {"kind": "page_cap", "rows": 100})
    raw_lake.run(ORDER)
    assert raw_lake.newest(ORDER).keys() == keys_of(erp)
