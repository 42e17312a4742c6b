"""Loads of items of sales orders, made by DuckDB: what curating merges, the same rows clean, and what they add up to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

PART_ROWS = 500_000
NEW = 10
"""Of so many changed rows one is new."""
OLDER, BAD = 20, 200
"""For each so many changed rows the load holds one version more: an older one, and a newer one that breaks a rule."""
ITEMS = 4
"""Of each order."""

RAW = """
SELECT lpad((i // {items})::VARCHAR, 10, '0') AS "SalesOrder",
  lpad((10 * (i % {items} + 1))::VARCHAR, 6, '0') AS "SalesOrderItem",
  strftime(seen - INTERVAL 10 SECOND, '%Y-%m-%dT%H:%M:%S.%f') || '0Z' AS "LastChangeDateTime",
  DATE '2024-01-01' + (i % 900)::INT AS "CreationDate",
  'M-' || (hash(i) % 5000)::VARCHAR AS "Material",
  'Pump, cast iron, DN ' || (hash(i) % 60)::VARCHAR AS "ItemText",
  '10' || (10 + i % 7)::VARCHAR AS "Plant",
  (quantity / 1000)::DECIMAL(15, 3) AS "RequestedQuantity",
  'PC' AS "RequestedQuantityUnit",
  (net / 1000)::DECIMAL(16, 3) AS "NetAmount",
  'EUR' AS "TransactionCurrency",
  DATE '2024-01-01' + (i % 900 + hash(i, net) % 60)::INT AS "RequestedDeliveryDate",
  CASE WHEN hash(i) % 50 = 0 THEN '05' ELSE '' END AS "SalesDocumentRjcnReason",
  net % 2 = 0 AS "Delivered",
  row_number() OVER () - 1 AS _row,
  seen AS _observed_at,
  "LastChangeDateTime" AS _cursor,
  NULL::VARCHAR AS _unfit,
  NULL::VARCHAR AS _unmapped
FROM versions
"""
CLEAN = """
SELECT "SalesOrder" AS sales_order, "SalesOrderItem" AS sales_order_item,
  left("LastChangeDateTime", 26)::TIMESTAMP AT TIME ZONE 'UTC' AS last_change_date_time,
  "CreationDate" AS creation_date, "Material" AS material, "ItemText" AS item_text, "Plant" AS plant,
  "RequestedQuantity" AS requested_quantity, "RequestedQuantityUnit" AS requested_quantity_unit,
  "NetAmount" AS net_amount, "TransactionCurrency" AS transaction_currency,
  "RequestedDeliveryDate" AS requested_delivery_date, "SalesDocumentRjcnReason" AS sales_document_rjcn_reason,
  "Delivered" AS delivered,
  {number}::BIGINT AS _load, _row, _observed_at, _cursor, md5(concat_ws('|', "SalesOrder", "NetAmount", _cursor)) AS _content
FROM ({raw} WHERE age = 0)
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a table holds: rows, and the sums of two columns."""

    rows: int
    quantity: Decimal
    net_amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """A file of raw rows."""

    path: Path
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Change:
    """A load: its raw parts, its newest good version of each key as one file (with what the lake notes of each row), and the
    totals of a table that has it."""

    number: int
    parts: tuple[Part, ...]
    clean: Path
    changed: int
    totals: Totals

    @property
    def landed(self) -> int:
        """Versions in its parts."""
        return sum(part.rows for part in self.parts)


@dataclass
class Book:
    """The items that there are: `size` at first. Each load is a function of size, number and what was asked for."""

    folder: Path
    size: int
    number: int = 0
    items: int = 0
    _duckdb: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._duckdb.execute("SET TimeZone = 'UTC'")
        self._duckdb.execute("CREATE TABLE book (i BIGINT, quantity BIGINT, net BIGINT)")

    def first(self) -> Change:
        """All items, each once."""
        self.items = self.size
        return self._load(f"SELECT range AS i FROM range({self.size})", extra=False)

    def change(self, rows: int, *, recent: bool) -> Change:
        """New versions of so many keys, new ones among them.

        `recent`: of the newest twice as many keys; else of keys from the whole table, one in each stretch of it.
        """
        new = rows // NEW
        known = rows - new
        step = 2 if recent else self.items // known
        start = self.items - known * step + self.number % step
        self.items += new
        keys = f"SELECT {start} + range * {step} AS i FROM range({known})"
        return self._load(f"{keys} UNION ALL SELECT {self.items - new} + range FROM range({new})", extra=True)

    def close(self) -> None:
        """Forget the items."""
        self._duckdb.close()

    def _load(self, keys: str, *, extra: bool) -> Change:
        self.number += 1
        run = self._duckdb.execute
        run(f"CREATE OR REPLACE TEMP TABLE chosen AS {keys}")
        ages = (
            f"(hash(i, {self.number}) % {OLDER} = 0 AND age = 1) OR (hash(i, {self.number}) % {BAD} = 1 AND age = -1)"
        )
        run(f"""CREATE OR REPLACE TEMP TABLE versions AS
            SELECT i, age, IF(age = -1, -1000, 1000 * (1 + hash(i, {self.number}, age) % 9)::BIGINT) AS quantity,
              (hash(i, {self.number}, age, 'net') % 10000000)::BIGINT AS net,
              TIMESTAMPTZ '2026-11-01 00:00:00Z' + INTERVAL {self.number} HOUR + INTERVAL (i % 1000) MILLISECOND
                - INTERVAL (age) MINUTE AS seen
            FROM chosen, (VALUES (-1), (0), (1)) AS ages(age)
            WHERE age = 0 OR ({extra} AND ({ages}))
            ORDER BY hash(i, {self.number})""")
        run("DELETE FROM book WHERE i IN (SELECT i FROM chosen)")
        run("INSERT INTO book SELECT i, quantity, net FROM versions WHERE age = 0")
        clean = self.folder / f"{self.number}.parquet"
        raw = RAW.format(items=ITEMS)
        self._copy(CLEAN.format(raw=raw, number=self.number), clean)
        parts = tuple(self._parts(raw))
        return Change(self.number, parts, clean, self._count("chosen"), self._totals())

    def _parts(self, raw: str) -> list[Part]:
        total = self._count("versions")
        self._duckdb.execute(f"CREATE OR REPLACE TEMP TABLE raw AS {raw}")
        found = []
        for first in range(0, total, PART_ROWS):
            path = self.folder / f"{self.number}-{first}.raw.parquet"
            rows = min(PART_ROWS, total - first)
            self._copy(f"SELECT * FROM raw WHERE _row >= {first} AND _row < {first + rows}", path)
            found.append(Part(path, rows, hashlib.sha256(path.read_bytes()).hexdigest()))
        return found

    def _copy(self, query: str, path: Path) -> None:
        self._duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)")

    def _count(self, table: str) -> int:
        [(count,)] = self._duckdb.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(count)

    def _totals(self) -> Totals:
        [row] = self._duckdb.execute(
            "SELECT count(*), (sum(quantity) / 1000)::DECIMAL(38, 3), (sum(net) / 1000)::DECIMAL(38, 3) FROM book"
        ).fetchall()
        return Totals(*row)
