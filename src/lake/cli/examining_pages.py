"""What `lake source check` finds of an entity's pages: whether all rows come, in order, and what links are made of."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from lake.extract.counting import compare, count_rows
from lake.extract.passes import key_pass, refresh_pass
from lake.extract.query import CountQuery
from lake.raw.schema import UNFIT, UNMAPPED
from lake.run.remedy import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.cli.examined import Entity, Sample
    from lake.cli.findings import Finding
    from lake.extract.counting import Comparison
    from lake.extract.passes import Pass

NAMED = 8
"""Undeclared or unfit fields that are named one by one."""
SURE = 2
"""Links by which one sees whether they count: by how the second differs from the first."""
IGNORE = "Where the count is wrong by design, say `count: {ignored: <reason>}` in the contract."


def look_at_count(entity: Entity) -> Iterator[Finding]:
    """How many rows the source counts, and whether as many come; an empty answer is no proof of an empty source."""
    plan = entity.plan
    if plan.count_ignored is not None:
        yield entity.finding("count", "note", f"not compared: the contract ignores it ({plan.count_ignored})")
        return
    count = count_rows(entity.reader, CountQuery(deleted=plan.strategy("soft_flag") is not None))
    if count is None:
        yield entity.finding("count", "note", "the source does not tell how many rows there are")
        return
    sample = entity.sample(key_pass(plan))
    if not sample.is_whole:
        yield entity.finding("count", "ok", f"{count:,} rows, more than are read here: not compared")
        return
    since = entity.source_now - timedelta(seconds=plan.overlap_s)
    yield _compared(entity, compare(entity.reader, sample.keys(plan), count, since))


def _compared(entity: Entity, found: Comparison) -> Finding:
    count = found.count or 0
    if found.is_short:
        said = f"the reading came to its end, but {found.told()}: rows are missing"
        return entity.finding("count", "fail", said, f"Often the paging is not the server's own (`paging`). {IGNORE}")
    if not found.keys:
        remedy = "Is that so? A missing permission or another company looks the same: compare with the source."
        return entity.finding("count", "warn", "no rows", remedy)
    if found.keys > count:
        said = (
            f"{found.keys:,} keys came, more than the {count:,} rows that the source counts: such a count proves little"
        )
        return entity.finding("count", "warn", said, f"Ask again, for rows may have gone meanwhile. {IGNORE}")
    if found.keys < count:
        return entity.finding("count", "ok", f"all rows came as far as one can see: {found.told()}")
    return entity.finding("count", "ok", f"all {count:,} rows came")


def look_at_pages(entity: Entity) -> Iterator[Finding]:
    """Paging, order and uniqueness, as extraction checks them; how long a page takes, and what does not fit its types."""
    scan = entity.first_scan
    sample = entity.sample(scan)
    sizes, rows = sample.sizes, sum(sample.sizes)
    if not rows:
        yield entity.finding("pages", "warn", "no row came", "Nothing more can be seen before there are rows.")
        return
    yield entity.finding(
        "pages",
        "ok",
        f"{rows:,} rows on {len(sizes)} page{'' if len(sizes) == 1 else 's'}, paged by {scan.paging}; order and keys "
        f"hold, {sample.took_s / len(sizes) * 1000:.0f} ms a page",
    )
    if len(sizes) > 1 and sizes[0] < entity.plan.page_size:
        yield entity.finding(
            "page size",
            "note",
            f"{entity.plan.page_size:,} rows a page were asked for, {statistics.mode(sizes):,} come",
            f"`page_size: {max(sizes)}` in the contract says so; nothing is lost as it is.",
        )
    yield from _misfits(entity, sample)


def _misfits(entity: Entity, sample: Sample) -> Iterator[Finding]:
    unfit, undeclared = Counter[str](), Counter[str]()
    for page in sample.pages:
        for column, counter in ((UNFIT, unfit), (UNMAPPED, undeclared)):
            for text in page.batch.column(column).drop_null().to_pylist():
                counter.update(set(json.loads(text)))
    if unfit:
        yield entity.finding(
            "values",
            "fail",
            f"some do not fit their types: {_named(unfit)}",
            "Correct the types in the contract: rows with such values go to quarantine.",
        )
    if undeclared:
        yield entity.finding("values", "note", f"come though nobody asked for them: {_named(undeclared)}")


def _named(found: Counter[str]) -> str:
    named = ", ".join(f"{name} ({count:,} rows)" for name, count in found.most_common(NAMED))
    return named + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")


def look_at_paging(entity: Entity) -> Iterator[Finding]:
    """Where the server pages, whether its links or tokens count rows."""
    samples = [entity.sample(scan) for scan in _served(entity)]
    if not samples:
        return
    links = max(sample.links for sample in samples)
    by_contract = entity.met.dialect.counts_pages(entity.met.source, entity.plan)
    if by_contract or any(page.counted for sample in samples for page in sample.pages):
        yield _counted(entity)
    elif links >= SURE:
        yield entity.finding("paging", "ok", f"{links} links or tokens were seen, and none counts rows")
    else:
        seen = "only one link was" if links else "there is only one page: no link was"
        yield entity.finding("paging", "note", f"{seen} seen; whether links count rows shows with the second")


def _counted(entity: Entity) -> Finding:
    said = "links or tokens count rows: where rows change while pages are read, others shift and are missed"
    if entity.plan.accepts_shifts:
        remedy = "Page by `key` or `keyset` where the source can; else refresh often."
        return entity.finding("paging", "warn", f"{said}. The contract accepts it", remedy)
    said = f"{said}. The contract does not accept it: runs are degraded, and no sweep ends anything"
    return entity.finding("paging", "fail", said, REMEDIES["PagesShift"])


def _served(entity: Entity) -> list[Pass]:
    """The scans of which the server says what comes next."""
    scans = [entity.first_scan, key_pass(entity.plan)]
    if entity.plan.strategy("delta_link") is not None:
        scans.append(refresh_pass(entity.plan, track=True))
    return [scan for scan in scans if scan.paging == "server"]
