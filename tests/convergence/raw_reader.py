"""What raw says, read as docs/formats.md describes it and not by the lake's own code: Parquet, JSON, and plain Python."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from local.simulators.schema import ENTITIES, children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.convergence.cloud import Cloud
    from tests.convergence.kinds import Kind
    from tests.convergence.origin import Document

type Key = tuple[str | None, ...]
type Row = dict[str, Any]


class Broken(AssertionError):
    """Raw is not what it promises to be."""


@dataclass
class RawReader:
    """Reads the raw side of one entity; parts are parsed once."""

    cloud: Cloud
    kind: Kind
    _parts: dict[str, list[Row]] = field(default_factory=dict)
    _checked: int = 0
    _manifests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's fields."""
        return ENTITIES[self.kind.entity].key

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests in the order of their numbers; raises Broken where a number is missing."""
        prefix = f"manifests/{self.kind.entity.replace('.', '/')}/"
        names = sorted(name for name in list(self.cloud.objects) if name.startswith(prefix))
        expected = [f"{prefix}{number:012}.json" for number in range(1, len(names) + 1)]
        if names != expected:
            raise Broken(f"load numbers have gaps: {names}")
        self._manifests += [json.loads(self.cloud.objects[name]) for name in names[len(self._manifests) :]]
        return self._manifests

    def check(self) -> None:
        """Looks at manifests that are new: raises Broken where one breaks what docs/formats.md says of it."""
        manifests = self.manifests()
        for number, manifest in enumerate(manifests[self._checked :], self._checked + 1):
            _require(manifest["load"] == number, f"load {number} calls itself {manifest['load']}")
            counts = manifest["counts"]
            whole = counts["landed"] + counts["repeated"] + counts["beyond"]
            _require(counts["received"] == whole, f"load {number}: {counts} does not add up")
            _require(manifest["rows"] == counts["landed"], f"load {number}: {manifest['rows']} rows, {counts}")
            _require(
                sum(part["rows"] for part in manifest["parts"]) == manifest["rows"], f"load {number}: rows of parts"
            )
            for part in manifest["parts"]:
                body = self.cloud.objects.get(part["key"])
                if body is None:
                    raise Broken(f"load {number} names {part['key']}, which is not there")
                digest = hashlib.sha256(body).hexdigest()
                _require((digest, len(body)) == (part["sha256"], part["bytes"]), f"{part['key']} is another one")
                _require(len(self.part(part["key"])) == part["rows"], f"{part['key']} has other rows")
            if manifest["kind"] == "rows":
                places = [row["_row"] for row in self.rows(manifest)]
                _require(places == list(range(len(places))), f"load {number}: _row is {places}")
                seen = sorted(row["_observed_at"] for row in self.rows(manifest))
                span = [manifest["observed"]["first"], manifest["observed"]["last"]]
                bounds = [_text(seen[0]), _text(seen[-1])] if seen else [None, None]
                _require(span == bounds, f"load {number}: observed {span}, its rows {bounds}")
        names = Counter(part["key"] for manifest in manifests for part in manifest["parts"])
        _require(not names or max(names.values()) == 1, f"two loads share a part: {names.most_common(1)}")
        self._checked = len(manifests)

    def part(self, key: str) -> list[Row]:
        """The rows of a part."""
        if key not in self._parts:
            self._parts[key] = pq.read_table(io.BytesIO(self.cloud.objects[key]), use_threads=False).to_pylist()
        return self._parts[key]

    def rows(self, manifest: Mapping[str, Any]) -> list[Row]:
        """The rows of a load."""
        return [row for part in manifest["parts"] for row in self.part(part["key"])]

    def alive(self) -> dict[Key, Row]:
        """Each key's newest version, less those that a sweep, a full refresh or a tombstone ended."""
        newest: dict[Key, tuple[tuple[Any, ...], Row]] = {}
        for manifest in self.manifests():
            if manifest["kind"] == "rows":
                for row in self.rows(manifest):
                    order = (row["_observed_at"], row["_cursor"] or "", manifest["load"], row["_row"])
                    key = self.key_of(row)
                    if key not in newest or order > newest[key][0]:
                        newest[key] = (order, row)
        gone = self._tombstones()
        sweeps = list(self.sweeps())
        return {
            key: row
            for key, (_, row) in newest.items()
            if not (key in gone and row["_observed_at"] < gone[key])
            and not any(row["_observed_at"] < began and key not in found for _, began, found in sweeps)
        }

    @property
    def shifting(self) -> set[int]:
        """The last loads of sweeps by pages that shift."""
        return {manifest["load"] for manifest in self.manifests() if (manifest["sweep"] or {}).get("shifts")}

    def sweeps(self, *, shifting: bool = False) -> Iterator[tuple[int, datetime, set[Key]]]:
        """The finished sweeps, full refreshes among them: the last load, when each began, and the keys that it found. Also
        those by pages that shift, which end nothing by themselves, where they are asked for."""
        by_number = {manifest["load"]: manifest for manifest in self.manifests()}
        for manifest in by_number.values():
            sweep = manifest["sweep"]
            if sweep is None or not (sweep["last"] or (shifting and sweep.get("shifts"))):
                continue
            _require(manifest["load"] in sweep["loads"], f"load {manifest['load']} is not among its sweep's")
            loads = [by_number[number] for number in sweep["loads"]]
            _require({load["sweep"]["id"] for load in loads} == {sweep["id"]}, f"{sweep} names loads of other sweeps")
            found = {self.key_of(row) for load in loads for row in self.rows(load)}
            yield manifest["load"], datetime.fromisoformat(sweep["started_at"]), found

    def ever(self) -> set[Key]:
        """The keys of all versions that landed."""
        rows = (row for manifest in self.manifests() if manifest["kind"] == "rows" for row in self.rows(manifest))
        return {self.key_of(row) for row in rows}

    def key_of(self, row: Row) -> Key:
        """The key of a row, as text; where it did not fit its type, as sent."""
        return tuple(_plain(value_at(row, name)) for name in self.keys)

    def _tombstones(self) -> dict[Key, datetime]:
        found: dict[Key, datetime] = {}
        for manifest in self.manifests():
            if manifest["kind"] == "tombstones":
                for row in self.rows(manifest):
                    key = self.key_of(row)
                    found[key] = max(found.get(key, row["_observed_at"]), row["_observed_at"])
        return found


