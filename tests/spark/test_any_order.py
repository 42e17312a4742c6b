"""Any order, repetition or split of the same loads ends in the same tables, those of a plain model."""

from collections.abc import Sequence
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
DAY = 100
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
    started: int
    keys: tuple[str, ...]


type Load = tuple[Seen, ...] | Sweep
type State = tuple[dict[str, tuple[str, ...]], dict[str, int], list[tuple[str, int]]]


def history(seed: int) -> list[Load]:
    """Two days of loads, each day closed by a sweep."""
    random = Random(seed)  # noqa: S311 (repeatable, not secret)
    loads: list[Load] = []
    for day in range(2):
        for hour in range(3):
            observed = day * DAY + hour * 20
            loads.append(tuple(
                Seen(
                    key,
                    observed + random.randrange(3),
                    random.randrange(DAY),
                    tuple(f"{random.randrange(1, 4)}.000" for _ in range(random.randrange(1, 4))),
                    random.random() < 0.15,
                )
                for key in random.choices(KEYS, k=8)
            ))  # fmt: skip
        loads.append(Sweep(day * DAY + 50, tuple(key for key in KEYS if random.random() < 0.7)))
    return loads


def expected(loads: Sequence[Load]) -> State:
    """Order → amounts; key that is gone → minutes; bad versions. Straight from the definitions."""
    versions = [version for load in loads if not isinstance(load, Sweep) for version in load]
    sweeps = sorted((load for load in loads if isinstance(load, Sweep)), key=lambda sweep: sweep.started)
    current: dict[str, tuple[str, ...]] = {}
    gone: dict[str, int] = {}
    for key in {version.key for version in versions}:
        good = [version for version in versions if version.key == key and not version.bad]
        bad = [version for version in versions if version.key == key and version.bad]
        ends = {
            kind: next(
                (s.started for s in sweeps if s.started > max(v.observed for v in some) and key not in s.keys), None
            )
            for kind, some in (("good", good), ("bad", bad))
            if some
        }
        if good and ends["good"] is None:
            newest = max(good, key=lambda version: (version.observed, version.stamp))
            current[key] = newest.nets
        elif last := [end for end in ends.values() if end is not None]:
            gone[key] = max(last)
    return current, gone, sorted((version.key, version.observed) for version in versions if version.bad)


def deliver(spark: Any, folder: Path, plan: Plan, loads: Sequence[Load], runs: Sequence[int]) -> State:
    """Land the loads in this order, curating after as many as `runs` says each time; returns what the tables hold."""
    database = f"glue_catalog.delivery_{next(NUMBERS)}"
    spark.sql(f"CREATE NAMESPACE {database}")
    tables, raw, shape = Tables(spark, database), RawFolder(folder), layout(plan)
    waiting = list(loads)
    for size in runs:
        for load in waiting[:size]:
            if isinstance(load, Sweep):
                raw.sweep(plan, [(key,) for key in load.keys], at(load.started))
            else:
                raw.rows(plan, [version.version() for version in load])
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
    minutes = minutes.replace("deleted_at", "_observed_at")
    bad = tables.read(shape.quarantine).selectExpr("sales_order", minutes).collect()
    assert {line.sales_order for line in items} == set(current)
    return current, gone, sorted((row.sales_order, row.minutes) for row in bad)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_delivery_of_a_history_ends_alike(spark: Any, tmp_path: Path, plans: dict[str, Plan], seed: int) -> None:
    free = plans["erp.sales_order"]
    plan = Plan.load(free.dump().replace('"max_fraction":0.05', '"max_fraction":1.0'))
    loads = history(seed)
    truth = expected(loads)

    assert deliver(spark, tmp_path / "at once", plan, loads, [len(loads)]) == truth

    random = Random(seed)  # noqa: S311 (repeatable, not secret)
    shuffled = [load for load in loads for _ in range(random.choice((1, 1, 2)))]
    random.shuffle(shuffled)
    current, _, bad = deliver(spark, tmp_path / "shuffled", plan, shuffled, [3, len(shuffled) - 3])
    assert current == truth[0]
    assert set(bad) == set(truth[2])
