"""What tests of a deployed lake ask of a run: its balance, a lake that is whole again; and the entities they work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from tests.e2e.deployed import ROOT

if TYPE_CHECKING:
    from tests.e2e.deployed import DeployedLake, Run

PLANS = {
    plan.entity: plan
    for name, text in compile_folder(ROOT / "contracts").items()
    if not name.startswith("source.") and (plan := Plan.load(text))
}
ENTITIES = tuple(sorted(PLANS))
CRM = {name for name, plan in PLANS.items() if plan.source == "crm"}
ORDERS = "erp.sales_order"
TROUBLED = ("crm.account", "erp.business_partner", ORDERS)
"""What has news while something goes wrong: as much as shows what befalls it and what it leaves alone, read in seconds."""


class Differences(Protocol):
    """What in the curated tables of some entities, or of all, is not as the sources have it: one line each."""

    def __call__(self, *names: str) -> list[str]: ...


def assert_balanced(run: Run) -> None:
    """The equations of DESIGN's balance, computed here from the report's own numbers."""
    assert run.report is not None
    assert run.report["balanced"], run.report["gaps"]
    for entity in run.report["entities"]:
        read, kept = entity["extracted"], entity["curated"]
        if read is not None:
            assert read["received"] == read["landed"] + read["repeated"] + read["beyond"], entity
        if kept is not None:
            assert kept["landed"] == sum(kept[part] for part in ("merged", "superseded", "unchanged", "quarantined")), (
                entity
            )
            assert kept["live_by_raw"] == kept["live_in_tables"], entity


def assert_made_good(lake: DeployedLake, differences: Differences) -> Run:
    """The next run, started at once, is good and leaves nothing behind in any table of these entities. The chapters' last tests
    look at all tables."""
    run = lake.run({"entities": TROUBLED})
    assert run.outcome == "GOOD", run.report
    assert_balanced(run)
    assert differences(*TROUBLED) == []
    return run


def good_order(lake: DeployedLake, place: int = 0) -> tuple[str, str, str]:
    """An order with one item in the lake, the first by number or a later one: its number, the item's, and its quantity."""
    found = lake.query(
        "SELECT sales_order, min(sales_order_item) AS item, min(requested_quantity) AS quantity"  # noqa: S608 - a number
        " FROM lake_curated.erp_sales_order_item GROUP BY sales_order HAVING count(*) = 1 ORDER BY sales_order"
        f" LIMIT 1 OFFSET {place}"
    )
    return str(found[0]["sales_order"]), str(found[0]["item"]), str(found[0]["quantity"])
