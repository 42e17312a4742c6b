"""Tables, ledger and raw of a process that dies before a write: each write is a point at which curating must be repeatable."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder

READS = ("name", "read", "near", "matching", "rows", "exists", "property_of", "snapshot", "is_empty", "database")


class PowerCut(Exception):
    """The process dies."""


@dataclass
class Lives:
    """The process dies before the write of that number, from 1 (None: it lives on), or before each that is not `survived`."""

    dies: int | None = None
    survived: Collection[tuple[str, ...]] | None = None
    written: list[tuple[str, ...]] = field(default_factory=list)

    def write(self, *what: str) -> None:
        """This is about to be written: a method and the table that it is given."""
        self.written.append(what)
        if len(self.written) == self.dies or (self.survived is not None and what not in self.survived):
            raise PowerCut(*what)


class MortalTables(Tables):
    """Tables. What is not known to read alone is a write."""

    def __init__(self, spark: Any, database: str, lives: Lives) -> None:
        super().__init__(spark, database, small=0)
        self._lives = lives

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return value if name.startswith("_") or name in READS else partial(self._write, name, value)

    def _write(self, name: str, write: Callable[..., Any], *arguments: Any) -> Any:
        self._lives.write(name, *(table.name for table in arguments[:1]))
        return write(*arguments)


class MortalNotebook(Notebook):
    """A ledger."""

    def __init__(self, lives: Lives) -> None:
        super().__init__()
        self.lives = lives

    def wanted(self, entity: str, place: str, keys: int) -> None:
        self.lives.write("wanted")
        super().wanted(entity, place, keys)

    def suspected(self, entity: str, place: str, keys: int) -> None:
        self.lives.write("suspected")
        super().suspected(entity, place, keys)


@dataclass(frozen=True)
class Until:
    """Raw before any load above `last` was committed."""

    raw: RawFolder
    last: int
    lives: Lives = field(default_factory=Lives)

    def get(self, key: str) -> bytes | None:
        hidden = key.startswith("manifests/") and int(key.rpartition("/")[2].removesuffix(".json")) > self.last
        return None if hidden else self.raw.get(key)

    def put(self, key: str, body: bytes) -> None:
        self.lives.write("put")
        self.raw.put(key, body)

    def path(self, key: str) -> str:
        return self.raw.path(key)

    def keys(self, prefix: str) -> list[str]:
        return self.raw.keys(prefix)

    def sha256(self, key: str) -> str | None:
        return self.raw.sha256(key)
