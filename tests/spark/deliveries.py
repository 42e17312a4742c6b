"""Many histories in one raw folder, dealt over its loads, and the ways to curate it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lake.contract.plan import Plan
from lake.curate.entity import curate
from lake.curate.tables import Tables
from tests.spark.cases import Dealt
from tests.spark.documents import DOCUMENTS, plan_at, row
from tests.spark.histories import REFRESHES, SWEEPS, History
from tests.spark.model import Event, State, Sweep, Tombstone, Version, model
from tests.spark.mortal import Lives, MortalNotebook, MortalTables, PowerCut, Until
from tests.spark.raw_loads import SHIFTING, SHORT, WHOLE, RawFolder, at, sweep_entry

SLOTS = 3
PARTS = ("merged", "superseded", "unchanged", "quarantined")

type Load = tuple[Version, ...] | tuple[Tombstone, ...] | Sweep


@dataclass
class Delivery:
    """A raw folder whose loads, from 1 on, hold what was dealt to them."""

    raw: RawFolder
    begun: dict[int, list[int]] = field(default_factory=dict)

    @property
    def loads(self) -> int:
        """How many there are."""
        return self.raw.loads.get(DOCUMENTS.entity, 0)

    def land(self, load: Load) -> None:
        """Commit a load. A full refresh takes two: it is whole when it is landed a second time."""
        plan = plan_at(self.loads + 1)
        match load:
            case Sweep(began, keys) if began not in REFRESHES:
                end = WHOLE if load.ends else SHIFTING
                self.raw.sweep(plan, [(key,) for key in sorted(keys)], at(began), end=end)
            case Sweep(began, _, rows, ends=False):
                self.raw.refresh(plan, [row(each) for each in rows], at(began), end=SHORT)
            case Sweep():
                self._refresh(plan, load)
            case (Tombstone(is_suspect=suspects), *_):
                told = [((each.key,), at(each.at)) for each in load if isinstance(each, Tombstone)]
                self.raw.tombstones(plan, told, reason="suspects" if suspects else "feed")
            case _:
                self.raw.rows(plan, [row(each) for each in load if isinstance(each, Version)], parts=2)

    def _refresh(self, plan: Plan, sweep: Sweep) -> None:
        begun = self.begun.pop(sweep.began, None)
        half = len(sweep.rows) // 2
        rows = sweep.rows[:half] if begun is None else sweep.rows[half:]
        numbers = [*(begun or ()), self.loads + 1]
        entry = sweep_entry(numbers, at(sweep.began), None if begun is None else WHOLE)
        self.raw.rows(plan, [row(each) for each in rows], reason="refresh", sweep=entry)
        if begun is None:
            self.begun[sweep.began] = numbers


def deal(history: History, random: Random) -> list[Dealt]:
    """Each event in some slot, some of them in two."""
    return [(random.randrange(SLOTS), event) for event in history.events for _ in range(random.choice((1, 1, 1, 2)))]


def loads(dealt: Iterable[Dealt], sweeps: Sequence[Sweep], order: Sequence[int] = SWEEPS) -> list[Load]:
    """The loads of the slots, rows and tombstones, with sweeps behind each slot but the last; of a whole refresh both halves."""
    landed: list[Load] = []
    for slot in range(SLOTS):
        came = [event for number, event in dealt if number == slot]
        told = [event for event in came if isinstance(event, Tombstone)]
        some = [union(began, sweeps) for began in order[slot :: SLOTS - 1] if slot < SLOTS - 1]
        landed.append(tuple(event for event in came if isinstance(event, Version)))
        landed += some
        landed += [tuple(each for each in told if each.is_suspect is suspects) for suspects in (True, False)]
        landed += [half for half in some if half.began in REFRESHES and half.ends]
    return [load for load in landed if load]


def union(began: int, sweeps: Sequence[Sweep]) -> Sweep:
    """The sweep of that instant over all histories: they share a source."""
    same = [sweep for sweep in sweeps if sweep.began == began]
    keys = frozenset(key for sweep in same for key in sweep.keys)
    rows = tuple(version for sweep in same for version in sweep.rows)
    return Sweep(began, keys, rows, all(sweep.ends for sweep in same))


def expected(histories: Iterable[Sequence[Event]]) -> State:
    """What the tables hold of all these histories' events."""
    state = State()
    for one in map(model, histories):
        state.current |= one.current
        state.deleted |= one.deleted
        state.quarantine += one.quarantine
        state.history += one.history
    return state


def deliver(raw: RawFolder, dealt: Sequence[Dealt], order: Sequence[int] = SWEEPS) -> int:
    """Commit the loads of all that was dealt, the sweeps (whatever their slots) in this order. Returns how many they are."""
    delivery = Delivery(raw)
    for load in loads(dealt, [event for _, event in dealt if isinstance(event, Sweep)], order):
        delivery.land(load)
    return delivery.loads


def run(spark: Any, tables: Tables, raw: RawFolder, last: int, lives: Lives | None = None) -> bool:
    """Curate the loads up to `last` by their release's contract; false where the process died. The balance closes."""
    lives = lives or Lives()
    mortal = MortalTables(spark, tables.database, lives)
    try:
        record = curate(spark, mortal, Until(raw, last, lives), MortalNotebook(lives), plan_at(last))
    except PowerCut:
        return False
    assert record["landed"] == sum(record[part] for part in PARTS), record
    assert record["live_by_raw"] == record["live_in_tables"], record
    return True
