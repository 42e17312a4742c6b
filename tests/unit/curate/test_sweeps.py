"""Which sweeps a batch is held against, and the brake."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import NO_CURSOR, Plan
from lake.curate.errors import SweepBrake
from lake.curate.manifests import Manifest, Sweep
from lake.curate.sweeps import Toll, brake, latest, sweeps_to_hold

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
ORDERS = Plan.load(compile_folder(Path(__file__).parents[3] / "contracts")["erp.sales_order.json"])


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def tolls(gone: dict[int, int]) -> list[Toll]:
    """Keys that end with the sweep of each load, which began so many minutes after noon."""
    return [Toll(at(load), load, keys) for load, keys in gone.items()]


def rows(load: int, observed: int) -> Manifest:
    return Manifest(load, "rows", "p", (), 1, {}, at(observed), None, at(observed))


def sweep(load: int, started: int, last: bool = True) -> Manifest:
    return Manifest(
        load, "keys", "p", (), 1, {}, None, Sweep("s", at(started), last, (load,) if last else ()), at(started)
    )


def test_only_the_last_load_of_a_sweep_acts() -> None:
    ends = sweep(3, 5)
    assert sweeps_to_hold([rows(1, 1), sweep(2, 5, last=False), ends], ()) == (ends,)


def test_sweeps_act_in_the_order_in_which_they_began() -> None:
    early, late = sweep(5, 10), sweep(4, 20)
    assert sweeps_to_hold([late, early], ()) == (early, late)
    assert latest((early, late)) == late
    assert latest(()) is None


def test_a_sweep_acts_again_on_rows_that_it_overtook_and_on_no_others() -> None:
    first, last = sweep(1, 5), sweep(2, 10)
    assert sweeps_to_hold([rows(3, 4)], (last, first)) == (first, last)
    assert sweeps_to_hold([rows(3, 9)], (last, first)) == (last,)
    assert sweeps_to_hold([rows(3, 10)], (last, first)) == ()
    assert sweeps_to_hold([sweep(2, 10)], (last, first)) == (last,)


@pytest.mark.parametrize(
    ("gone", "alive"),
    [
        ({1: 5}, 95),  # five in a hundred are allowed
        ({1: 50}, 49),  # a table of fewer than 100 keys may lose any number
        ({1: 5, 2: 4}, 91),  # each sweep is measured by what lived before it
        ({}, 1000),
    ],
)
def test_the_brake_lets_pass_what_the_contract_allows(gone: dict[int, int], alive: int) -> None:
    brake(ORDERS, tolls(gone), alive, ())


def test_the_brake_names_the_sweep_and_what_to_do() -> None:
    with pytest.raises(SweepBrake) as stopped:
        brake(ORDERS, tolls({1: 5, 2: 60}), 935, [1])
    assert stopped.value.cause.startswith(
        "load 2: the sweep of erp.sales_order that began at 2026-11-16T12:02:00+00:00 did not find 60 of 995 keys, "
        "more than the 5%"
    )
    assert "lake accept erp.sales_order 2 --why" in stopped.value.remedy


def test_the_brake_lets_pass_a_sweep_that_somebody_has_accepted() -> None:
    brake(ORDERS, tolls({1: 5, 2: 60}), 935, [2])
    with pytest.raises(SweepBrake, match="load 1: "):
        brake(ORDERS, tolls({1: 500, 2: 60}), 440, [2])


def test_a_full_refresh_without_a_declared_sweep_has_a_brake_with_stamps_and_without() -> None:
    undeclared = replace(ORDERS, deletes=())
    brake(undeclared, tolls({1: 5}), 95, ())
    with pytest.raises(SweepBrake, match="did not find 6 of 100 keys, more than the 5%"):
        brake(undeclared, tolls({1: 6}), 94, ())
    with pytest.raises(SweepBrake, match="did not find 99 of 100 keys"):
        brake(replace(undeclared, cursor=NO_CURSOR), tolls({1: 99}), 1, ())


def test_the_end_of_all_keys_is_stopped_however_few_they_are() -> None:
    """A permission that is gone looks like this; a table of one row may lose it."""
    with pytest.raises(SweepBrake, match="did not find 3 of 3 keys"):
        brake(ORDERS, tolls({1: 3}), 0, ())
    brake(ORDERS, tolls({1: 3}), 0, [1])
    brake(ORDERS, tolls({1: 1}), 0, ())
    brake(ORDERS, tolls({1: 2}), 1, ())


def test_two_loads_of_one_instant_are_each_held_under_the_brake() -> None:
    suspects = [Toll(at(1), 1, 60), Toll(at(1), 2, 1)]
    with pytest.raises(SweepBrake, match=r"load 1: .* did not find 60 of 1000 keys"):
        brake(ORDERS, suspects, 939, ())
    brake(ORDERS, suspects, 939, [1])


def test_loads_of_keys_and_tombstones_are_not_overtaken_by_a_sweep() -> None:
    last = sweep(2, 10)
    told = replace(rows(3, 9), kind="tombstones")
    assert sweeps_to_hold([told], (last,)) == ()
