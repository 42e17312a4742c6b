"""A raw bucket in a folder: loads written as docs/formats.md says, for tests of curating."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.contract.plan import Field, Plan

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
MICROS = 6
WHOLE: dict[str, Any] = {"last": True}
SHIFTING: dict[str, Any] = {"last": False, "shifts": True}
SHORT: dict[str, Any] = {"last": False, "short": {"keys": 1, "count": 3}}
"""How a complete scan ends: what its last manifest says of its sweep."""


def at(minutes: float) -> datetime:
    """An instant so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def cursor(minutes: float, digits: int = 7) -> str:
    """The same instant as a cursor of fixed width."""
    moment = at(minutes)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{'0' * (digits - 6)}Z"


def stamp(moment: datetime) -> str:
    """An instant in a manifest."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Version:
    """One row of a load: values by API name (children as lists), when it was observed, its cursor."""

    values: dict[str, Any]
    observed_at: datetime
    cursor: str | None
    unfit: dict[str, str] | None = None
    unmapped: dict[str, Any] | None = None


@dataclass
class RawFolder:
    """The store of a test, and the way to fill it."""

    folder: Path
    loads: dict[str, int] = field(default_factory=dict)
    clock: datetime = NOON
    """The latest instant that any load tells of: what a load tells of was before its commit."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none."""
        path = self.folder / key
        return path.read_bytes() if path.exists() else None

    def put(self, key: str, body: bytes) -> None:
        """Puts the object."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(f"{prefix}*"))

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, None where there is none."""
        body = self.get(key)
        return None if body is None else hashlib.sha256(body).hexdigest()

    def path(self, key: str) -> str:
        """The object's path for Spark."""
        return str(self.folder / key)

    def rows(
        self,
        plan: Plan,
        versions: Sequence[Version],
        parts: int = 1,
        reason: str = "window",
        lane: str = "live",
        sweep: dict[str, Any] | None = None,
        repeated: int = 0,
    ) -> int:
        """Commit a load of rows, of which so many more were received and known already; returns its number."""
        load, load_id = self._next(plan)
        records = [_record(plan, position, version) for position, version in enumerate(versions)]
        size = max(1, -(-len(records) // parts))
        keys = []
        for number, start in enumerate(range(0, len(records), size)):
            key = f"data/{plan.source}/{plan.name}/major={plan.major}/loaded_on=2026-11-16/{load_id}-{number}.parquet"
            keys.append(self._write(key, pa.Table.from_pylist(records[start : start + size], schema=row_schema(plan))))
        items = {
            child.field: sum(len(version.values.get(child.field) or ()) for version in versions)
            for child in plan.children
        }
        observed = [version.observed_at for version in versions]
        self.clock = max(self.clock, *observed) if observed else self.clock
        self._commit(
            plan,
            load,
            load_id,
            "rows",
            keys,
            {
                "reason": reason,
                "lane": lane,
                "items": items,
                "observed": {"first": stamp(min(observed)), "last": stamp(max(observed))} if observed else None,
                "sweep": sweep,
                "counts": {
                    "received": len(versions) + repeated,
                    "landed": len(versions),
                    "repeated": repeated,
                    "beyond": 0,
                },
            },
        )
        return load

    def refresh(
        self,
        plan: Plan,
        versions: Sequence[Version],
        started_at: datetime,
        loads: int = 1,
        repeated: int = 0,
        end: dict[str, Any] = WHOLE,
    ) -> int:
        """Commit a full refresh in so many loads, which ends so; returns the number of its last."""
        size = max(1, -(-len(versions) // loads))
        numbers: list[int] = []
        for position in range(loads):
            numbers.append(self.loads.get(plan.entity, 0) + 1)
            sweep = sweep_entry(numbers, started_at, end if position == loads - 1 else None)
            chunk = versions[position * size : (position + 1) * size]
            self.rows(plan, chunk, reason="refresh", sweep=sweep, repeated=repeated)
        return numbers[-1]

    def tombstones(self, plan: Plan, told: Sequence[tuple[tuple[str, ...], datetime]], reason: str = "feed") -> int:
        """Commit what the source said is gone: keys, each with the instant at which it said so; returns the load's number."""
        load, load_id = self._next(plan)
        names = [key.raw for key in plan.key_fields]
        texts = [(name, pa.string()) for name in (*names, "_deleted_at")]
        schema = pa.schema([*texts[:-1], ("_observed_at", pa.timestamp("us", tz="UTC")), texts[-1]])
        rows = [dict(zip(names, key, strict=True)) | {"_observed_at": at, "_deleted_at": stamp(at)} for key, at in told]
        place = f"tombstones/{plan.source}/{plan.name}/{load_id}-0.parquet"
        part = self._write(place, pa.Table.from_pylist(rows, schema=schema))
        self.clock = max(self.clock, *(at for _, at in told))
        observed = {"first": stamp(min(at for _, at in told)), "last": stamp(max(at for _, at in told))}
        self._commit(plan, load, load_id, "tombstones", [part], {"reason": reason, "observed": observed})
        return load

    def sweep(
        self,
        plan: Plan,
        keys: Sequence[tuple[str, ...]],
        started_at: datetime,
        loads: int = 1,
        end: dict[str, Any] = WHOLE,
    ) -> int:
        """Commit a key sweep in so many loads, which ends so; returns the number of its last."""
        names = [key.raw for key in plan.key_fields]
        schema = pa.schema([(name, pa.string()) for name in names])
        size = max(1, -(-len(keys) // loads))
        numbers: list[int] = []
        for position in range(loads):
            load, load_id = self._next(plan)
            numbers.append(load)
            self.clock = max(self.clock, started_at)
            chunk = [dict(zip(names, key, strict=True)) for key in keys[position * size : (position + 1) * size]]
            part = self._write(
                f"keys/{plan.source}/{plan.name}/{load_id}-0.parquet", pa.Table.from_pylist(chunk, schema=schema)
            )
            sweep = sweep_entry(numbers, started_at, end if position == loads - 1 else None)
            self._commit(plan, load, load_id, "keys", [part], {"reason": "sweep", "sweep": sweep})
        return numbers[-1]

    def _next(self, plan: Plan) -> tuple[int, str]:
        load = self.loads.get(plan.entity, 0) + 1
        self.loads[plan.entity] = load
        return load, f"20261116T120000Z-{load:08x}"

    def _write(self, key: str, table: pa.Table) -> dict[str, Any]:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        content = path.read_bytes()
        return {
            "key": key,
            "rows": table.num_rows,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def _commit(
        self, plan: Plan, load: int, load_id: str, kind: str, parts: list[dict[str, Any]], more: dict[str, Any]
    ) -> None:
        self._text(f"plans/{plan.sha256}.json", plan.dump())
        rows = sum(part["rows"] for part in parts)
        manifest = {
            "format": 1, "entity": plan.entity, "load": load, "load_id": load_id, "kind": kind, "reason": "window",
            "lane": "live", "plan": plan.sha256, "major": plan.major, "run_id": "run-1", "token": 1, "window": None,
            "observed": None, "parts": parts, "rows": rows, "items": {},
            "counts": {"received": rows, "landed": rows, "repeated": 0, "beyond": 0},
            "sweep": None, "checkpoint": None, "committed_at": stamp(self.clock), **more,
        }  # fmt: skip
        self._text(f"manifests/{plan.source}/{plan.name}/{load:012d}.json", json.dumps(manifest))

    def _text(self, key: str, text: str) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def sweep_entry(loads: list[int], started_at: datetime, end: dict[str, Any] | None) -> dict[str, Any]:
    """What the manifest of the last of these loads says of its sweep; `end`: None where the sweep goes on."""
    end = end or {"last": False}
    named = end["last"] or end.get("shifts", False)
    return {
        "id": f"sweep-{loads[0]}",
        "started_at": stamp(started_at),
        "loads": list(loads) if named else None,
        **end,
    }


def row_schema(plan: Plan) -> pa.Schema:
    """The Arrow schema of the plan's row files."""
    own = [(column.raw, arrow_type(column)) for column in plan.fields]
    children = [
        (child.raw, pa.list_(pa.struct([(column.raw, arrow_type(column)) for column in child.fields])))
        for child in plan.children
    ]
    instants = pa.timestamp("us", tz="UTC")
    return pa.schema([
        *own, *children, ("_row", pa.int64()), ("_observed_at", instants), ("_cursor", pa.string()),
        ("_unfit", pa.string()), ("_unmapped", pa.string()),
    ])  # fmt: skip


def arrow_type(column: Field) -> pa.DataType:
    """The type of a field in a row file."""
    match column.base, column.parameters:
        case "decimal", (precision, scale):
            return pa.decimal128(precision, scale)
        case "timestamp", (digits,) if digits <= MICROS:
            return pa.timestamp("us", tz="UTC")
        case "boolean", _:
            return pa.bool_()
        case "int64", _:
            return pa.int64()
        case "date", _:
            return pa.date32()
        case _:
            return pa.string()


def _record(plan: Plan, position: int, version: Version) -> dict[str, Any]:
    known = {column.field for column in plan.fields} | {child.field for child in plan.children}
    if strange := set(version.values) - known:
        raise ValueError(f"{plan.entity} has no fields {sorted(strange)}")
    return {
        **_in_raw(plan, version.values),
        "_row": position,
        "_observed_at": version.observed_at,
        "_cursor": version.cursor,
        "_unfit": json.dumps(version.unfit) if version.unfit else None,
        "_unmapped": json.dumps(version.unmapped) if version.unmapped else None,
    }


def _in_raw(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of raw's columns."""
    found = {each.raw: values[each.field] for each in plan.fields if each.field in values}
    for child in plan.children:
        if (items := values.get(child.field)) is not None:
            names = {each.field: each.raw for each in child.fields}
            found[child.raw] = [{names[name]: value for name, value in item.items()} for item in items]
    return found
