"""Is the lake what the sources are? Compares the simulators' databases with the curated tables, row by row.

Stands alone: it knows the sources' columns and the curated names by tables of its own (`truth_tables`) and imports nothing from
the lake, so that a mistake there cannot hide itself here. It finds a row that was lost, doubled or altered, a deletion that
was missed, a quarantined document without a reason and a broken one without quarantine.

    python -m tests.e2e.truth --sim-dir DIR --warehouse s3://bucket/ [--database lake_curated] [--jars A,B] [--conf K=V]
"""

import argparse
import json
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.truth_tables import ENTITIES, Document, Entity, Table, Values

type Key = tuple[str, ...]


class Lake(Protocol):
    """The curated tables. Values are text: decimals plain, dates ISO, true or false, instants in microseconds."""

    def types(self, table: str) -> Mapping[str, str]:
        """Column to type; empty where there is no such table."""

    def rows(self, table: str, columns: Mapping[str, str]) -> Iterable[Values]:
        """Each row's values of `columns` (name to type), in their order."""


def differences(sim_dir: Path, lake: Lake, *, swept: bool = True, entities: tuple[Entity, ...] = ENTITIES) -> list[str]:
    """What is wrong, one line each; empty where the lake is what the sources are.

    `swept`: a key sweep has ended since the last hard deletion, so that the lake must know of it.
    """
    found: list[str] = []
    for source in dict.fromkeys(entity.source for entity in entities):
        path = sim_dir / f"{source}.sqlite"
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: give the folder that the simulators were started with")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            for entity in entities:
                if entity.source == source:
                    found.extend(_Comparison(database, lake, entity, swept).run())
        finally:
            database.close()
    return found


