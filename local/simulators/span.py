"""The span in which a day of changes happens."""

# ruff: noqa: S608  names come from the schema; values are bound

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from local.simulators.changes import Moment
from local.simulators.instants import clock_text, ts7_text
from local.simulators.schema import Entity
from local.simulators.store import Key, Store

LATE = timedelta(minutes=25)


@dataclass
class Day:
    """One day of one source: its span, its random stream, and the keys that something has happened to already."""

    store: Store
    rng: Random
    start: datetime
    end: datetime
    taken: set[Key]

    def stamp(self) -> datetime:
        """Some instant of the day, more than an hour before its end."""
        seconds = max(2, int((self.end - self.start).total_seconds()) - 3_600)
        return self.start + timedelta(seconds=self.rng.randrange(1, seconds))

    def stamp7(self) -> str:
        """The same with seven digits."""
        at = self.stamp() + timedelta(microseconds=self.rng.randrange(10**6))
        return ts7_text(at, self.rng.randrange(10))

    @property
    def late(self) -> Moment:
        """Stamped a minute before the day's end, visible `LATE` after its stamp."""
        at = self.end - timedelta(minutes=1)
        return Moment(at, at + LATE)

    def pick(self, entity: Entity, count: int, where: str = "1 = 1") -> list[Key]:
        """Up to `count` rows that nothing has happened to today; fewer where there are not so many."""
        free = self.peek(entity, where)
        picked = self.rng.sample(free, min(count, len(free)))
        self.taken.update(key[:1] for key in picked)
        return picked

    def peek(self, entity: Entity, where: str) -> list[Key]:
        """Every row of a kind that nothing has happened to today."""
        columns = ", ".join(entity.key)
        sql = f"SELECT {columns} FROM {entity.set_name} WHERE _visible_at <= ? AND {where} ORDER BY {columns}"
        found = [tuple(row) for row in self.store.read(sql, (clock_text(self.start),))]
        return [key for key in found if key[:1] not in self.taken]

    def ever(self, entity: Entity) -> int:
        """How many rows of a kind there are and were."""
        live = self.store.read(f"SELECT COUNT(*) FROM {entity.set_name}")[0][0]
        return int(live + self.store.read("SELECT COUNT(*) FROM _deleted WHERE entity = ?", (entity.name,))[0][0])
