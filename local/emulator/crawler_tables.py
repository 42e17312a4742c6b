"""What a crawler makes of files: which folder is a table, which are partitions, which columns of which type."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
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
    """What a crawler's settings say of tables. `table_level` None: each folder right below the target is a table."""

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
        tuple(folder.partition("=")[2] if "=" in folder else folder for folder in folders): location
        + "".join(f"{folder}/" for folder in folders)
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
    names = {
        folders[index].partition("=")[0] if "=" in folders[index] else "" for folders in paths if len(folders) > index
    }
    name = names.pop() if len(names) == 1 else ""
    return name.lower() or f"partition_{index}"


def _columns(files: list[DataFile]) -> tuple[tuple[str, str], ...]:
    """Every column of any file, in order of appearance; where files differ, the newest says the type."""
    found: dict[str, str] = {}
    for file in files:
        for column in file.schema:
            found[column.name.lower()] = glue_type(column.type)
    return tuple(found.items())


def glue_type(kind: pa.DataType) -> str:
    """The catalog's type of a Parquet column. Raises ValueError for a type that a crawler doesn't know."""
    match kind:
        case pa.Decimal128Type() | pa.Decimal256Type():
            return f"decimal({kind.precision},{kind.scale})"
        case pa.StructType():
            return "struct<" + ",".join(f"{part.name}:{glue_type(part.type)}" for part in kind) + ">"
        case pa.MapType():
            return f"map<{glue_type(kind.key_type)},{glue_type(kind.item_type)}>"
        case pa.ListType() | pa.LargeListType():
            return f"array<{glue_type(kind.value_type)}>"
    for is_kind, name in SCALARS:
        if is_kind(kind):
            return name
    raise ValueError(f"a crawler knows no type for {kind}")


def _is_nanoseconds(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")


SCALARS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_int32, "int"),
    (pa.types.is_integer, "bigint"),
    (_is_nanoseconds, "bigint"),
    (pa.types.is_time, "bigint"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (pa.types.is_float32, "float"),
    (pa.types.is_float64, "double"),
    (pa.types.is_string, "string"),
    (pa.types.is_large_string, "string"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_fixed_size_binary, "binary"),
)
"""Asked in this order: the first that says yes names the type."""
