"""Random histories of documents: what a source went through, and what was seen of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.spark.model import Event, Sweep, Tombstone, Version

KEYS = 4
STEP = 4
SWEEPS = (12, 24, 36, 48)
SHIFTING = (12,)
"""Those whose pages are counted: keys slip past, and a key that was not found is asked for before the next one."""
SHORT = (36,)
"""Those that find less than the source counts."""
REFRESHES = (36, 48)
"""Those that read all rows; the last one ends what a source goes through."""
RULES = ("unfit", "item.amount_not_negative")

type Row = tuple[int | None, tuple[int, ...], str | None]


@dataclass(frozen=True)
class History:
    """What was seen, and the source's rows (stamp, amounts, broken rule) in the end. None: there was no source."""

    seed: int
    events: tuple[Event, ...]
    source: dict[str, Row] | None


def history(seed: int) -> History:
    """A history by its seed: three of four are those of a source; what the others tell makes no sense, and need not."""
    random = Random(seed)  # noqa: S311 (repeatable, not secret)
    keys = [f"{seed:06d}-{number}" for number in range(KEYS)]
    if random.randrange(4):
        source = Source(random, keys)
        return History(seed, tuple(source.lived()), source.rows)
    return History(seed, tuple(noise(random, keys)), None)


def row(random: Random, until: int) -> Row:
    """Some row, stamped before `until`; one of seven has no stamp, one of seven breaks a rule."""
    stamp = random.randrange(until) if random.randrange(7) else None
    amounts = tuple(random.randrange(1, 4) for _ in range(random.randrange(4)))
    return stamp, amounts, None if random.randrange(7) else random.choice(RULES)


class Source:
    """Documents that change, are stamped late or not at all, go, come back, and are restored from a backup."""

    def __init__(self, random: Random, keys: Sequence[str]) -> None:
        self._random = random
        self._keys = keys
        self._backup: dict[str, Row] = {}
        self.rows: dict[str, Row] = {}

    def lived(self) -> list[Event]:
        """What windows, feeds, sweeps and searches for suspects showed. Now and then a window misses a change."""
        events: list[Event] = []
        suspects: list[str] = []
        for minute in range(0, SWEEPS[-1] + 1, STEP):
            before = dict(self.rows)
            self._live(minute)
            changed = [key for key in self.rows if self.rows[key] != before.get(key)]
            known = [key for key in self.rows if key not in changed]
            events += [self._read(key, minute) for key in changed if self._random.random() < 0.9]
            events += [self._read(key, minute) for key in known if self._random.random() < 0.2]
            gone = (key for key in self._keys if key not in self.rows and self._random.random() < 0.2)
            events += [Tombstone(key, minute + self._random.randrange(3)) for key in gone]
            events += self._shown_as_both(before, minute)
            events += [self._asked(key, minute) for key in suspects]
            suspects = []
            if minute in SWEEPS:
                sweep = self._sweep(minute)
                events.append(sweep)
                suspects = [key for key in self._keys if key not in sweep.keys] if minute in SHIFTING else []
        return events

    def _shown_as_both(self, before: dict[str, Row], minute: int) -> list[Event]:
        """What a delta link may show of a key that is gone: its last row, and, later than that, that it was removed."""
        gone = [key for key in before if key not in self.rows and self._random.random() < 0.2]
        rows: list[Event] = [Version(key, minute, *before[key]) for key in gone]
        return rows + [Tombstone(key, minute + 1) for key in gone]

    def _sweep(self, minute: int) -> Sweep:
        """All keys; of a sweep that is not whole some."""
        ends = minute not in (*SHIFTING, *SHORT)
        found = [key for key in self.rows if ends or self._random.random() < 0.6]
        rows = tuple(self._read(key, minute) for key in found) if minute in REFRESHES else ()
        return Sweep(minute, frozenset(found), rows, ends)

    def _asked(self, key: str, minute: int) -> Event:
        """What came of asking for a suspect by its key."""
        return self._read(key, minute) if key in self.rows else Tombstone(key, minute, is_suspect=True)

    def _live(self, minute: int) -> None:
        match self._random.randrange(10):
            case 0:
                self._backup = dict(self.rows)
            case 1:
                self.rows = dict(self._backup)
            case 2 | 3 | 4:
                self.rows.pop(self._random.choice(self._keys), None)
            case _:
                self.rows[self._random.choice(self._keys)] = row(self._random, minute + 1)

    def _read(self, key: str, minute: int) -> Version:
        return Version(key, minute + self._random.randrange(3), *self.rows[key])


def noise(random: Random, keys: Sequence[str]) -> list[Event]:
    """Anything at any time: two contents at one instant with one stamp, and tombstones and sweeps at the instant of a version."""
    shown: list[Version] = []

    def version(key: str, observed: int) -> Version:
        stamp, amounts, breaks = row(random, SWEEPS[-1])
        beside = [each.stamp for each in shown if (each.key, each.observed) == (key, observed)]
        if beside and random.randrange(2):
            stamp = beside[0]
        shown.append(Version(key, observed, stamp, amounts, breaks))
        return shown[-1]

    def sight() -> Version:
        if shown and not random.randrange(4):
            before = random.choice(shown)
            return version(before.key, before.observed)
        return version(random.choice(keys), instant())

    def instant() -> int:
        return random.randrange(0, SWEEPS[-1] + 2 * STEP, STEP)

    def end() -> Tombstone:
        if shown and not random.randrange(3):
            before = random.choice(shown)
            return Tombstone(before.key, before.observed, is_suspect=bool(random.randrange(2)))
        return Tombstone(random.choice(keys), instant(), is_suspect=bool(random.randrange(2)))

    events: list[Event] = [sight() for _ in range(random.randrange(15))]
    events += [end() for _ in range(random.randrange(6))]
    for began in SWEEPS:
        found = [key for key in keys if random.randrange(2)]
        rows = [version(key, began + STEP * random.randrange(2)) for key in found] if began in REFRESHES else ()
        events.append(Sweep(began, frozenset(found), tuple(rows), began not in (*SHIFTING, *SHORT)))
    return events
