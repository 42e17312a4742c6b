"""Histories that once ended otherwise than the model says, each event beside the slot in which it came."""

from tests.spark.model import Event, Sweep, Tombstone, Version

type Dealt = tuple[int, Event]


def case(key: str, swept: bool, *came: Dealt, refreshed: Version) -> tuple[Dealt, ...]:
    """Versions and tombstones in their slots; whether the sweep at 24 found the key, and the row that the refresh at 48 read."""
    sweeps = Sweep(24, frozenset({key} if swept else ())), Sweep(48, frozenset({key}), (refreshed,))
    return (*came, *((0, sweep) for sweep in sweeps))


CASES: dict[str, tuple[Dealt, ...]] = {
    "the sweep before the last one has overtaken a version": case(
        "case-1", False, (2, Version("case-1", 5, 5, (1,))), refreshed=Version("case-1", 48, 30, (2,), "unfit")
    ),
    "a bad version ended between two sightings of other ones": case(
        "case-2",
        False,
        (0, Version("case-2", 5, 5, (1,), "unfit")),
        (0, Version("case-2", 26, 26, (2,), "unfit")),
        refreshed=Version("case-2", 48, 26, (2,), "unfit"),
    ),
    "two contents of one instant and stamp came one after the other": case(
        "case-3",
        True,
        (0, Version("case-3", 48, 5, (1,))),
        (2, Version("case-3", 48, 5, (2,))),
        refreshed=Version("case-3", 48, 5, (3,)),
    ),
    "two contents of one instant and stamp came the other way round": case(
        "case-4",
        True,
        (0, Version("case-4", 48, 5, (2,))),
        (2, Version("case-4", 48, 5, (1,))),
        refreshed=Version("case-4", 48, 5, (3,)),
    ),
    "a tombstone at the very instant of a version": case(
        "case-5",
        True,
        (0, Version("case-5", 5, 5, (1,))),
        (0, Tombstone("case-5", 49)),
        (2, Version("case-5", 49, 5, (1,))),
        refreshed=Version("case-5", 48, 5, (1,)),
    ),
}
