"""Ways to read an entity: a protocol, a way of paging, strategies for deletions; and what a history may do with each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.contract.build import compile_folder
from lake.contract.plan import Deletes, Plan, SourcePlan

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
OVERLAP_S = 600
DAY_S = 86_400

SWEEP = Deletes("key_sweep", every_s=DAY_S, max_fraction=0.5, min_rows=1_000)
FEED, DELTA, NONE = Deletes("feed"), Deletes("delta_link"), Deletes("none")
BIN = Deletes("soft_flag", field="IsDeleted")
PARTNER, ORDER, ACCOUNT = "erp.business_partner", "erp.sales_order", "crm.account"
CONTACT, WORK_ORDER, ENGINEER = "hubspot.contact", "service.work_order", "service.engineer"


@dataclass(frozen=True)
class Kind:
    """One way to read an entity.

    `face`: the protocol by whose name faults are drawn. `sees`: deletions are seen. `bins`: rows are deleted softly alone.
    `hides_binned`: rows in the recycle bin are no rows. `unstamps`: a row's stamp may become null. `old`: rows that appear
    with an old stamp are found. `shifts`: rows may be missed by design until a full refresh closes. `truncates`: stamps come
    with so many digits of a second only.
    """

    name: str
    entity: str
    face: str
    deletes: tuple[Deletes, ...]
    plan: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    adapt: Callable[[Plan], Plan] = lambda plan: plan
    sees: bool = True
    bins: bool = False
    hides_binned: bool = False
    unstamps: bool = False
    old: bool = False
    shifts: bool = False
    truncates: bool = False
    tracks: bool = False
    steady: tuple[dict[str, Any], ...] = ()

    @property
    def system(self) -> str:
        """The source's name."""
        return self.entity.partition(".")[0]

    def plans(self, settings: dict[str, Any]) -> tuple[Plan, SourcePlan]:
        """The entity's plan and its source's, with a history's own settings."""
        plans, sources = compiled()
        plan = self.adapt(replace(plans[self.entity], overlap_s=OVERLAP_S, deletes=self.deletes, full_refresh_s=None))
        plan = replace(plan, **self.plan)
        known = {"page_size", "window_s", "full_refresh_s"} & settings.keys()
        plan = replace(plan, **{name: settings[name] for name in known if name not in self.plan})
        source = replace(sources[self.system], requests_per_second=None, **self.source)
        known = {"parallel_windows", "daily_requests"} & settings.keys()
        return plan, replace(source, **{name: settings[name] for name in known})


@cache
def compiled() -> tuple[dict[str, Plan], dict[str, SourcePlan]]:
    """The project's contracts and those of its examples."""
    plans: dict[str, Plan] = {}
    sources: dict[str, SourcePlan] = {}
    for folder in (ROOT / "contracts", ROOT / "docs" / "examples"):
        for name, text in compile_folder(folder).items():
            if name.startswith("source."):
                source = SourcePlan.load(text)
                sources[source.source] = source
            else:
                plan = Plan.load(text)
                plans[plan.entity] = plan
    return plans, sources


def in_milliseconds(plan: Plan) -> Plan:
    """OData v2 sends no finer stamps: several of them look like one, so that rows are read by key."""
    fields = tuple(replace(f, type="timestamp(3)") if f.field == "LastChangeDateTime" else f for f in plan.fields)
    return replace(plan, fields=fields, cursor=replace(plan.cursor, digits=3), paging="key")


def all_items(plan: Plan) -> Plan:
    """OData v2 has no words for a filter on items."""
    return replace(plan, children=tuple(replace(child, filter=None) for child in plan.children))


def by_days(plan: Plan) -> Plan:
    """The source compares stamps by their dates alone."""
    return replace(plan, cursor=replace(plan.cursor, by_day=True))


def days_alone(plan: Plan) -> Plan:
    """Rows are stamped with a date, and no time of day."""
    cursor = replace(plan.cursor, kind="day", fields=("LastChangeDate",), stand_in=("CreationDate",), digits=0)
    return replace(plan, cursor=cursor)


COUNTED: dict[str, Any] = {"paging": "server", "rows_may_shift": True}
V2 = {"version": "v2", "base_path": "/sap/opu/odata/sap"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind("odata-sweep", ORDER, "odata_v4", (SWEEP,), unstamps=True, old=True),
        Kind("odata-none", PARTNER, "odata_v4", (NONE,), sees=False),
        Kind("odata-by-day", PARTNER, "odata_v4", (NONE,), adapt=by_days, sees=False),
        Kind("odata-days", PARTNER, "odata_v4", (SWEEP,), adapt=days_alone, old=True),
        Kind("odata-sweep-links", ORDER, "odata_v4", (SWEEP,), COUNTED, unstamps=True, old=True),
        Kind(
            "odata-sweep-capped",
            ORDER,
            "odata_v4",
            (SWEEP,),
            COUNTED | {"result_cap": 25},
            unstamps=True,
            old=True,
            steady=({"kind": "result_cap", "rows": 25},),
        ),
        Kind("odata-delta", ORDER, "odata_v4", (DELTA, SWEEP), unstamps=True, old=True, tracks=True),
        Kind("odata-refresh", PARTNER, "odata_v4", (NONE,), {"full_refresh_s": DAY_S}, old=True),
        Kind(
            "odata2-sweep",
            ORDER,
            "odata_v2",
            (SWEEP,),
            {},
            V2,
            in_milliseconds,
            unstamps=True,
            old=True,
            truncates=True,
        ),
        Kind("odata2-none", PARTNER, "odata_v2", (NONE,), {}, V2, all_items, sees=False),
        Kind("salesforce-flag", ACCOUNT, "salesforce", (BIN,), bins=True),
        Kind("salesforce-feed", ACCOUNT, "salesforce", (FEED,), hides_binned=True),
        Kind("salesforce-sweep", ACCOUNT, "salesforce", (SWEEP,), hides_binned=True, old=True),
        Kind("hubspot-sweep", CONTACT, "hubspot", (SWEEP,), old=True),
        Kind("hubspot-none", CONTACT, "hubspot", (NONE,), sees=False),
        Kind("pages-none", WORK_ORDER, "rest", (NONE,), shifts=True, sees=False),
        Kind("pages-sweep", WORK_ORDER, "rest", (SWEEP,), shifts=True),
        Kind("stampless-none", ENGINEER, "rest", (NONE,), {"full_refresh_s": DAY_S}, shifts=True, sees=False),
        Kind("stampless-sweep", ENGINEER, "rest", (SWEEP,), {"full_refresh_s": DAY_S}, shifts=True),
    )
}
