"""A sweep and the fingerprints of the overlap: what the sweep saw stays known, what it ended may come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.raw import fingerprint

if TYPE_CHECKING:
    import pytest

    from tests.support.raw_lake import RawLake, Source

ORDERS = "erp.sales_order"


def change_without_stamp(erp: Source, place: int) -> str:
    """Changes an order so that it has no stamp, hence lies in the overlap of every window; its number."""
    key = str(erp.rows("A_SalesOrder")[place]["SalesOrder"])
    erp.control.change(ORDERS, key, {"ExternalDocumentID": "NO STAMP"}, stamp=None)
    return key


def test_after_a_sweep_a_run_without_news_writes_nothing(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    change_without_stamp(erp, 20)
    erp.control.advance(hours=25)
    raw_lake.run(ORDERS)
    assert raw_lake.manifests(ORDERS)[-1]["kind"] == "keys"
    before = raw_lake.keys()
    erp.control.advance(hours=0.1)
    (quiet,) = raw_lake.run(ORDERS)
    assert quiet.counts.landed == 0
    assert quiet.counts.repeated > 0
    assert raw_lake.keys() == before


def test_a_row_that_a_sweep_ended_lands_again_when_it_is_restored_as_it_was(raw_lake: RawLake, erp: Source) -> None:
    raw_lake.run(ORDERS)
    key = change_without_stamp(erp, 21)
    erp.control.advance(hours=1)
    raw_lake.run(ORDERS)
    kept = next(row for row in erp.rows("A_SalesOrder") if row["SalesOrder"] == key)
    items = [row for row in erp.rows("A_SalesOrderItem") if row["SalesOrder"] == key]
    erp.control.delete(ORDERS, key)
    erp.control.advance(hours=25)
    raw_lake.run(ORDERS)
    assert (key,) not in raw_lake.newest(ORDERS)
    plain = {name: value for name, value in kept.items() if not name.startswith("_")}
    nested = [{name: value for name, value in item.items() if not name.startswith("_")} for item in items]
    erp.control.insert(ORDERS, plain | {"to_Item": nested}, stamp=None)
    erp.control.advance(hours=0.1)
    (restored,) = raw_lake.run(ORDERS)
    assert restored.counts.landed == 1
    assert raw_lake.newest(ORDERS)[(key,)]["ExternalDocumentID"] == "NO STAMP"


def test_rows_that_cannot_be_known_again_are_said(
    raw_lake: RawLake, erp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fingerprints are kept, more rows lie in the overlap: they land again, and the run says so beforehand."""
    monkeypatch.setattr(fingerprint, "MOST", 2)
    erp.control.touch("sales_order", 5)
    results = raw_lake.run(ORDERS)
    assert any("if they come again, they land again" in note for result in results for note in result.notes)
