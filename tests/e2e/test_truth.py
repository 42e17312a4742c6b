"""The comparison with the sources finds what is planted in a lake."""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from local.simulators import fields as sets
from local.simulators.changes import Moment, change, delete
from local.simulators.generate import open_store
from local.simulators.schema import ACCOUNT, SALES_ORDER, SALES_ORDER_ITEM, SOURCES
from local.simulators.store import Store
from tests.e2e import truth, truth_tables
from tests.e2e.truth_tables import ENTITIES, Entity

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
TYPES = {"boolean": "boolean", "date": "date", "instant": "timestamp", "instant7": "timestamp"}
BAD_ORDER = "0000000142"
GOOD_ORDER = "0000000003"


@dataclass
class MemoryLake:
    """Curated tables in memory, by name: their column types, and rows as dictionaries of text."""

    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)

    def types(self, table: str) -> Mapping[str, str]:
        return self.columns.get(table, {})

    def rows(self, table: str, columns: Mapping[str, str]) -> Iterable[tuple[str | None, ...]]:
        return [tuple(row[name] for name in columns) for row in self.tables[table]]

    def of(self, table: str, **key: str) -> dict[str, str | None]:
        """The row with these values."""
        return next(row for row in self.tables[table] if key.items() <= row.items())


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sources as they are made; tests get copies."""
    directory = tmp_path_factory.mktemp("worlds")
    for source in ("crm", "erp"):
        open_store(source, directory, 7, "S", NOW).close()
    return directory


@pytest.fixture(scope="module")
def faithful(worlds: Path) -> MemoryLake:
    """A lake that is what the sources are; tests get copies."""
    lake = MemoryLake()
    for source in ("crm", "erp"):
        for published in SOURCES[source]:
            _load(lake, worlds, source, published)
    for entity in ENTITIES:
        _quarantine(lake, worlds, entity)
    lake.columns["erp_sales_order_deleted"] = {"sales_order": "string", "deleted_at": "timestamp"}
    lake.tables["erp_sales_order_deleted"] = []
    return lake


@pytest.fixture
def stores(worlds: Path, tmp_path: Path) -> dict[str, Store]:
    return {source: Store(Path(shutil.copy(worlds / f"{source}.sqlite", tmp_path))) for source in ("crm", "erp")}


@pytest.fixture
def lake(faithful: MemoryLake) -> MemoryLake:
    tables = {name: [dict(row) for row in rows] for name, rows in faithful.tables.items()}
    return MemoryLake({name: dict(columns) for name, columns in faithful.columns.items()}, tables)


def test_a_faithful_lake_has_no_differences(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    assert truth.differences(tmp_path, lake) == []
    assert BAD_ORDER in {row["sales_order"] for row in lake.tables["erp_sales_order_quarantine"]}


def test_a_lost_row_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    lake.tables["erp_sales_order"].remove(lake.of("erp_sales_order", sales_order=GOOD_ORDER))

    assert truth.differences(tmp_path, lake) == [f"erp_sales_order {GOOD_ORDER} is missing"]


def test_a_lost_child_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    lost = lake.tables["erp_business_partner_tax"].pop()

    found = truth.differences(tmp_path, lake)
    assert found == [f"erp_business_partner_tax {lost['business_partner']}/{lost['bp_tax_type']} is missing"]


def test_a_doubled_row_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    account = lake.tables["crm_account"][5]
    lake.tables["crm_account"].append(dict(account))

    assert truth.differences(tmp_path, lake) == [f"crm_account {account['id']} is there 2 times"]


@pytest.mark.parametrize(
    ("table", "column", "off"),
    [
        ("erp_sales_order_item", "net_amount", "0.001"),
        ("erp_sales_order", "last_change_date_time", "1"),
        ("crm_account", "system_modstamp", "1"),
    ],
)
def test_a_value_that_is_off_by_its_last_digit_is_found(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake, table: str, column: str, off: str
) -> None:
    row = lake.tables[table][0]
    right = str(row[column])
    row[column] = f"{Decimal(right) + Decimal(off):f}"

    (found,) = truth.differences(tmp_path, lake)
    assert f"{column} is {row[column]!r}, the source has {right!r}" in found


def test_text_that_lost_a_character_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    odd = next(row for row in lake.tables["erp_sales_order"] if "\x00" in str(row["external_document_id"]))
    odd["external_document_id"] = str(odd["external_document_id"]).replace("\x00", "")

    (found,) = truth.differences(tmp_path, lake)
    assert "external_document_id" in found


def test_a_row_that_the_source_does_not_serve_yet_must_not_be_in_the_lake(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    stores["erp"].update(SALES_ORDER, (GOOD_ORDER,), {"_visible_at": "2026-11-16T06:00:01Z"})

    assert truth.differences(tmp_path, lake) == [f"erp_sales_order {GOOD_ORDER} is there, but not at the source"]


def test_a_column_of_another_type_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    lake.columns["erp_sales_order"]["total_net_amount"] = "double"

    found = truth.differences(tmp_path, lake)
    assert found[0] == "erp_sales_order.total_net_amount is of type double, not decimal(16,3)"


def test_a_hard_deletion_that_the_lake_missed_is_found(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    delete(stores["erp"], SALES_ORDER, [(GOOD_ORDER,)], Moment(), hard=True)

    found = truth.differences(tmp_path, lake)
    assert f"erp_sales_order {GOOD_ORDER} is there, but not at the source" in found
    assert f"erp_sales_order_deleted {GOOD_ORDER} is missing: the source has deleted it" in found
    assert truth.differences(tmp_path, lake, swept=False) == []


def test_a_deletion_that_never_happened_is_found(tmp_path: Path, stores: dict[str, Store], lake: MemoryLake) -> None:
    lake.tables["erp_sales_order_deleted"].append({"sales_order": GOOD_ORDER})

    (found,) = truth.differences(tmp_path, lake)
    assert found == f"erp_sales_order_deleted {GOOD_ORDER} is there, but the source has never deleted it"


def test_a_soft_deletion_that_the_lake_missed_is_found(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    account = str(lake.tables["crm_account"][0]["id"])
    delete(stores["crm"], ACCOUNT, [(account,)], Moment("none"), hard=False)

    (found,) = truth.differences(tmp_path, lake)
    assert found == f"crm_account {account}: is_deleted is 'false', the source has 'true'"


def test_a_broken_document_must_lie_in_quarantine_and_nowhere_else(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    lake.tables["erp_sales_order_quarantine"] = []
    _load(lake, tmp_path, "erp", SALES_ORDER)

    found = truth.differences(tmp_path, lake)
    assert f"erp_sales_order_quarantine {BAD_ORDER} is missing: it is broken at the source" in found
    assert f"erp_sales_order {BAD_ORDER} is broken and was never as the lake has it" in found


def test_a_quarantined_document_without_a_reason_is_found(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    lake.tables["erp_sales_order_quarantine"].append({"sales_order": GOOD_ORDER})

    (found,) = truth.differences(tmp_path, lake)
    assert found == f"erp_sales_order_quarantine {GOOD_ORDER} is there, but was never broken"


def test_the_good_version_of_a_document_that_broke_later_may_stay(
    tmp_path: Path, stores: dict[str, Store], lake: MemoryLake
) -> None:
    item = (GOOD_ORDER, "000010")
    change(stores["erp"], SALES_ORDER_ITEM, item, {"RequestedQuantity": "-1.000"}, Moment("2026-11-16T05:59:59Z"))
    lake.tables["erp_sales_order_quarantine"].append({"sales_order": GOOD_ORDER})

    assert truth.differences(tmp_path, lake) == []
    lake.of("erp_sales_order", sales_order=GOOD_ORDER)["sold_to_party"] = "0000000000"
    assert truth.differences(tmp_path, lake) == [
        f"erp_sales_order {GOOD_ORDER} is broken and was never as the lake has it"
    ]


def test_a_missing_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"crm\.sqlite is missing"):
        truth.differences(tmp_path, MemoryLake())


def test_the_comparison_imports_nothing_of_what_it_judges() -> None:
    text = Path(truth.__file__).read_text() + Path(truth_tables.__file__).read_text()

    banned = ("import lake", "from lake", "import local", "from local")
    assert not [line for line in text.splitlines() if line.lstrip().startswith(banned)]


def _load(lake: MemoryLake, worlds: Path, source: str, entity: sets.Entity) -> None:
    """Put a source's rows into the lake as curate would, with conversions of its own."""
    name = entity.name.replace(".", "_")
    table = next(t for e in ENTITIES for t in e.tables if t.name == name)
    kinds = {each.name: _type(each) for each in entity.fields}
    lake.columns[name] = {curated: kinds[field] for field, curated, _ in table.columns}
    statement = f"SELECT * FROM {entity.set_name} WHERE {table.where}"  # noqa: S608  names of the schema
    lake.tables[name] = [
        {curated: _text(kinds[field], row[field]) for field, curated, _ in table.columns}
        for row in _read(worlds, source, statement)
    ]