class _Comparison:
    """One entity: its documents at the source, and what the lake holds."""

    def __init__(self, database: sqlite3.Connection, lake: Lake, entity: Entity, swept: bool) -> None:
        self.lake = lake
        self.entity = entity
        self.swept = swept
        now = database.execute("SELECT value FROM _meta WHERE name = 'now'").fetchone()[0]
        self.source = {table.entity: _live(database, table, now) for table in entity.tables}
        self.former = _former(database, entity)
        self.gone = _gone(database, entity)
        self.live = {_source_key(entity, row) for row in self.source[entity.parent.entity]}
        self.broken = {key for key, document in _documents(entity, self.source).items() if entity.broken(document)}

    def run(self) -> Iterator[str]:
        held: dict[str, dict[Key, Values]] = {}
        for table in self.entity.tables:
            problems, rows = self._read(table)
            yield from problems
            held[table.entity] = rows
            yield from self._compare(table, rows)
        yield from self._held_back(held)
        yield from self._quarantine()
        if self.entity.swept and self.swept:
            yield from self._deletions()

    def _read(self, table: Table) -> tuple[list[str], dict[Key, Values]]:
        """The lake's rows by key, and what is wrong with the table as such: columns, types, keys that occur twice."""
        types = self.lake.types(table.name)
        if not types:
            return [f"{table.name}: there is no such table"], {}
        problems = [
            f"{table.name}.{name} is of type {types.get(name, 'missing')}, not {kind}"
            for _, name, kind in table.columns
            if types.get(name) != kind
        ]
        if problems:
            return problems, {}
        rows = list(self.lake.rows(table.name, {name: kind for _, name, kind in table.columns}))
        counts = Counter(_key(table, row) for row in rows)
        problems = [f"{table.name} {_shown(key)} is there {count} times" for key, count in counts.items() if count > 1]
        return problems, {_key(table, row): row for row in rows}

    def _compare(self, table: Table, held: Mapping[Key, Values]) -> Iterator[str]:
        """Documents that the source serves and that break no rule are in the lake as they are; nothing else is."""
        expected = {}
        for row in self.source[table.entity]:
            values = table.values(row)
            if self._document(values) not in self.broken:
                expected[_key(table, values)] = values
        for key, values in expected.items():
            if key not in held:
                yield f"{table.name} {_shown(key)} is missing"
            elif held[key] != values:
                yield from _altered(table, key, held[key], values)
        for key in held.keys() - expected.keys():
            if self._document(key) not in self.broken and not self._may_linger(self._document(key)):
                yield f"{table.name} {_shown(key)} is there, but not at the source"

    def _document(self, values: Values) -> Key:
        """The key of the document that a row belongs to."""
        return tuple(str(value) for value in values[: self.entity.parent.key_size])

    def _key_columns(self) -> dict[str, str]:
        parent = self.entity.parent
        return {name: "string" for _, name, _ in parent.columns[: parent.key_size]}

    def _may_linger(self, key: Key) -> bool:
        """A hard-deleted row stays in the lake where nothing tells of it, or until the next sweep does."""
        return key in self.gone and key not in self.live and not (self.entity.swept and self.swept)

    def _held_back(self, held: Mapping[str, Mapping[Key, Values]]) -> Iterator[str]:
        """Of a document that is broken now the lake holds nothing, or a version that was good."""
        rows: dict[Key, list[tuple[str, Values]]] = defaultdict(list)
        for entity, table in held.items():
            for key, values in table.items():
                if self._document(key) in self.broken:
                    rows[self._document(key)].append((entity, values))
        for key, present in rows.items():
            good = [document for document in self.former.get(key, []) if not self.entity.broken(document)]
            if sorted(map(repr, present)) not in [self._as_rows(document) for document in good]:
                yield f"{self.entity.parent.name} {_shown(key)} is broken and was never as the lake has it"

    def _as_rows(self, document: Document) -> list[str]:
        return sorted(repr((t.entity, t.values(row))) for t in self.entity.tables for row in document[t.entity])

    def _quarantine(self) -> Iterator[str]:
        """What is broken now lies in quarantine; what lies there is or was broken."""
        name = f"{self.entity.parent.name}_quarantine"
        if not self.lake.types(name):
            if self.broken:
                yield f"{name}: there is no such table, and {len(self.broken)} documents are broken"
            return
        kept = {tuple(str(part) for part in row) for row in self.lake.rows(name, self._key_columns())}
        for missing in sorted(self.broken - kept):
            yield f"{name} {_shown(missing)} is missing: it is broken at the source"
        for extra in sorted(kept - self.broken):
            if not any(self.entity.broken(document) for document in self.former.get(extra, [])):
                yield f"{name} {_shown(extra)} is there, but was never broken"

    def _deletions(self) -> Iterator[str]:
        """Every key that was there at the start and is gone for good is named among the deleted."""
        name = f"{self.entity.parent.name}_deleted"
        wanted = {key for key, initial in self.gone.items() if initial} - self.live - self._never_held()
        types = self.lake.types(name)
        known = set()
        if types:
            known = {tuple(str(part) for part in row) for row in self.lake.rows(name, self._key_columns())}
        for missing in sorted(wanted - known):
            yield f"{name} {_shown(missing)} is missing: the source has deleted it"
        for extra in sorted(known - self.gone.keys()):
            yield f"{name} {_shown(extra)} is there, but the source has never deleted it"

    def _never_held(self) -> set[Key]:
        """Keys whose every version was broken: a sweep has nothing of theirs to end."""
        gone = self.gone.keys()
        return {key for key in gone if all(self.entity.broken(document) for document in self.former.get(key, []))}


