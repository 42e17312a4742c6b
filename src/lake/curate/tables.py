"""The curated tables as Spark writes them: creation, properties, merges that survive a lost commit."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, StructType

from lake.curate.bounds import NOWHERE, bound
from lake.curate.columns import quoted
from lake.curate.errors import CommitLost
from lake.curate.evolution import evolution
from lake.curate.keeping import cast, changes, create
from lake.curate.layout import Column
from lake.curate.merging import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from lake.curate.layout import Table
    from lake.curate.merging import Change, Judged

THROUGH = "lake.curated_through"
LAST_SWEEP = "lake.last_sweep"
EMPTY = "none"
ATTEMPTS = 5
SMALL_BYTES = 64 * 1024 * 1024
ROW_BYTES = 1024
"""What a row of a change may take: from so many on a change of a small table is a large one."""
WORTH = 0.5
"""A bound that has more than this share of a table read is not worth its test of each row."""
BROADCAST = 1_000_000
"""So many rows may be sent to each worker, which spares what they are joined with a shuffle."""
SETTINGS = {"spark.sql.autoBroadcastJoinThreshold": str(128 * 1024 * 1024)}
"""What the merges ask of a session."""
BRANCH = "merge_"
"""What the names of branches begin with on which a change is prepared."""
LOST_COMMITS = ("ValidationException", "CommitFailedException", "Cannot fast-forward")


class Tables:
    """The tables of one database, for example `glue_catalog.lake_curated`. `small`: up to so many bytes a table is read whole,
    which is quicker than asking where a change lies."""

    def __init__(self, spark: SparkSession, database: str, small: int = SMALL_BYTES) -> None:
        self._spark = spark
        self.database = database
        self._small = small

    def name(self, table: Table) -> str:
        """The table's identifier in SQL."""
        return ".".join(quoted(part) for part in (*self.database.split("."), table.name))

    def read(self, table: Table) -> DataFrame:
        """The table as it is now."""
        return self._spark.table(self.name(table))

    def near(self, table: Table, keys: DataFrame, on: Sequence[str]) -> DataFrame:
        """The table's rows, without many of those that equal none of `keys` in the columns of `on`."""
        bounds = self._bounds(table, keys, on)
        return self.read(table).where(bounds) if bounds else self.read(table)

    def matching(self, table: Table, keys: DataFrame, on: Sequence[str], *, few: bool) -> DataFrame:
        """The table's rows that equal one of `keys` in the columns of `on`. `few`: the keys may be sent to each worker."""
        return self.near(table, keys, on).join(F.broadcast(keys) if few else keys, list(on), "left_semi")

    def _bounds(self, table: Table, keys: DataFrame, on: Sequence[str]) -> str | None:
        """A condition that holds for each of the table's rows that equals one of `keys`; None where it is not worth it.

        It is on the column by which the files are ordered: their statistics tell its range in each.
        """
        if self._summed(table, "total-files-size") <= self._small:
            return None
        column = next((name for name in table.sort if name in on), on[0])
        found = bound(keys, column)
        return found if found == NOWHERE or self._spares(table, found) else None

    def _spares(self, table: Table, bounds: str) -> bool:
        """Whether a condition leaves out so much of the table that it is worth the trouble of testing each row that is read.

        Iceberg tells from the files' statistics; no file is opened.
        """
        converter = self._java("org.apache.spark.sql.execution.datasources.SparkExpressionConverter")
        session = self._spark._jsparkSession
        parsed = converter.collectResolvedSparkExpression(session, self.name(table), bounds)
        iceberg = self.iceberg(table)
        files = iceberg.newScan().filter(converter.convertToIcebergExpression(parsed)).planFiles()
        room = WORTH * self._summed(table, "total-files-size")
        try:
            return all((room := room - task.length()) >= 0 for task in _each(files.iterator()))
        finally:
            files.close()

    def rows(self, table: Table) -> int:
        """How many rows the table has."""
        return self._summed(table, "total-records")

    def _summed(self, table: Table, what: str) -> int:
        now = self.iceberg(table).currentSnapshot()
        return 0 if now is None else int(now.summary().get(what) or 0)

    def exists(self, table: Table) -> bool:
        """Somebody has created the table."""
        return bool(self._spark.catalog.tableExists(self.name(table)))

    def ensure(self, table: Table) -> None:
        """Create the table, or bring it up to its contract. Raises SchemaConflict where that would lose values."""
        if not self.exists(table):
            self._run(create(self.name(table), table))
            return
        schema = self.read(table).schema
        way = evolution(table, held_columns(schema))
        self._run([f"ALTER TABLE {self.name(table)} {statement}" for statement in way.statements])
        if way.rewritten:
            self._run([cast(self.name(table), table, self.read(table).columns, way.rewritten)])
        if way.statements or way.rewritten:
            schema = self.read(table).schema
        comments = {field.name: field.metadata.get("comment") for field in schema}
        iceberg = self.iceberg(table)
        self._run(changes(self.name(table), table, iceberg.properties(), comments, _order(iceberg)))

    def _run(self, statements: Sequence[str]) -> None:
        for text in statements:
            self._spark.sql(text)

    def iceberg(self, table: Table) -> Any:
        """Iceberg's own object of the table, in the JVM: it answers without a query."""
        spark = self._java("org.apache.iceberg.spark.Spark3Util")
        return spark.loadIcebergTable(self._spark._jsparkSession, self.name(table))

    def _java(self, name: str) -> Any:
        """A class of the JVM. By its whole name it is found at once; part by part each is looked for in all jars first."""
        return getattr(self._spark._jvm, name)

    def property_of(self, table: Table, name: str) -> str | None:
        """A property of the table, None where it has none of that name."""
        value: str | None = self.iceberg(table).properties().get(name)
        return value

    def snapshot(self, table: Table) -> str:
        """The id of the current snapshot, `none` where nothing was ever written."""
        return _snapshot(self.iceberg(table))

    def is_empty(self, table: Table) -> bool:
        """Nothing was ever written to the table."""
        return self.snapshot(table) == EMPTY

    def note(self, table: Table, properties: Mapping[str, str]) -> None:
        """Set properties; this makes no snapshot."""
        update = self.iceberg(table).updateProperties()
        for key, value in properties.items():
            update.set(key, value)
        update.commit()

    def drop(self, table: Table) -> None:
        """Remove the table and its files, where it is there."""
        self._spark.sql(f"DROP TABLE IF EXISTS {self.name(table)} PURGE")

    def overwrite(self, table: Table, rows: DataFrame, seen: str) -> None:
        """Put `rows` in place of all rows in one commit; readers see the old ones until then.

        `seen`: the snapshot that the rows were compared with. Raises CommitLost where there is a later one by now.
        """
        writer = rows.writeTo(self.name(table)).option("isolation-level", "serializable")
        if seen != EMPTY:
            writer = writer.option("validate-from-snapshot-id", seen)
        try:
            writer.overwrite(F.lit(True))
        except (PySparkException, Py4JJavaError) as error:
            if not any(name in str(error) for name in LOST_COMMITS):
                raise
            raise CommitLost(
                f"another writer committed to {self.name(table)} while it was made anew; it was left as it is",
                "see which other job writes to this table, then start the task again",
            ) from error

    def merge(self, table: Table, change: Change) -> None:
        """Bring a change into the table in one commit. Raises CommitLost when other writers were faster each time."""
        judged = change.judged
        if judged and self._is_large(table, judged) and self._merge_in_parts(table, change, judged):
            return
        bounds = self._bounds(table, change.rows, change.on)
        for attempt in range(ATTEMPTS):
            try:
                self._run_with(change.rows, lambda rows: statement(self.name(table), rows, change, bounds))
            except (PySparkException, Py4JJavaError) as error:
                if not any(name in str(error) for name in LOST_COMMITS):
                    raise
                time.sleep(random.uniform(0.1, 0.5) * 2**attempt)  # noqa: S311 (jitter, no secret)
            else:
                return
        raise CommitLost(
            f"other writers committed to {self.name(table)} before each of {ATTEMPTS} attempts to merge",
            "see which other job writes to this table, then run again",
        )

    def _is_large(self, table: Table, judged: Judged) -> bool:
        changed = (judged.known + judged.fresh) * ROW_BYTES
        return max(self._summed(table, "total-files-size"), changed) > self._small

    def _merge_in_parts(self, table: Table, change: Change, judged: Judged) -> bool:
        """Change the rows that are known where they lie and append the new ones, on a branch that then becomes the table.

        A MERGE that may insert shuffles and sorts all rows of the files that it touches; this one sorts the new ones alone.
        False, and nothing done, where another writer has committed since the rows were judged (docs/decisions/0047).
        """
        iceberg = self.iceberg(table)
        if _snapshot(iceberg) != judged.seen:
            return False
        branch = f"{BRANCH}{uuid4().hex}"
        # Spark takes no hint for the join of a MERGE, but sends to all workers what it knows to be small: cached rows.
        rows = change.rows.persist()
        try:
            iceberg.manageSnapshots().createBranch(branch).commit()
            self._write_parts(table, replace(change, rows=rows), judged, f"{self.name(table)}.branch_{branch}")
            iceberg.refresh()
            iceberg.manageSnapshots().fastForwardBranch("main", branch).removeBranch(branch).commit()
        except (PySparkException, Py4JJavaError) as error:
            iceberg.refresh()
            if branch in iceberg.refs():
                iceberg.manageSnapshots().removeBranch(branch).commit()
            if not any(name in str(error) for name in LOST_COMMITS):
                raise
            return False
        finally:
            rows.unpersist()
        return True

    def _write_parts(self, table: Table, change: Change, judged: Judged, target: str) -> None:
        known = change.rows.where(f"NOT ({judged.new})")
        if judged.known and known.count():
            bounds = self._bounds(table, known, change.on)
            self._run_with(known, lambda name: statement(target, name, change, bounds, insert=False))
        if judged.fresh and change.inserted:
            values = [f"{value} AS {quoted(name)}" for name, value in change.inserted.items()]
            change.rows.where(judged.new).alias("s").selectExpr(*values).writeTo(target).append()

    def _run_with(self, rows: DataFrame, text: Callable[[str], str]) -> None:
        """Run a statement that names these rows."""
        name = f"change_{uuid4().hex}"
        rows.createOrReplaceTempView(name)
        try:
            self._spark.sql(text(name))
        finally:
            self._spark.catalog.dropTempView(name)


def _snapshot(iceberg: Any) -> str:
    now = iceberg.currentSnapshot()
    return EMPTY if now is None else str(now.snapshotId())


def _order(iceberg: Any) -> list[str]:
    """The columns by which the table's files are ordered."""
    schema = iceberg.schema()
    return [schema.findColumnName(field.sourceId()) for field in _each(iceberg.sortOrder().fields().iterator())]


def _each(iterator: Any) -> Iterator[Any]:
    """What a Java iterator gives. It is not run to its end, which is an exception of which PySpark asks a dozen questions."""
    while iterator.hasNext():
        yield iterator.next()


def held_columns(schema: StructType) -> tuple[Column, ...]:
    """The columns that a table has."""
    return tuple(
        Column(field.name, field.dataType.simpleString(), field.metadata.get("comment", ""), _members(field.dataType))
        for field in schema
    )


def _members(kind: DataType) -> tuple[Column, ...]:
    items = kind.elementType if isinstance(kind, ArrayType) else None
    return held_columns(items) if isinstance(items, StructType) else ()
