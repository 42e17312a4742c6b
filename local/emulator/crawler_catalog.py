"""Writes what a crawler found into the Glue catalog: a new table, or changes and partitions of a known one."""

from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from local.emulator.crawler_tables import FoundTable

PARTITIONS_A_CALL = 100
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


def store(catalog: Any, database: str, crawler: str, table: FoundTable) -> None:
    """Create or update the table, then create the partitions that it lacks; none is deleted (DeleteBehavior LOG)."""
    catalog.get_database(Name=database)
    known = _known(catalog, database, table.name)
    wanted = _table_input(crawler, table)
    if known is None:
        catalog.create_table(DatabaseName=database, TableInput=wanted)
    elif _description(known) != _description(wanted):
        catalog.update_table(DatabaseName=database, TableInput=wanted)
    if table.keys:
        _add_partitions(catalog, database, table)


def _known(catalog: Any, database: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = catalog.get_table(DatabaseName=database, Name=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise
    return found


def _description(table: dict[str, Any]) -> tuple[Any, ...]:
    storage = table["StorageDescriptor"]
    counted = {name: table["Parameters"].get(name) for name in ("recordCount", "objectCount", "sizeKey")}
    return storage["Columns"], table["PartitionKeys"], storage["Location"], counted


def _table_input(crawler: str, table: FoundTable) -> dict[str, Any]:
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": crawler,
        "averageRecordSize": str(table.size // max(table.rows, 1)),
        "classification": "parquet",
        "compressionType": "none",
        "objectCount": str(table.files),
        "recordCount": str(table.rows),
        "sizeKey": str(table.size),
        "typeOfData": "file",
    }
    return {
        "Name": table.name,
        "Owner": "owner",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.keys],
        "StorageDescriptor": _storage(table, table.location, parameters),
        "Parameters": parameters,
    }


def _storage(table: FoundTable, location: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {
        **PARQUET,
        "Columns": [{"Name": name, "Type": kind} for name, kind in table.columns],
        "Location": location,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": parameters,
        "StoredAsSubDirectories": False,
    }


def _add_partitions(catalog: Any, database: str, table: FoundTable) -> None:
    pages = catalog.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table.name)
    known = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
    missing = [
        {
            "Values": list(partition.values),
            "StorageDescriptor": _storage(table, partition.location, {"classification": "parquet"}),
        }
        for partition in table.partitions
        if partition.values not in known
    ]
    for batch in batched(missing, PARTITIONS_A_CALL, strict=False):
        answer = catalog.batch_create_partition(
            DatabaseName=database, TableName=table.name, PartitionInputList=list(batch)
        )
        if answer.get("Errors"):
            raise ValueError(f"partitions of {database}.{table.name} were refused: {answer['Errors']}")
