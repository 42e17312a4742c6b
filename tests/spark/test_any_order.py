"""Any order, repetition or split of the same loads, and deaths on the way, ends in the same tables: those of the model."""

from random import Random
from typing import Any

from lake.curate.layout import layout
from tests.spark.cases import CASES
from tests.spark.deliveries import deal, deliver, expected, run
from tests.spark.documents import LATER, contents, differences, found
from tests.spark.histories import history
from tests.spark.model import model
from tests.spark.mortal import Lives
from tests.spark.raw_loads import RawFolder
from tests.spark.sessions import as_for_large_data
from tests.spark.trials import database

HISTORIES = 300


def test_the_model_agrees_with_a_source_that_was_read_to_the_end() -> None:
    for lived in map(history, range(2000)):
        if lived.source is None:
            continue
        current = model(lived.events).current
        bad = {key for key, (_, _, breaks) in lived.source.items() if breaks}
        good = {key: (stamp, amounts) for key, (stamp, amounts, _) in lived.source.items() if key not in bad}
        assert good == {key: (each.stamp, each.amounts) for key, each in current.items() if key not in bad}, lived.seed


def test_every_delivery_of_a_history_ends_alike(spark: Any, raw: RawFolder) -> None:
    dealt, random = list(CASES.values()), Random(7)  # noqa: S311 (repeatable, not secret)
    dealt += [tuple(deal(history(seed), random)) for seed in range(HISTORIES)]
    truth = expected([event for _, event in each] for each in dealt)
    last = deliver(raw, [pair for each in dealt for pair in each])
    rows = []
    for name, runs in {"at_once": [last], "one_by_one": range(1, last + 1)}.items():
        tables = database(spark, name)
        assert all(run(spark, tables, raw, load) for load in runs)
        assert differences(truth, found(tables)) == [], name
        rows.append(contents(tables))
    assert rows[0] == rows[1]


def test_adaptive_execution_compiled_queries_and_shuffled_joins_end_as_the_model_says(
    spark: Any, raw: RawFolder
) -> None:
    random, tables = Random(3), database(spark, "adaptive")  # noqa: S311 (repeatable, not secret)
    dealt = [deal(history(seed), random) for seed in range(30)]
    last = deliver(raw, [pair for each in dealt for pair in each])
    with as_for_large_data(spark):
        assert all(run(spark, tables, raw, load) for load in (4, last))
        assert differences(expected([event for _, event in each] for each in dealt), found(tables)) == []


def test_a_job_that_dies_before_each_kind_of_write_ends_as_if_it_had_lived(spark: Any, raw: RawFolder) -> None:
    random = Random(1)  # noqa: S311 (repeatable, not secret)
    dealt = [deal(history(seed), random) for seed in range(50)]
    last = deliver(raw, [pair for each in dealt for pair in each])
    tables, shape = database(spark, "dying"), layout(LATER)
    assert not run(spark, tables, raw, 4, Lives(len(shape.all)))  # while the tables are made
    assert run(spark, tables, raw, 4)
    first, *between, last_one = shape.all
    points = {("merge", table.name) for table in shape.all} | {("ensure", first.name), ("ensure", last_one.name)}
    points |= {("note", table.name) for table in shape.all}
    lived: set[tuple[str, ...]] = {("ensure", table.name) for table in between}
    died: set[tuple[str, ...]] = set()
    while not run(spark, tables, raw, last, lives := Lives(survived=lived | died)):
        died.add(lives.written[-1])
    assert died >= points
    assert differences(expected([event for _, event in each] for each in dealt), found(tables)) == []