def differences(kind: Kind, raw: Row, document: Document) -> list[str]:
    """In which fields a landed version is not what the source has; empty where they are the same."""
    top = ENTITIES[kind.entity]
    found = [
        f"{each.name}: raw has {value_at(raw, each.name)!r}, the source {document[each.name]!r}"
        for each in top.fields
        if each.name in raw and not same(kind, value_at(raw, each.name), document[each.name])
    ]
    for child in children(top):
        name = str(child.navigation)
        wanted = [row for row in document[name] if row.get("BPTaxType") != "US1" or kind.face == "odata_v2"]
        there = raw[name] or []
        if len(there) != len(wanted):
            found.append(f"{name}: raw has {len(there)} items, the source {len(wanted)}")
            continue
        places = {
            tuple(_plain(value_at(raw, f"{name}[{at}].{k}", item.get(k))) for k in child.key): at
            for at, item in enumerate(there)
        }
        for row in wanted:
            at = places.get(tuple(row[k] for k in child.key))
            if at is None:
                found.append(f"{name}: raw lacks {[row[k] for k in child.key]}")
                continue
            found += [
                f"{name}[{at}].{column}: raw has {item!r}, the source {row[column]!r}"
                for column in there[at]
                if not same(kind, item := value_at(raw, f"{name}[{at}].{column}", there[at][column]), row[column])
            ]
    if raw["_unmapped"] is not None:
        found.append(f"unmapped: {raw['_unmapped']}")
    return found


def value_at(raw: Row, path: str, value: Any = None) -> Any:
    """A value, or the literal that did not fit its type."""
    typed = raw.get(path) if value is None and "[" not in path else value
    if typed is not None or raw.get("_unfit") is None:
        return typed
    unfit = json.loads(raw["_unfit"], parse_float=Decimal, parse_int=Decimal)
    return unfit.get(path)


def same(kind: Kind, raw: Any, stored: Any) -> bool:
    """Whether a raw value is what the source has as text or number."""
    if raw is None or stored is None:
        return raw is None and stored is None
    match raw:
        case bool():
            return raw == bool(int(stored))
        case datetime():
            there = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(stored)))
            if kind.truncates:
                there = there.replace(microsecond=there.microsecond // 1000 * 1000)
            return bool(raw == there)
        case date():
            return bool(raw.isoformat() == stored)
        case {"decimal": text}:  # a typed wrapper, kept whole where its value did not fit
            raw = text
    return str(raw) == str(stored) or (isinstance(raw, Decimal) and raw == Decimal(str(stored)))


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
