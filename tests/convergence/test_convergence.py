"""Raw becomes what the source is, whatever happens on the way: random histories of changes, faults, crashes and races.

How a history goes on is drawn from its seed alone; `make soak` plays thousands.
"""

from __future__ import annotations

import pytest

from tests.convergence.cases import CASES
from tests.convergence.kinds import KINDS
from tests.convergence.trials import trials

SEED = 1
HISTORIES = 11
"""Of each kind: 209 in all."""


def test_raw_converges_on_the_source_under_hostility() -> None:
    wanted = [(kind, SEED + number) for number in range(HISTORIES) for kind in KINDS]
    done = list(trials(wanted))
    print(f"{len(done)} histories of {len(KINDS)} kinds, seeds {SEED} to {SEED + HISTORIES - 1}")
    failed = [f"{t.kind}, seed {t.seed}: {t.problem}\n{t.shortest}" for t in done if t.problem is not None]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_history_that_went_wrong_once_converges(name: str) -> None:
    CASES[name].play()
