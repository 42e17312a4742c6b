"""Maintenance: files that are few and in order, snapshots for as long as the contract promises, nothing that none of them needs.

It yields to writers: where one commits meanwhile, the files stay as they are until the next time.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from lake.curate.columns import literal
from lake.curate.keeping import FILE_BYTES
from lake.curate.layout import layout
from lake.curate.tables import BRANCH, LOST_COMMITS
from lake.instants import now

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.contract.plan import Plan
    from lake.curate.layout import Layout, Table
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables

MANY_FILES = 32
"""More files than a table of its size needs, by so many: a run puts them together."""
LATE = timedelta(days=1)
"""A run removes snapshots that nobody may ask for when the oldest is so much older than that."""
ORPHANED = timedelta(days=3)
"""A file that no snapshot names may belong to a commit that is still being made; not after this time."""

logger = logging.getLogger(__name__)


def maintain(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Put the files of the entity's tables together, remove old snapshots and orphaned files. Returns the record
    (docs/formats.md). Safe to repeat after a crash anywhere."""
    del store, ledger
    there = [table for table in layout(plan).all if tables.exists(table)]
    at = now()
    found = {
        table.name: {
            "compacted": _yielding(compact, spark, tables, table),
            "snapshots": _yielding(expire, tables, table, at),
            "orphans": remove_orphans(spark, tables, table, at),
        }
        for table in there
    }
    return {"entity": plan.entity, "task": "maintain", "tables": found}


def tend(spark: SparkSession, tables: Tables, shape: Layout) -> None:
    """What a run does behind its merges, where it is due. Looking costs no query."""
    at = now()
    for table in shape.all:
        if too_many_files(tables.iceberg(table)):
            _yielding(compact, spark, tables, table)
        oldest = _oldest(tables.iceberg(table))
        if oldest is not None and at - oldest > timedelta(seconds=table.snapshots_s) + LATE:
            _yielding(expire, tables, table, at)


def too_many_files(iceberg: Any) -> bool:
    """The table has many more data files than its size asks for."""
    snapshot = iceberg.currentSnapshot()
    if snapshot is None:
        return False
    summary = snapshot.summary()
    files, size = (int(summary.get(name) or 0) for name in ("total-data-files", "total-files-size"))
    return files > MANY_FILES + size // FILE_BYTES


def compact(spark: SparkSession, tables: Tables, table: Table) -> int:
    """Write small files together, in the table's order. Returns how many files went."""
    strategy = "sort" if table.sort else "binpack"
    done = spark.sql(
        f"CALL {_catalog(tables)}.system.rewrite_data_files(table => {_name(tables, table)}, strategy => '{strategy}', "
        "options => map('min-input-files', '2'))"
    ).collect()
    return int(done[0]["rewritten_data_files_count"])


def expire(tables: Tables, table: Table, at: datetime) -> int:
    """Remove the snapshots that no promised instant needs. Returns how many went.

    The last one before the promised time stays: the table was as it says at the time's beginning. What died jobs have left of
    merges goes.
    """
    iceberg = tables.iceberg(table)
    for name, ref in dict(iceberg.refs()).items():
        if name.startswith(BRANCH) and iceberg.snapshot(ref.snapshotId()).timestampMillis() < _millis(at - ORPHANED):
            iceberg.manageSnapshots().removeBranch(name).commit()
    stamps = [iceberg.snapshot(entry.snapshotId()).timestampMillis() for entry in iceberg.history()]
    promised = _millis(at - timedelta(seconds=table.snapshots_s))
    first = max((stamp for stamp in stamps if stamp <= promised), default=None)
    old = [stamp for stamp in stamps if first is not None and stamp < first]
    if first is not None and old:
        iceberg.expireSnapshots().expireOlderThan(first).commit()
    return len(old)


def remove_orphans(spark: SparkSession, tables: Tables, table: Table, at: datetime) -> int:
    """Remove files below the table's location that none of its snapshots names. Returns how many went."""
    before = f"{at.astimezone(UTC) - ORPHANED:%Y-%m-%d %H:%M:%S}"
    found = spark.sql(
        f"CALL {_catalog(tables)}.system.remove_orphan_files(table => {_name(tables, table)}, "
        f"older_than => TIMESTAMP {literal(before)}, prefix_listing => true)"
    ).collect()
    return len(found)


def _yielding(work: Any, *arguments: Any) -> int:
    """The work's number; 0 where a writer was faster."""
    try:
        return int(work(*arguments))
    except (PySparkException, Py4JJavaError) as error:
        if not any(name in str(error) for name in LOST_COMMITS):
            raise
        logger.info("a writer was faster: %s waits for the next time", work.__name__)
        return 0


def _oldest(iceberg: Any) -> datetime | None:
    snapshots = iceberg.snapshots().iterator()
    return datetime.fromtimestamp(snapshots.next().timestampMillis() / 1000, UTC) if snapshots.hasNext() else None


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _catalog(tables: Tables) -> str:
    return tables.database.partition(".")[0]


def _name(tables: Tables, table: Table) -> str:
    """The table's whole name, as a literal. Without the catalog Iceberg would look for one called like the database, and put
    a hundred lines into the log when there is none."""
    return literal(tables.name(table))
