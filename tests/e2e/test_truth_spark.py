"""The comparison reads real Iceberg tables: no value is lost or bent on its way out of Spark."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.simulators.changes import Moment, change
from local.simulators.generate import open_store
from local.simulators.schema import SALES_ORDER
from local.spark import session
from tests.e2e import truth
from tests.e2e.truth_tables import ENTITIES, Entity, Table

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
ORDER = "0000000003"
SOME = tuple(
    entity for entity in ENTITIES if entity.parent.name in ("crm_account", "erp_sales_order", "erp_receivable_item")
)
"""Every type, and keys of one part and of several: writing all tables would take a minute."""

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = session(tmp_path_factory.mktemp("warehouse"), ROOT / ".lake")
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def sim_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sources")
    for source in ("crm", "erp"):
        open_store(source, directory, 7, "S", NOW).close()
    return directory


@pytest.fixture(scope="module")
def curated(spark: Any, sim_dir: Path) -> str:
    """A database that holds what the sources have, without what breaks a rule."""
    spark.sql("CREATE NAMESPACE glue_catalog.truth")
    for entity in SOME:
        broken = _broken(sim_dir, entity)
        size = entity.parent.key_size
        for table in entity.tables:
            rows = [row for row in _rows(sim_dir, entity.source, table) if _key(row, size) not in broken]
            _write(spark, table.name, ", ".join(f"{name} {kind}" for _, name, kind in table.columns), rows)
        key = ", ".join(f"{name} string" for _, name, _ in entity.parent.columns[:size])
        kept = [tuple(each.split("/", size - 1)) for each in sorted(broken)]
        _write(spark, f"{entity.parent.name}_quarantine", key, kept)
        _write(spark, f"{entity.parent.name}_deleted", f"{key}, deleted_at timestamp", [])
    return "truth"


def test_faithful_tables_have_no_differences(spark: Any, sim_dir: Path, curated: str) -> None:
    assert truth.compare(sim_dir, spark, curated, entities=SOME) == []


def test_a_microsecond_and_a_thousandth_are_found(spark: Any, sim_dir: Path, curated: str) -> None:
    store = open_store("erp", sim_dir, 7, "S", NOW)
    before = store.get(SALES_ORDER, (ORDER,))
    assert before is not None
    stamp = f"{str(before['LastChangeDateTime'])[:19]}.0000019Z"
    total = f"{Decimal(str(before['TotalNetAmount'])) + Decimal('0.001'):f}"
    change(store, SALES_ORDER, (ORDER,), {"TotalNetAmount": total}, Moment(stamp))
    store.close()

    found = truth.compare(sim_dir, spark, curated, entities=SOME)

    assert [line.partition(" is ")[0] for line in found] == [
        f"erp_sales_order {ORDER}: total_net_amount",
        f"erp_sales_order {ORDER}: last_change_date_time",
    ]
    assert found[1].endswith("000001'")


def test_a_missing_table_is_named(spark: Any, sim_dir: Path, curated: str) -> None:
    found = truth.compare(sim_dir, spark, "nowhere", entities=SOME)

    assert "crm_account: there is no such table" in found


def _broken(sim_dir: Path, entity: Entity) -> set[str]:
    database = sqlite3.connect(sim_dir / f"{entity.source}.sqlite")
    rows = database.execute(
        "SELECT key FROM _truth WHERE subject = 'quarantine' AND rule LIKE ?", (f"{entity.parent.entity}:%",)
    ).fetchall()
    database.close()
    return {str(row[0]) for row in rows}


def _key(row: tuple[Any, ...], size: int) -> str:
    return "/".join(map(str, row[:size]))


def _rows(sim_dir: Path, source: str, table: Table) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(sim_dir / f"{source}.sqlite")
    names = ", ".join(column for column, _, _ in table.columns)
    rows = database.execute(f"SELECT {names} FROM {table.set_name} WHERE {table.where}").fetchall()  # noqa: S608  names of the table
    database.close()
    kinds = [kind for _, _, kind in table.columns]
    return [tuple(_python(kind, value) for kind, value in zip(kinds, row, strict=True)) for row in rows]


def _python(kind: str, value: Any) -> Any:
    if value is None or kind == "string":
        return value
    if kind == "boolean":
        return bool(value)
    if kind == "date":
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if kind == "timestamp" else Decimal(value)


def _write(spark: Any, table: str, schema: str, rows: list[tuple[Any, ...]]) -> None:
    spark.createDataFrame(rows, schema).writeTo(f"glue_catalog.truth.{table}").using("iceberg").create()
