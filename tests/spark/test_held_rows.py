"""What the lake holds of the rows that a source counts: `live_rows`, and `keyless` rows that only quarantine can tell of."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lake.contract.plan import Plan
from lake.curate.job import curate_entities
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder, Version, at
from tests.spark.things import THINGS, keys, thing

type Held = tuple[int | None, int]
ANY_NAME = replace(THINGS, version="1.1.0", checks=())


@pytest.fixture
def held(spark: Any, tables: Tables, raw: RawFolder) -> Callable[..., Held]:
    """What the state says of the rows that are held, after a task."""

    def done(task: str = "curate", plan: Plan = THINGS) -> Held:
        ledger = Notebook()
        curate_entities(spark, tables, raw, ledger, {plan.entity: plan}, [plan.entity], "run-1", task)
        record = ledger.records[f"run-1/{plan.entity}"]
        found = (record["live_rows"], record["keyless"])
        assert ledger.held.get(plan.entity, found) == found
        assert (plan.entity in ledger.held) is (task != "verify")
        return found

    return done


def as_text(number: int, observed: float, name: str = "good") -> Version:
    """A version whose number was sent in a form that its type does not have: a later contract can read it."""
    return replace(thing(None, observed, name), unfit={"Number": str(number)})


def test_rows_without_a_usable_key_are_counted_beside_those_with_one(
    held: Callable[..., Held], raw: RawFolder, tables: Tables
) -> None:
    raw.rows(
        THINGS, [thing(1, 1), thing(2, 1), thing(3, 1, gone=True), thing(4, 1, "bad"), thing(5, 1, "bad", gone=True)]
    )
    assert held() == (3, 0)  # 1, 2, and 4 in quarantine

    raw.rows(THINGS, [thing(None, 2), thing(None, 2, "other"), thing(None, 2, "flagged", gone=True)])
    assert held() == (3, 2)
    raw.rows(THINGS, [thing(None, 3), thing(1, 3)])
    assert held() == (3, 2)  # what comes again is no other row

    raw.rows(THINGS, [thing("A1", 4), thing("A2", 4), thing("A3", 4)])
    assert held() == (3, 5)
    raw.rows(THINGS, [thing("A1", 5, "renamed"), thing("A1", 6, "bad"), thing("A3", 5, gone=True)])
    assert held() == (3, 4)  # a key is one row, whatever its content was; and as its newest content says

    raw.rows(THINGS, [as_text(1, 7), as_text(4, 7), as_text(6, 7), as_text(7, 7)])
    assert held() == (3, 6)  # the lake has 1 and 4 already
    raw.tombstones(THINGS, [(("7",), at(8))])
    assert held() == (3, 5)
    raw.rows(THINGS, [thing(6, 9)])
    assert held() == (4, 4)
    assert held("verify") == held("replay") == held("rebuild") == held() == (4, 4)
    assert {row.number for row in tables.read(layout(THINGS).current).collect()} == {1, 2, 3, 6}


def test_what_a_later_contract_takes_is_counted_among_the_rows_after_a_replay(
    held: Callable[..., Held], raw: RawFolder
) -> None:
    texts = replace(THINGS, version="1.1.0", fields=(replace(THINGS.fields[0], type="string"), *THINGS.fields[1:]))
    sent = [replace(thing(None, 1), values=thing(None, 1).values | {"Number": text}) for text in ("1", "A1", "A2")]
    raw.rows(texts, sent)
    raw.sweep(texts, [("1",), ("A1",)], at(10))
    assert held() == (1, 2)  # A2 is gone, but by today's contract nobody can tell
    assert held("replay", texts) == (2, 0)
    assert held("verify", texts) == held("rebuild", texts) == held(plan=texts) == (2, 0)


def test_bad_rows_with_a_key_are_no_rows_without_one(held: Callable[..., Held], raw: RawFolder) -> None:
    raw.rows(THINGS, [thing(1, 1, "bad"), thing(2, 1, "bad")])
    raw.rows(THINGS, [thing(1, 2, "bad", gone=True), thing(2, 2)])
    raw.sweep(THINGS, keys(1, 2), at(3))
    assert held() == (1, 0)
    assert held("replay", ANY_NAME) == (1, 0)