def _live(database: sqlite3.Connection, table: Table, now: str) -> list[dict[str, Any]]:
    statement = f"SELECT * FROM {table.set_name} WHERE _visible_at <= ? AND {table.where}"  # noqa: S608  all of it is ours
    cursor = database.execute(statement, (now,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _documents(entity: Entity, source: Mapping[str, list[dict[str, Any]]]) -> dict[Key, dict[str, list[Any]]]:
    documents: dict[Key, dict[str, list[Any]]] = {}
    for table in entity.tables:
        for row in source[table.entity]:
            empty: dict[str, list[Any]] = {each.entity: [] for each in entity.tables}
            documents.setdefault(_source_key(entity, row), empty)[table.entity].append(row)
    return documents


def _source_key(entity: Entity, row: Mapping[str, Any]) -> Key:
    """The key of the document that a source's row belongs to."""
    return tuple(str(row[source]) for source, _, _ in entity.parent.columns[: entity.parent.key_size])


def _former(database: sqlite3.Connection, entity: Entity) -> dict[Key, list[Document]]:
    """Earlier versions of documents that were changed."""
    versions: dict[Key, list[Document]] = defaultdict(list)
    statement = "SELECT key, document FROM _former WHERE entity = ? ORDER BY seq"
    for key, text in database.execute(statement, (entity.parent.entity,)):
        document = json.loads(text)
        document[entity.parent.entity] = [document[entity.parent.entity]]
        versions[tuple(json.loads(key))].append(document)
    return versions


def _gone(database: sqlite3.Connection, entity: Entity) -> dict[Key, bool]:
    """Hard-deleted keys, and whether they were there from the start."""
    statement = "SELECT key, initial FROM _deleted WHERE entity = ?"
    rows = database.execute(statement, (entity.parent.entity,))
    return {tuple(json.loads(key)): bool(initial) for key, initial in rows}


def _key(table: Table, values: Values) -> Key:
    return tuple(str(value) for value in values[: table.key_size])


def _altered(table: Table, key: Key, held: Values, expected: Values) -> Iterator[str]:
    for (_, name, _), has, should in zip(table.columns, held, expected, strict=True):
        if has != should:
            yield f"{table.name} {_shown(key)}: {name} is {has!r}, the source has {should!r}"


def _shown(key: Key) -> str:
    return "/".join(key)


@dataclass(frozen=True)
class SparkLake:
    """The curated tables through Spark."""

    spark: Any
    database: str

    def types(self, table: str) -> Mapping[str, str]:
        """Column to Spark's name of its type; empty where there is no such table."""
        name = f"glue_catalog.{self.database}.{table}"
        if not self.spark.catalog.tableExists(name):
            return {}
        return {field.name: field.dataType.simpleString() for field in self.spark.table(name).schema.fields}

    def rows(self, table: str, columns: Mapping[str, str]) -> Iterable[Values]:
        """Each row as text: no value passes through Python's own types or the session's time zone."""
        texts = (
            f"CAST({f'unix_micros({name})' if kind == 'timestamp' else name} AS STRING) AS {name}"
            for name, kind in columns.items()
        )
        chosen = self.spark.table(f"glue_catalog.{self.database}.{table}").selectExpr(*texts)
        return [tuple(row) for row in chosen.collect()]


def compare(
    sim_dir: Path | str,
    spark: Any,
    database: str = "lake_curated",
    *,
    swept: bool = True,
    entities: tuple[Entity, ...] = ENTITIES,
) -> list[str]:
    """Differences between the simulators' databases in `sim_dir` and the curated tables that `spark` reaches."""
    return differences(Path(sim_dir), SparkLake(spark, database), swept=swept, entities=entities)


def _session(options: argparse.Namespace) -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415  the comparison itself needs no Spark

    catalog = "spark.sql.catalog.glue_catalog"
    settings = {catalog: "org.apache.iceberg.spark.SparkCatalog", f"{catalog}.warehouse": options.warehouse}
    if options.warehouse.startswith("s3://"):
        settings[f"{catalog}.catalog-impl"] = "org.apache.iceberg.aws.glue.GlueCatalog"
        settings[f"{catalog}.io-impl"] = "org.apache.iceberg.aws.s3.S3FileIO"
        settings[f"{catalog}.s3.path-style-access"] = "true"
    else:
        settings[f"{catalog}.type"] = "hadoop"
    if options.jars:
        settings["spark.jars"] = options.jars
    builder = SparkSession.builder.master("local[2]").appName("truth")
    for name, value in (settings | dict(pair.split("=", 1) for pair in options.conf)).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def main() -> int:
    """0 where the lake is what the sources are, else 1 with what is not."""
    parser = argparse.ArgumentParser(description="Compare the curated tables with the simulators' databases.")
    parser.add_argument("--sim-dir", type=Path, required=True, help="folder of crm.sqlite and erp.sqlite")
    parser.add_argument("--warehouse", required=True, help="s3://... (Glue catalog) or a local folder")
    parser.add_argument("--database", default="lake_curated")
    parser.add_argument("--jars", help="comma-separated: the Iceberg runtime, for S3 its AWS bundle too")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="more Spark settings")
    parser.add_argument("--unswept", action="store_true", help="no key sweep since the last hard deletion")
    options = parser.parse_args()
    spark = _session(options)
    try:
        found = compare(options.sim_dir, spark, options.database, swept=not options.unswept)
    finally:
        spark.stop()
    for line in found:
        print(line)
    print(f"{len(found)} differences" if found else "the lake is what the sources are")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
