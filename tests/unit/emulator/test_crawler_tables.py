"""What a crawler makes of files, as a function of their footers."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from local.emulator.crawler_tables import CrawlRules, DataFile, FoundTable, found_tables, glue_type

ITEM = pa.struct([("No", pa.int32()), ("Net", pa.decimal128(19, 2))])


@pytest.mark.parametrize(
    ("parquet", "catalog"),
    [
        (pa.bool_(), "boolean"),
        (pa.int32(), "int"),
        (pa.int64(), "bigint"),
        (pa.float64(), "double"),
        (pa.decimal128(19, 4), "decimal(19,4)"),
        (pa.string(), "string"),
        (pa.binary(), "binary"),
        (pa.date32(), "date"),
        (pa.timestamp("us", tz="UTC"), "timestamp"),
        (pa.timestamp("ns"), "bigint"),
        (pa.list_(ITEM), "array<struct<No:int,Net:decimal(19,2)>>"),
        (pa.map_(pa.string(), pa.int64()), "map<string,bigint>"),
    ],
)
def test_a_parquet_type_has_its_type_in_the_catalog(parquet: pa.DataType, catalog: str) -> None:
    assert glue_type(parquet) == catalog


def test_a_type_that_no_crawler_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="knows no type"):
        glue_type(pa.month_day_nano_interval())


def test_the_level_says_which_folder_is_the_table() -> None:
    files = [_file("data/erp/Sales-Order/major=1/a.parquet"), _file("data/erp/partner/major=1/b.parquet")]

    tables = _tables(files, CrawlRules(prefix="erp_", table_level=4))

    assert [(table.name, table.location) for table in tables] == [
        ("erp_sales_order", "s3://raw/data/erp/Sales-Order/"),
        ("erp_partner", "s3://raw/data/erp/partner/"),
    ]


def test_without_a_level_each_folder_below_the_target_is_a_table() -> None:
    tables = _tables([_file("data/erp/partner/a.parquet")], CrawlRules())

    assert [table.name for table in tables] == ["partner"]


def test_folders_without_a_key_are_numbered_partitions() -> None:
    table = _tables([_file("data/erp/partner/2026/loaded_on=11/a.parquet")], CrawlRules(table_level=4))[0]

    assert table.keys == ("partition_0", "loaded_on")
    assert [partition.values for partition in table.partitions] == [("2026", "11")]
    assert table.partitions[0].location == "s3://raw/data/erp/partner/2026/loaded_on=11/"


def test_columns_are_lower_case_the_newest_file_names_the_type_and_none_is_lost() -> None:
    old = _file("data/erp/partner/a.parquet", day=1, columns=[("Id", pa.int32()), ("Gone", pa.string())])
    new = _file("data/erp/partner/b.parquet", day=2, columns=[("Id", pa.int64()), ("Added", pa.date32())])

    table = _tables([new, old], CrawlRules(table_level=4))[0]

    assert table.columns == (("id", "bigint"), ("gone", "string"), ("added", "date"))


def _tables(files: list[DataFile], rules: CrawlRules) -> list[FoundTable]:
    return list(found_tables(files, "s3://raw/data/erp/", rules))


def _file(key: str, day: int = 1, columns: list[tuple[str, pa.DataType]] | None = None) -> DataFile:
    schema = pa.schema(columns or [("id", pa.string())])
    return DataFile("raw", key, datetime(2026, 11, day, tzinfo=UTC), 100, 1, schema)
