"""What a crawler makes of files: which folder is a table, which are partitions, which columns of which type."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Self

import pyarrow as pa


@dataclass(frozen=True)
class DataFile:
    """One Parquet file, by its footer."""

    bucket: str
    key: str
    modified: datetime
    size: int
    rows: int
    schema: pa.Schema

    def folders(self) -> list[str]:
        """The bucket and each folder: the levels that `TableLevelConfiguration` counts from 1."""
        return [self.bucket, *self.key.split("/")[:-1]]


@dataclass(frozen=True)
class CrawlRules:
    """What a crawler's settings say of tables. `table_level` None: the folder right below the target's path is a table's."""

    prefix: str = ""
    table_level: int | None = None

    @classmethod
    def of(cls, crawler: dict[str, Any]) -> Self:
        grouping = json.loads(crawler.get("Configuration") or "{}").get("Grouping", {})
        return cls(crawler.get("TablePrefix") or "", grouping.get("TableLevelConfiguration"))


@dataclass(frozen=True)
class FoundPartition:
    """One folder of values, its own address, the files in it."""

    values: tuple[str, ...]
    location: str


@dataclass(frozen=True)
class FoundTable:
    """A table as the catalog will know it; columns and keys are (name, Glue type)."""

    name: str
    location: str
    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    partitions: tuple[FoundPartition, ...] = field(default=())
    files: int = 0
    rows: int = 0
    size: int = 0


def found_tables(files: Iterable[DataFile], target: str, rules: CrawlRules) -> Iterator[FoundTable]:
    """The tables in the files of one target, by name."""
    level = rules.table_level or len(target.removeprefix("s3://").strip("/").split("/")) + 1
    deep_enough = [file for file in files if len(file.folders()) >= level]
    ordered = sorted(deep_enough, key=lambda file: file.folders()[:level])
    for path, group in groupby(ordered, key=lambda file: tuple(file.folders()[:level])):
        yield _table(path, sorted(group, key=lambda file: (file.modified, file.key)), rules)


def _table(path: tuple[str, ...], files: list[DataFile], rules: CrawlRules) -> FoundTable:
    location = "s3://" + "/".join(path) + "/"
    below = {file: file.folders()[len(path) :] for file in files}
    depth = max(len(folders) for folders in below.values())
    keys = tuple(_key_name(index, below.values()) for index in range(depth))
    partitions = {
        tuple(folder.partition("=")[2] if "=" in folder else folder for folder in folders): location + "".join(f"{folder}/" for folder in folders)
        for folders in below.values()
        if len(folders) == depth and depth
    }
    return FoundTable(
        name=table_name(rules.prefix + path[-1]),
        location=location,
        columns=_columns(files),
        keys=keys,
        partitions=tuple(FoundPartition(values, place) for values, place in sorted(partitions.items())),
        files=len(files),
        rows=sum(file.rows for file in files),
        size=sum(file.size for file in files),
    )


def table_name(text: str) -> str:
    """Lower case, and an underscore for what a name can't hold."""
    return re.sub(r"[^a-z0-9_]", "_", text.lower())


def _key_name(index: int, paths: Iterable[list[str]]) -> str:
    """The name before `=` where each folder of this level has the same one, else `partition_<index>`."""
    names = {folders[index].partition("=")[0] if "=" in folders[index] else "" for folders in paths if len(folders) > index}
    name = names.pop() if len(names) == 1 else ""
    return name.lower() or f"partition_{index}"


def _columns(files: list[DataFile]) -> tuple[tuple[str, str], ...]:
    """Every column of any file, in order of appearance; where files differ, the newest says the type."""
    found: dict[str, str] = {}
    for file in files:
        for column in file.schema:
            found[column.name.lower()] = glue_type(column.type)
    return tuple(found.items())


def glue_type(kind: pa.DataType) -> str:  # noqa: PLR0911, C901 (a table of types reads best as one)
    """The catalog's type of a Parquet column."""
    match kind:
        case _ if pa.types.is_boolean(kind):
            return "boolean"
        case _ if pa.types.is_int8(kind) or pa.types.is_uint8(kind):
            return "tinyint"
        case _ if pa.types.is_int16(kind) or pa.types.is_uint16(kind):
            return "smallint"
        case _ if pa.types.is_int32(kind) or pa.types.is_uint32(kind):
            return "int"
        case _ if pa.types.is_integer(kind) or _is_nanoseconds(kind) or pa.types.is_time(kind):
            return "bigint"
        case _ if pa.types.is_float32(kind):
            return "float"
        case _ if pa.types.is_float64(kind):
            return "double"
        case pa.Decimal128Type() | pa.Decimal256Type():
            return f"decimal({kind.precision},{kind.scale})"
        case _ if pa.types.is_date(kind):
            return "date"
        case _ if pa.types.is_timestamp(kind):
            return "timestamp"
        case _ if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return "string"
        case _ if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
            return "binary"
        case pa.StructType():
            return "struct<" + ",".join(f"{part.name}:{glue_type(part.type)}" for part in kind) + ">"
        case pa.MapType():
            return f"map<{glue_type(kind.key_type)},{glue_type(kind.item_type)}>"
        case pa.ListType() | pa.LargeListType():
            return f"array<{glue_type(kind.value_type)}>"
        case _:
            raise ValueError(f"a crawler knows no type for {kind}")


def _is_nanoseconds(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")
