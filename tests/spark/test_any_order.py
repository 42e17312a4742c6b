"""Any order, repetition or split of the same loads ends in the same tables, those of a plain model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import item, order
from tests.spark.raw_loads import RawFolder, Version, at

KEYS = [str(number) for number in range(12)]
HOUR = 60
NEVER = -1
NUMBERS = count(1)


@dataclass(frozen=True)
class Seen:
    """A version of an order: when it was observed, its stamp, its net amounts; `bad` breaks the contract."""

    key: str
    observed: int
    stamp: int
    nets: tuple[str, ...]
    bad: bool

    def version(self) -> Version:
        items = [item(self.key, number + 1, net) for number, net in enumerate(self.nets)]
        if self.bad:
            items.append(item(self.key, 99, RequestedQuantity=Decimal("-1.000")))
        return order(self.key, self.observed, self.stamp, self.nets, to_Item=items)


@dataclass(frozen=True)
class Sweep:
    """Keys that a sweep found."""

    started: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Refresh:
    """All that the source had, read in two loads."""

    started: int
    rows: tuple[Seen, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)


@dataclass(frozen=True)
class Feed:
    """Keys of which the source said that they are gone, and when it said so."""

    told: tuple[tuple[str, int], ...]


type Load = tuple[Seen, ...] | Sweep | Refresh | Feed
type Bad = tuple[str, int, int, str]
type State = tuple[dict[str, tuple[str, ...]], dict[str, int], list[Bad]]


class Source:
    """Orders that change, are backdated, go for good and come back."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.rows: dict[str, tuple[int, tuple[str, ...], bool]] = {}
        self.gone: set[str] = set()

    def live(self, until: int) -> list[str]:
        """An hour of changes; returns the keys that a window shows: changed ones, and some of the overlap."""
        changed = self._random.sample(KEYS, 5)
        for key in changed:
            nets = tuple(f"{self._random.randrange(1, 4)}.000" for _ in range(self._random.randrange(1, 4)))
            self.rows[key] = (self._random.randrange(until + 1), nets, self._random.random() < 0.15)
            self.gone.discard(key)
        for key in self._random.sample(sorted(self.rows), 2):
            del self.rows[key]
            self.gone.add(key)
        return [key for key in self.rows if key in changed or self._random.random() < 0.2]

    def read(self, keys: Iterable[str], at: int) -> tuple[Seen, ...]:
        return tuple(Seen(key, at + self._random.randrange(3), *self.rows[key]) for key in keys)

    def agrees(self, current: dict[str, tuple[str, ...]]) -> bool:
        """Whether these are the source's rows; an order that breaks the contract now may stand there as it was before."""
        bad = {key for key, (_, _, bad) in self.rows.items() if bad}
        good = {key: nets for key, (_, nets, _) in self.rows.items() if key not in bad}
        return good == {key: nets for key, nets in current.items() if key not in bad}


def history(seed: int) -> tuple[list[Load], Source]:
    """Ten hours of windows, among them two sweeps, two feeds and two full refreshes, the second one at the very end."""
    source = Source(random := Random(seed))  # noqa: S311 (repeatable, not secret)
    loads: list[Load] = []
    for hour in range(10):
        begun = hour * HOUR
        loads.append(source.read(source.live(begun), begun + 10))
        if hour in (2, 6):
            loads.append(Sweep(begun + 20, tuple(source.rows)))
        if hour in (3, 7):
            loads.append(Feed(tuple((key, begun + 20 + random.randrange(3)) for key in sorted(source.gone))))
        if hour in (4, 9):
            loads.append(Refresh(begun + 20, source.read(source.rows, begun + 21)))
    return loads, source


def expected(loads: Sequence[Load]) -> State:
    """Order → amounts; key that is gone → minutes; bad records. Straight from the definitions."""
    versions = [version for load in loads for version in seen(load)]
    told = [tombstone for load in loads if isinstance(load, Feed) for tombstone in load.told]
    sweeps = sorted((load for load in loads if isinstance(load, Sweep | Refresh)), key=lambda sweep: sweep.started)
    current: dict[str, tuple[str, ...]] = {}
    gone: dict[str, int] = {}

    def end(key: str, observed: int) -> int | None:
        said = [at for name, at in told if name == key and at > observed]
        missed = [sweep.started for sweep in sweeps if sweep.started > observed and key not in sweep.keys]
        return max(said) if said else next(iter(missed), None)

    for key in KEYS:
        good = [version for version in versions if version.key == key and not version.bad]
        last_good = max((version.observed for version in good), default=NEVER)
        last_bad = max((version.observed for version in versions if version.key == key and version.bad), default=NEVER)
        ends = [end(key, last) for last in (last_good, last_bad) if last != NEVER]
        if good and ends[0] is None:
            current[key] = max(good, key=lambda version: (version.observed, version.stamp)).nets
            continue
        said = [at for name, at in told if name == key and at > last_good]
        if instants := [at for at in (*ends, *said) if at is not None]:
            gone[key] = max(instants)
    return current, gone, quarantined(versions, gone)


