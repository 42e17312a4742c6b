"""One entity: the loads that its tables lack, merged into them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812

from lake.curate import balance, writing
from lake.curate.brake import bad_examples, brake_on_bad_rows, verify_parts
from lake.curate.endings import end_keys
from lake.curate.fates import contenders, counts, fates
from lake.curate.fetches import want
from lake.curate.history import merge_history
from lake.curate.layout import layout
from lake.curate.merging import Judged
from lake.curate.quarantine import latest_bad, settle
from lake.curate.reading import versions
from lake.curate.suspects import suspect
from lake.curate.tables import BROADCAST, LAST_SWEEP
from lake.curate.work import work_of
from lake.instants import now

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.contract.plan import Child, Plan
    from lake.curate.layout import Layout, Table
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.work import Work


def curate(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Bring the entity's tables up to its last committed load. Returns the run's record (docs/formats.md).

    Safe to repeat after a crash anywhere: each merge takes what it has not got yet, and progress is noted after it.
    Raises CurateError where raw or a sweep can't be trusted; nothing is written then.
    """
    return curate_into(spark, tables, store, ledger, plan, layout(plan))


def curate_into(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    ledger: Ledger | None,
    plan: Plan,
    shape: Layout,
    passed: frozenset[int] = frozenset(),
) -> dict[str, Any]:
    """Bring tables of this shape up to the entity's last committed load; see `curate`.

    `ledger`: None where what a sweep lacks was asked for when it was finished. `passed`: loads that have passed the brakes
    before; none stops them now.
    """
    for table in shape.all:
        tables.ensure(table)
    work = work_of(tables, store, plan, shape)
    work = replace(work, accepted=work.accepted | passed)
    verify_parts(store, work.taken)
    batch = versions(spark, store, plan, work.rows).persist()
    try:
        tally = balance.tally(batch, plan, work.rows)
        brake_on_bad_rows(plan, work.rows, tally, work.accepted, partial(bad_examples, batch))
        tombstoned = end_keys(spark, tables, store, plan, shape, work, batch)
        work.note(tables, shape.deleted, {LAST_SWEEP: str(work.newest.load)} if work.newest else {})
        figures = merge(spark, tables, store, plan, shape, work, batch, tally)
        lacking = want(spark, tables, store, ledger, plan, shape, work.finished) if work.finished and ledger else 0
        shifted = work.finished if work.finished and work.finished.suspects else None
        problems = suspect(spark, tables, store, ledger, plan, shape, shifted) if shifted and ledger else []
        work.note(tables, shape.quarantine)  # the last of the tables: a run that dies before looks at the sweep again
    finally:
        batch.unpersist()
    return {
        "entity": plan.entity,
        "from_load": work.through + 1,
        "through_load": work.last,
        "landed": sum(load.rows for load in work.rows) + work.left_out,
        "discarded": work.left_out,
        "tombstoned": tombstoned,
        "lacking": lacking,
        **({"problems": problems} if problems else {}),
        **figures,
    }


def merge(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    plan: Plan,
    shape: Layout,
    work: Work,
    batch: DataFrame,
    tally: balance.Tally,
) -> dict[str, Any]:
    """Bring a batch into current, items and history, each with its progress behind it, and quarantine up to date behind them:
    what was replayed is closed once all tables have it. Returns the figures of the record."""
    keys, dead = list(plan.key), tables.read(shape.deleted)
    few = tally.rows + tables.rows(shape.deleted) <= BROADCAST
    seen = tables.snapshot(shape.current)
    named = batch.select(*keys).union(dead.select(*keys))
    current = tables.matching(shape.current, named, keys, few=few)
    facts = fates(contenders(batch, plan), dead, current, latest_bad(tables, shape, plan), plan)
    # Judged once, on the tables as they were: a cached plan would be computed anew after each merge into them.
    judged = facts.localCheckpoint(eager=False)
    figures = judged.agg(*counts()).collect()[0].asDict()
    if figures.pop("revived"):
        writing.forget_deleted(tables, shape.deleted, plan, judged)
    changed, fresh = figures.pop("written") + figures.pop("ended"), figures.pop("fresh")
    if changed:
        found = Judged(seen, "_fresh", changed - fresh, fresh)
        writing.merge_current(tables, shape.current, plan, judged, found)
    work.note(tables, shape.current)
    items = {}
    for child, table in zip(plan.children, shape.children, strict=True):
        items[child.name] = _merge_items(tables, shape, table, child, plan, judged)
        work.note(tables, table)
    if shape.history:
        merge_history(spark, tables, store, plan, shape.history, work, batch)
        work.note(tables, shape.history)
    if tally.quarantined or not tables.is_empty(shape.quarantine):
        settle(tables, shape, plan, batch, judged, now())
    return {
        "quarantined": tally.quarantined,
        "warnings": tally.warnings,
        "broken": tally.broken,
        "items": items,
        **figures,
        **balance.living(tables, shape, plan, judged.select(*keys), few=few),
    }


def _merge_items(tables: Tables, shape: Layout, table: Table, child: Child, plan: Plan, judged: DataFrame) -> int:
    dead, seen = tables.read(shape.deleted), tables.snapshot(table)
    changes = writing.item_changes(tables, table, child, plan, judged, dead).localCheckpoint(eager=False)
    counted = changes.agg(F.count(F.lit(1)), F.count_if("_gone"), F.count_if("_fresh")).collect()
    number, gone, fresh = counted[0]
    if number:
        writing.merge_items(tables, table, child, changes, Judged(seen, "_fresh", number - fresh, fresh))
    return int(number - gone)
