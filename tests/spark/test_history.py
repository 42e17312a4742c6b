"""History: each version that was seen, when it was valid, whatever order the loads came in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from random import Random
from typing import Any

import pytest

from lake.contract.plan import Curated, Plan
from lake.curate.entity import curate
from lake.curate.layout import Layout, layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.orders import order
from tests.spark.raw_loads import RawFolder, Version, at

type Record = dict[str, Any]
type Row = tuple[float, float | None, tuple[str, ...]]


@pytest.fixture
def plan(plans: dict[str, Plan]) -> Plan:
    """Sales orders with history, without a brake."""
    free = plans["erp.sales_order"].dump().replace('"max_fraction":0.05', '"max_fraction":1.0')
    return replace(Plan.load(free), curated=Curated(history=True))


@pytest.fixture
def shape(plan: Plan) -> Layout:
    return layout(plan)


@pytest.fixture
def run(spark: Any, tables: Tables, raw: RawFolder, plan: Plan) -> Callable[[], Record]:
    """Curate what has landed; the balance closes, and the open rows of history are those of current."""

    def curated() -> Record:
        record = curate(spark, tables, raw, Notebook(), plan)
        shape = layout(plan)
        assert record["landed"] == sum(record[part] for part in ("merged", "superseded", "unchanged", "quarantined"))
        assert shape.history is not None
        columns = [column.name for column in shape.current.columns]
        current = tables.read(shape.current).select(*columns)
        live = tables.read(shape.history).where("valid_to IS NULL").select(*columns)
        assert live.exceptAll(current).isEmpty()
        assert current.exceptAll(live).isEmpty()
        return record

    return curated


def history(tables: Tables, shape: Layout) -> dict[str, list[Row]]:
    """Order → its rows: valid from and to in minutes, the amounts of its items."""
    assert shape.history is not None
    found: dict[str, list[Row]] = {}
    rows = tables.read(shape.history).selectExpr(
        "sales_order", "unix_seconds(valid_from) - unix_seconds(TIMESTAMP '2026-11-16 12:00:00Z') AS since",
        "unix_seconds(valid_to) - unix_seconds(TIMESTAMP '2026-11-16 12:00:00Z') AS until",
        "transform(sales_order_item, item -> CAST(item.net_amount AS STRING)) AS nets", "_observed_at",
    )  # fmt: skip
    for row in rows.collect():
        until = None if row.until is None else row.until / 60
        found.setdefault(row.sales_order, []).append((row.since / 60, until, tuple(row.nets)))
    return {key: sorted(chain, key=in_order) for key, chain in found.items()}


def in_order(row: Row) -> tuple[float, float, tuple[str, ...]]:
    since, until, nets = row
    return since, inf if until is None else until, nets


def test_a_row_for_each_stretch_of_equal_content_with_the_time_in_which_it_was_valid(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    a, b, c = ("1.000",), ("2.000",), ("3.000", "3.500")
    raw.rows(
        plan,
        [order("1", 10, 5, a), order("2", 10, 5, a), order("3", 10, 5, a), order("4", 10, 5, a), order("5", 10, 5, a)],
    )
    run()
    raw.rows(plan, [
        order("1", 20, 15, b),  # changed
        order("2", 20, 5, a),  # seen again
        order("3", 20, 2, b),  # changed, and stamped before the version that it replaces
        order("5", 20, 99, b),  # stamped with an instant that was still to come
    ])  # fmt: skip
    raw.sweep(plan, [("1",), ("2",), ("3",), ("5",)], at(30))
    run()
    assert history(tables, shape) == {
        "1": [(5, 15, a), (15, None, b)],
        "2": [(5, None, a)],
        "3": [(5, 20, a), (20, None, b)],
        "4": [(5, 30, a)],
        "5": [(5, 20, a), (20, None, b)],
    }

    raw.rows(plan, [
        order("1", 40, 16, c),
        order("4", 40, 5, a),  # back again, as it was
        order("2", 15, 12, c),  # came late, between two sightings of equal content
        order("6", 8, 7, a),  # came late, and a sweep had not found it
    ])  # fmt: skip
    run()
    assert history(tables, shape) == {
        "1": [(5, 15, a), (15, 16, b), (16, None, c)],
        "2": [(5, 12, a), (12, 20, c), (20, None, a)],
        "3": [(5, 20, a), (20, None, b)],
        "4": [(5, 30, a), (40, None, a)],
        "5": [(5, 20, a), (20, None, b)],
        "6": [(7, 30, a)],
    }

    before = tables.snapshot(shape.history) if shape.history else ""
    raw.tombstones(plan, [(("6",), at(35)), (("1",), at(12)), (("9",), at(1))])
    run()
    assert history(tables, shape)["1"] == [(5, 12, a), (15, 16, b), (16, None, c)]
    assert shape.history and tables.snapshot(shape.history) != before


@dataclass(frozen=True)
class Seen:
    """An order as a query showed it, in minutes."""

    key: str
    observed: int
    stamp: int | None
    nets: tuple[str, ...]

    def version(self) -> Version:
        shown = order(self.key, self.observed, self.stamp or 0, self.nets)
        if self.stamp is None:
            return Version(shown.values | {"LastChangeDateTime": None}, shown.observed_at, None)
        return shown


def chain(seen: list[Seen], gone: set[int]) -> list[Row]:
    """What history says of a key: straight from its definition."""
    rows: list[list[Seen]] = []
    for version in sorted(set(seen), key=lambda version: (version.observed, version.stamp or -1)):
        before = rows[-1][-1] if rows else None
        absent = before and any(before.observed < instant <= version.observed for instant in gone)
        if before and not absent and (before.stamp, before.nets) == (version.stamp, version.nets):
            rows[-1].append(version)
        else:
            rows.append([version])
    ends = [min((i for i in gone if i > row[-1].observed), default=None) for row in rows]
    found: list[Row] = []
    for number, row in enumerate(rows):
        stamped = row[0].observed if row[0].stamp is None else min(row[0].stamp, row[0].observed)
        if found:
            since, until, nets = found[-1]
            believed = stamped > since if until is None else stamped >= until
            since_now = stamped if believed else row[0].observed
            found[-1] = (since, since_now if until is None else until, nets)
            found.append((since_now, None, row[0].nets))
        else:
            found.append((stamped, None, row[0].nets))
        end, later = ends[number], rows[number + 1 :]
        if end is not None and (not later or end <= later[0][0].observed):
            found[-1] = (found[-1][0], end, found[-1][2])
    return found


def test_late_repeated_and_split_loads_make_the_history_that_its_definition_says(
    run: Callable[[], Record], raw: RawFolder, plan: Plan, tables: Tables, shape: Layout
) -> None:
    random = Random(7)  # noqa: S311 (repeatable, not secret)
    keys = [f"{number:03d}" for number in range(80)]
    shown: dict[tuple[str, int, int | None], Seen] = {}
    for _ in range(560):
        place = random.choice(keys), random.randrange(60), random.choice((None, 2, 9, 30, 70))
        shown.setdefault(place, Seen(*place, (random.choice(("1.000", "2.000")),)))
    told = [(key, random.randrange(60)) for key in random.sample(keys, 40)]
    swept = {began: set(random.sample(keys, 50)) for began in (15, 32, 50)}
    versions = list(shown.values())
    random.shuffle(versions)
    loads: list[Any] = [versions[start : start + 60] for start in range(0, len(versions), 60)]
    loads += [loads[0], told[:20], told[20:], *swept.items()]
    random.shuffle(loads)
    for number, load in enumerate(loads):
        if isinstance(load, tuple):
            raw.sweep(plan, [(key,) for key in load[1]], at(load[0]))
        elif isinstance(load[0], Seen):
            raw.rows(plan, [version.version() for version in load])
        else:
            raw.tombstones(plan, [((key,), at(instant)) for key, instant in load])
        if number in (len(loads) // 2, len(loads) - 1):
            run()

    gone = {key: {instant for name, instant in told if name == key} for key in keys}
    for key in keys:
        gone[key] |= {began for began, found in swept.items() if key not in found}
    seen = {key: [version for version in versions if version.key == key] for key in keys}
    assert history(tables, shape) == {
        key: sorted(chain(seen[key], gone[key]), key=in_order) for key in keys if seen[key]
    }
