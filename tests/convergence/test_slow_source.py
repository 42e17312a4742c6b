"""A slow source is not a silent one: an invocation asks for no page that its time cannot bring, and the next one goes on.

Invocations of 30 s keep 3 s for the commit. Slow answers take no real time (see `tests.convergence.surroundings`).
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from lake.extract.errors import SourceTooSlow, SourceUnavailable
from lake.extract.world import Extracted
from tests.convergence.cloud import Fate
from tests.convergence.kinds import KINDS
from tests.convergence.lab import Lab
from tests.convergence.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.convergence.surroundings import Outcome

SETTINGS: dict[str, Any] = {"seconds": 30, "page_size": 3, "parallel_windows": 1}
NEWS: tuple[dict[str, Any], ...] = (
    {"do": "bulk", "seed": 1, "rows": 30},
    {"do": "erase", "seed": 2, "rows": 12},
    {"do": "appear", "rows": 10, "days": 100},
    {"do": "advance", "minutes": 25 * 60},
)
FEW_PAGES = ("pages-none", "stampless-none")
"""Kinds that are read whole in some requests, whatever `page_size` says."""
RUN = 40
"""Invocations that the machine gives an entity in one run."""


@contextmanager
def laboratory(folder: Path, kind: str, **settings: Any) -> Iterator[Lab]:
    with Origin(KINDS[kind].system, folder) as origin, closing(Lab(origin, KINDS[kind], SETTINGS | settings)) as lab:
        yield lab


def slow(lab: Lab, seconds: float, **settings: Any) -> None:
    lab.play({"do": "faults", "faults": [{"kind": "slow", "seconds": seconds} | settings]})


def invoke(lab: Lab) -> Outcome:
    return lab.extract(Fate(), "run-1", None)


def done(lab: Lab) -> Extracted:
    """What an invocation did that did not fail."""
    outcome = invoke(lab)
    assert isinstance(outcome, Extracted), outcome
    return outcome


def statuses(lab: Lab, most: int = RUN) -> list[str]:
    """How the invocations of a run ended: their statuses, at the end perhaps an error's class."""
    found: list[str] = []
    while len(found) < most and (not found or found[-1] == "CONTINUE"):
        outcome = invoke(lab)
        found.append(outcome.status if isinstance(outcome, Extracted) else type(outcome).__name__)
    return found


def place(lab: Lab) -> Any:
    """How far the reading is."""
    checkpoint = lab.state().checkpoint or {}
    return {name: value for name, value in checkpoint.items() if name not in ("loads", "fingerprints", "described")}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_pages_of_4_seconds_in_invocations_of_30_bring_everything(tmp_path: Path, kind: str) -> None:
    """Whatever is read: windows, refreshes, feeds, delta links, sweeps, and rows by key."""
    with laboratory(tmp_path, kind) as lab:
        slow(lab, 4)
        first = statuses(lab)
        for step in NEWS:
            lab.play(step)
        later = statuses(lab)
        lab.play({"do": "curate"})
        last = statuses(lab)
        assert [run[-1] for run in (first, later, last)] == ["DONE"] * 3
        assert len(first + later + last) > 3 or kind in FEW_PAGES, "no run was cut by its time"
        assert set(first[:-1] + later[:-1] + last[:-1]) <= {"CONTINUE"}
        lab.settle()


