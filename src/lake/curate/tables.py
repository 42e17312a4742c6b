"""The curated tables as Spark writes them: creation, properties, merges that survive a lost commit."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, StructType

from lake.curate.bounds import bound
from lake.curate.columns import quoted
from lake.curate.errors import CommitLost
from lake.curate.evolution import evolution
from lake.curate.keeping import cast, changes, create
from lake.curate.layout import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from lake.curate.layout import Table

THROUGH = "lake.curated_through"
LAST_SWEEP = "lake.last_sweep"
EMPTY = "none"
ATTEMPTS = 5
SMALL_BYTES = 64 * 1024 * 1024
LOST_COMMITS = ("ValidationException", "CommitFailedException")


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

    def _bounds(self, table: Table, keys: DataFrame, on: Sequence[str], target: str = "") -> str | None:
        """A condition that holds for each of the table's rows that equals one of `keys`; None where it is not worth it.

        It is on the column by which the files are ordered: their statistics tell its range in each.
        """
        now = self.iceberg(table).currentSnapshot()
        if now is None or int(now.summary().get("total-files-size") or 0) <= self._small:
            return None
        column = next((name for name in table.sort if name in on), on[0])
        return bound(keys, column, f"{target}{quoted(column)}")

    def exists(self, table: Table) -> bool:
        """Somebody has created the table."""
        return bool(self._spark.catalog.tableExists(self.name(table)))

    def ensure(self, table: Table) -> None:
        """Create the table, or bring it up to its contract. Raises SchemaConflict where that would lose values."""
        try:
            schema = self.read(table).schema
        except AnalysisException as error:
            if error.getCondition() != "TABLE_OR_VIEW_NOT_FOUND":
                raise
            self._run(create(self.name(table), table))
            return
        way = evolution(table, held_columns(schema))
        self._run([f"ALTER TABLE {self.name(table)} {statement}" for statement in way.statements])
        if way.rewritten:
            self._run([cast(self.name(table), table, self.read(table).columns, way.rewritten)])
        if way.statements or way.rewritten:
            schema = self.read(table).schema
        comments = {field.name: field.metadata.get("comment") for field in schema}
        iceberg = self.iceberg(table)
        self._run(changes(self.name(table), table, dict(iceberg.properties()), comments, _order(iceberg)))

    def _run(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._spark.sql(statement)

    def iceberg(self, table: Table) -> Any:
        """Iceberg's own object of the table, in the JVM: it answers without a query."""
        jvm: Any = self._spark._jvm
        session = self._spark._jsparkSession
        return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(session, self.name(table))

    def properties(self, table: Table) -> dict[str, str]:
        """The table's properties, Iceberg's `current-snapshot-id` among them."""
        iceberg = self.iceberg(table)
        now = iceberg.currentSnapshot()
        return {**iceberg.properties(), "current-snapshot-id": EMPTY if now is None else str(now.snapshotId())}

    def snapshot(self, table: Table) -> str:
        """The id of the current snapshot, `none` where nothing was ever written."""
        return self.properties(table).get("current-snapshot-id", EMPTY)

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

    def merge(self, table: Table, source: DataFrame, on: Sequence[str], actions: Callable[[Any], Any]) -> None:
        """Merge `source` (alias s) into the table (its own name), by the columns of `on`.

        `actions` adds the branches to Spark's MergeIntoWriter. Iceberg doesn't repeat a merge whose files another writer
        has changed meanwhile: it is run again here, which the branches' conditions must allow. Raises CommitLost when
        others were faster each time.
        """
        equal = [f"{quoted(table.name)}.{quoted(name)} = s.{quoted(name)}" for name in on]
        bounds = self._bounds(table, source, on, f"{quoted(table.name)}.")
        condition = " AND ".join([*equal, bounds] if bounds else equal)
        writer = actions(source.alias("s").mergeInto(self.name(table), F.expr(condition)))
        for attempt in range(ATTEMPTS):
            try:
                writer.merge()
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


def _order(iceberg: Any) -> list[str]:
    """The columns by which the table's files are ordered."""
    schema = iceberg.schema()
    return [schema.findColumnName(field.sourceId()) for field in iceberg.sortOrder().fields()]


def held_columns(schema: StructType) -> tuple[Column, ...]:
    """The columns that a table has."""
    return tuple(
        Column(field.name, field.dataType.simpleString(), field.metadata.get("comment", ""), _members(field.dataType))
        for field in schema
    )


def _members(kind: DataType) -> tuple[Column, ...]:
    items = kind.elementType if isinstance(kind, ArrayType) else None
    return held_columns(items) if isinstance(items, StructType) else ()
