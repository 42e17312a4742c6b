"""An extractor may die, or hear nothing, at each of its operations: the next one puts right what is left.

`tests/scenario/test_crashes.py` lets every reading die at any point against moto; here the answers of S3 and DynamoDB are lost
too: the operation is done and an error comes, or the client asks again and is told that it was done.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.extract.errors import LeaseHeld
from lake.state.entity import LIVE
from tests.convergence.cloud import Fate
from tests.convergence.kinds import KINDS
from tests.convergence.lab import Lab
from tests.convergence.origin import Origin
from tests.convergence.raw_reader import RawReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.convergence.cloud import Cloud, Ending

SETTINGS = {"page_size": 12, "window_s": 400 * 86_400, "parallel_windows": 2, "requests": 9}
NEWS: tuple[dict[str, Any], ...] = (
    {"do": "bulk", "seed": 1, "rows": 15},
    {"do": "erase", "seed": 2, "rows": 2},
    {"do": "appear", "rows": 2, "days": 100},
    {"do": "advance", "minutes": 20},
    {"do": "edit", "seed": 3, "rows": 2, "unstamped": True},
    {"do": "advance", "minutes": 25 * 60},
)
LOST_ANSWERS = (
    ("odata-sweep", "unheard"),
    ("salesforce-feed", "unheard"),
    ("odata-refresh", "twice"),
    ("odata-delta", "twice"),
)
KINDS_OF_ALL_READINGS = ("odata-sweep", "odata-delta", "odata-refresh", "salesforce-feed", "stampless-sweep")


@dataclass(frozen=True)
class Moment:
    """What S3 and DynamoDB hold at one moment."""

    objects: dict[str, bytes]
    items: dict[tuple[str, str], Any]

    @staticmethod
    def of(cloud: Cloud) -> Moment:
        return Moment(dict(cloud.objects), deepcopy(cloud.items))

    def restore(self, lab: Lab) -> None:
        lab.cloud.objects, lab.cloud.items = dict(self.objects), deepcopy(self.items)
        lab.reader = RawReader(lab.cloud, lab.kind)
        lab.forget()


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def run(lab: Lab, fate: Fate) -> None:
    """Invocations until all is read, what curate asks for too; whoever fails is called again."""
    for lane, window in ((LIVE, None), *lab.lanes):
        fate = until_done(lab, fate, lane, window)
    lab.play({"do": "curate"})
    until_done(lab, fate, LIVE, None)


def until_done(lab: Lab, fate: Fate, lane: str, window: dict[str, str] | None) -> Fate:
    """Invocations until a lane is done; the fate of the extractor that is alive then."""
    for _ in range(60):
        outcome = lab.extract(fate, "run-1", SETTINGS["requests"], lane, window)
        lab.judge(outcome)
        assert not (isinstance(outcome, LeaseHeld) and fate.ending != "twice"), "its own lease keeps it out"
        if not isinstance(outcome, BaseException) and outcome.status == "DONE":
            return fate
        if fate.dead:
            fate = Fate()
    raise AssertionError("60 invocations and no end")


def at_every_point(lab: Lab, ending: Ending) -> int:
    """Lets a run end so at each point from the lab's present state on; how many points there were."""
    begin = Moment.of(lab.cloud)
    undisturbed = Fate()
    run(lab, undisturbed)
    lab.compare()
    watermark, points = lab.state().watermark, 0
    for point, name in enumerate(undisturbed.names):
        if ending != "die" and name == "HTTP":
            continue
        begin.restore(lab)
        run(lab, Fate(at=point, ending=ending))
        lab.compare()
        assert (lab.state().watermark, lab.state().checkpoint) == (watermark, None), name
        points += 1
    return points


@pytest.mark.parametrize(("kind", "ending"), [*((kind, "die") for kind in KINDS_OF_ALL_READINGS), *LOST_ANSWERS])
def test_a_run_survives_whatever_befalls_any_operation(tmp_path: Path, quiet: None, kind: str, ending: Ending) -> None:
    read = KINDS[kind]
    if read.shifts:  # what a scan by counted pages missed ends in a later run, which has to miss it, too
        read = replace(read, sees=False)
    with Origin(read.system, tmp_path) as origin:
        lab = Lab(origin, read, SETTINGS)
        run(lab, Fate())
        for step in NEWS:
            lab.play(step)
        points = at_every_point(lab, ending)
    print(f"{kind}: {ending} at {points} points")
    assert points


@pytest.mark.parametrize("ending", ["die", "unheard", "twice"])
def test_a_first_window_in_pieces_survives_whatever_befalls_any_operation(
    tmp_path: Path, quiet: None, ending: Ending
) -> None:
    with Origin("crm", tmp_path) as origin:
        lab = Lab(origin, KINDS["salesforce-flag"], SETTINGS)
        lab.play({"do": "backfill", "days_ago": 0, "days": 300})
        points = at_every_point(lab, ending)
    print(f"first window in pieces, and a backfill: {ending} at {points} points")
    assert points
