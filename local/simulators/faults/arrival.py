"""Faults of when a change arrives: not at the instant that it is stamped with."""

from collections.abc import Callable
from random import Random

from local.simulators.faults.kinds import Kind, Settings

type Delay = Callable[[Settings, Random], float]


def late_commits(settings: Settings, rng: Random) -> float:
    """A change of the control API that does not say when it is seen is seen 0 to `minutes` later than it is stamped."""
    return rng.uniform(0, float(settings["minutes"]))


CHANGE: dict[str, Kind[Delay]] = {
    "late_commits": Kind(
        late_commits, "quiet", settings={"minutes": 5}, draw=lambda rng: {"minutes": rng.randint(1, 6)}
    )
}