def test_each_invocation_that_is_to_be_continued_got_further(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep") as lab:
        slow(lab, 25)
        places = [place(lab)]
        for _ in range(4):
            outcome = done(lab)
            assert outcome.status == "CONTINUE"
            places.append(place(lab))
        assert all(before != after for before, after in pairwise(places))


def test_windows_that_are_read_side_by_side_all_go_on(tmp_path: Path) -> None:
    with laboratory(tmp_path, "salesforce-flag", parallel_windows=3, window_s=90 * 86_400) as lab:
        slow(lab, 9)
        assert statuses(lab)[-1] == "DONE"
        lab.compare()


def test_after_a_slow_count_the_first_page_has_a_whole_invocation(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep") as lab:
        slow(lab, 20)
        first = done(lab)
        assert (first.status, first.loads) == ("CONTINUE", ())
        (fault,) = lab.origin.faults.listed()
        assert fault["met"] == 1, "nothing was asked for that could not have come"
        assert statuses(lab)[-1] == "DONE"
        lab.compare()


@pytest.mark.parametrize("kind", ["odata-sweep", "odata-delta", "pages-sweep", "salesforce-feed"])
def test_a_page_that_comes_too_late_is_left_to_the_next_invocation(tmp_path: Path, kind: str) -> None:
    """Quick pages say nothing of the slow one behind them."""
    with laboratory(tmp_path, kind) as lab:
        slow(lab, 28, after=3)
        first = done(lab)
        assert (first.status, first.loads) == ("CONTINUE", (1,))
        lab.play({"do": "faults", "faults": []})
        assert statuses(lab)[-1] == "DONE"
        lab.compare()


@pytest.mark.parametrize("kind", ["odata-sweep", "salesforce-feed", "odata-delta", "stampless-sweep"])
def test_a_page_that_never_fits_ends_the_run_with_what_to_do(tmp_path: Path, kind: str) -> None:
    """The count still came: what it opened is kept, and the next invocation tries the page alone."""
    with laboratory(tmp_path, kind) as lab:
        slow(lab, 28, scope="rows", after=1 if kind == "salesforce-feed" else 0)
        found = statuses(lab)
        assert found[-1] == "SourceUnavailable"
        assert len(found) <= 3
        advice = r"raise the function's Timeout in template\.yaml, or lower the contract's page_size"
        with pytest.raises(SourceUnavailable, match=advice):
            raise invoke(lab)  # type: ignore[misc]


def test_a_source_that_answers_and_brings_no_reading_forward_is_too_slow(tmp_path: Path) -> None:
    """Empty pages lead on, and reading goes on behind a row alone: each invocation would ask for the same ones."""
    with laboratory(tmp_path, "odata-sweep") as lab:
        lab.play({"do": "faults", "faults": [{"kind": "slow", "seconds": 6}, {"kind": "empty_pages"}]})
        found = statuses(lab)
        assert (len(found) <= 3, found[-1]) == (True, "SourceTooSlow")
        with pytest.raises(SourceTooSlow, match="raise the function's Timeout"):
            raise invoke(lab)  # type: ignore[misc]


def test_a_source_that_says_nothing_is_unavailable_from_the_first_invocation_on(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep") as lab:
        slow(lab, 10_000)
        assert statuses(lab) == ["SourceUnavailable"]


def test_a_source_that_falls_silent_is_told_by_the_next_invocation_at_the_latest(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep") as lab:
        slow(lab, 10_000, after=4)
        assert statuses(lab) == ["CONTINUE", "SourceUnavailable"]
        lab.play({"do": "faults", "faults": []})
        assert statuses(lab)[-1] == "DONE"
        lab.compare()


def test_a_source_that_refuses_connections_while_time_is_left_is_unavailable_at_once(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep", seconds=900) as lab:
        lab.play({"do": "faults", "faults": [{"kind": "down", "after": 4}]})
        assert statuses(lab) == ["SourceUnavailable"]
        assert lab.reader.manifests(), "what came before is landed"


def test_a_slow_login_is_part_of_the_first_page(tmp_path: Path) -> None:
    with laboratory(tmp_path, "salesforce-flag") as lab:
        slow(lab, 12, scope="all")
        found = statuses(lab)
        assert set(found[:-1]) == {"CONTINUE"}
        assert found[-1] == "DONE"
        lab.compare()


def test_a_rest_that_the_time_left_cannot_hold_is_waited_for_by_the_next_invocation(tmp_path: Path) -> None:
    """Had there been time, this one would have waited: the run goes on, and the source is left alone as long as it wants."""
    with laboratory(tmp_path, "odata-sweep") as lab:
        rest = {"kind": "too_many", "form": "seconds", "seconds": 12, "after": 4, "times": 1}
        lab.play({"do": "faults", "faults": [{"kind": "slow", "seconds": 4}, rest]})
        first = done(lab)
        assert (first.status, first.resume_at) == ("CONTINUE", None)
        assert lab.state().resume_at is not None
        assert statuses(lab)[-1] == "DONE"
        lab.compare()


def test_a_rest_before_anything_came_pauses_the_entity(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-sweep") as lab:
        rest = {"kind": "too_many", "form": "seconds", "seconds": 40}
        lab.play({"do": "faults", "faults": [rest]})
        first = done(lab)
        assert (first.status, first.resume_at is not None) == ("PAUSED", True)


def test_the_contract_is_compared_with_the_source_only_where_time_is_left(tmp_path: Path) -> None:
    """Otherwise the commit of what was read would wait for it; the next invocation compares."""
    with laboratory(tmp_path, "odata-sweep") as lab:
        slow(lab, 4)
        found = []
        for _ in range(RUN):
            outcome = done(lab)
            found.append(outcome)
            assert "described" not in (lab.state().checkpoint or {})
            if outcome.status == "DONE":
                break
        assert {note for each in found for note in each.notes} == set()
        assert len(found) > 1