def quarantined(versions: Sequence[Seen], gone: dict[str, int]) -> list[Bad]:
    """Of each bad record: key, first seen, last seen, and whether something newer has come."""
    bad = {(version.key, version.stamp, version.nets) for version in versions if version.bad}
    found = []
    for key, stamp, nets in bad:
        sighted = [
            version.observed
            for version in versions
            if version.bad and (version.key, version.stamp, version.nets) == (key, stamp, nets)
        ]
        last = (max(sighted), stamp)
        overtaken = any(
            (version.observed, version.stamp) >= last for version in versions if version.key == key and not version.bad
        )
        status = "superseded" if overtaken or gone.get(key, NEVER) > last[0] else "open"
        found.append((key, min(sighted), last[0], status))
    return sorted(found)


def seen(load: Load) -> tuple[Seen, ...]:
    """The versions that a load brings."""
    if isinstance(load, Refresh):
        return load.rows
    return () if isinstance(load, Sweep | Feed) else load


def land(raw: RawFolder, plan: Plan, load: Load) -> None:
    match load:
        case Sweep():
            raw.sweep(plan, [(key,) for key in load.keys], at(load.started))
        case Refresh():
            raw.refresh(plan, [version.version() for version in load.rows], at(load.started), loads=2)
        case Feed():
            raw.tombstones(plan, [((key,), at(minutes)) for key, minutes in load.told])
        case _:
            raw.rows(plan, [version.version() for version in load])


def deliver(spark: Any, folder: Path, plan: Plan, loads: Sequence[Load], runs: Sequence[int]) -> State:
    """Land the loads in this order, curating after as many as `runs` says each time; returns what the tables hold."""
    database = f"glue_catalog.delivery_{next(NUMBERS)}"
    spark.sql(f"CREATE NAMESPACE {database}")
    tables, raw, shape = Tables(spark, database), RawFolder(folder), layout(plan)
    waiting = list(loads)
    for size in runs:
        for load in waiting[:size]:
            land(raw, plan, load)
        del waiting[:size]
        record = curate(spark, tables, raw, Notebook(), plan)
        assert record["landed"] == sum(record[part] for part in ("merged", "superseded", "unchanged", "quarantined"))
        assert record["live_by_raw"] == record["live_in_tables"]
    items = sorted(tables.read(shape.children[0]).collect(), key=lambda row: row._item)
    current = {
        row.sales_order: tuple(str(line.net_amount) for line in items if line.sales_order == row.sales_order)
        for row in tables.read(shape.current).collect()
    }
    minutes = "CAST((unix_seconds(deleted_at) - unix_seconds(TIMESTAMP '2026-11-16 12:00:00Z')) / 60 AS INT) AS minutes"
    gone = {
        row.sales_order: row.minutes for row in tables.read(shape.deleted).selectExpr("sales_order", minutes).collect()
    }
    seen = (minutes.replace("deleted_at", name).replace("minutes", name) for name in ("first_seen", "_observed_at"))
    bad = tables.read(shape.quarantine).selectExpr("sales_order", *seen, "status").collect()
    assert {line.sales_order for line in items} == set(current)
    return current, gone, sorted(map(tuple, bad))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_delivery_of_a_history_ends_alike(spark: Any, tmp_path: Path, plans: dict[str, Plan], seed: int) -> None:
    free = plans["erp.sales_order"]
    plan = Plan.load(free.dump().replace('"max_fraction":0.05', '"max_fraction":1.0'))
    loads, source = history(seed)
    truth = expected(loads)
    assert source.agrees(truth[0])

    assert deliver(spark, tmp_path / "at once", plan, loads, [len(loads)]) == truth

    random = Random(seed)  # noqa: S311 (repeatable, not secret)
    shuffled = [load for load in loads for _ in range(random.choice((1, 1, 2)))]
    random.shuffle(shuffled)
    current, gone, bad = deliver(spark, tmp_path / "shuffled", plan, shuffled, [5, len(shuffled) - 5])
    assert current == truth[0]
    assert gone.keys() == truth[1].keys()
    assert bad == truth[2]