def _read(worlds: Path, source: str, statement: str, *values: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(worlds / f"{source}.sqlite")) as database:
        database.row_factory = sqlite3.Row
        return database.execute(statement, values).fetchall()


def _type(each: sets.Field) -> str:
    return f"decimal({each.size},{each.scale})" if each.kind == "decimal" else TYPES.get(each.kind, "string")


def _text(kind: str, value: str | int | None) -> str | None:
    if value is None or kind in ("string", "date") or kind.startswith("decimal"):
        return None if value is None else str(value)
    if kind == "boolean":
        return json.dumps(bool(value))
    at = datetime.fromisoformat(str(value))
    return str(int(at.replace(microsecond=0).timestamp()) * 1_000_000 + at.microsecond)


def _quarantine(lake: MemoryLake, worlds: Path, entity: Entity) -> None:
    """Move what the source itself names as broken out of the tables."""
    named = "SELECT DISTINCT key FROM _truth WHERE subject = 'quarantine' AND rule LIKE ?"
    key = [name for _, name, _ in entity.parent.columns[: entity.parent.key_size]]
    broken = {
        tuple(row["key"].split("/", len(key) - 1))
        for row in _read(worlds, entity.source, named, f"{entity.parent.entity}:%")
    }
    for table in entity.tables if broken else ():
        rows = lake.tables[table.name]
        lake.tables[table.name] = [row for row in rows if tuple(row[name] for name in key) not in broken]
        lake.columns[f"{entity.parent.name}_quarantine"] = dict.fromkeys(key, "string")
        lake.tables[f"{entity.parent.name}_quarantine"] = [dict(zip(key, each, strict=True)) for each in sorted(broken)]
