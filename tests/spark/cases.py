"""Histories that once ended otherwise than the model says, each event beside the slot in which it came."""

from tests.spark.model import Event, Sweep, Version

type Dealt = tuple[int, Event]


def case(key: str, swept: bool, *came: tuple[int, Version], refreshed: Version) -> tuple[Dealt, ...]:
    """Versions in their slots; whether the sweep at 24 found the key, and the row that the refresh at 48 read of it."""
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
}
