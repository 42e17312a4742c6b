"""Random histories: settings and a list of steps, all of them values, so that a history can be told, kept and shrunk."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from local.simulators.faults import draw, hides
from tests.convergence.kinds import KINDS
from tests.convergence.lab import Lab
from tests.convergence.origin import Origin

MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory, where there is one

type Step = dict[str, Any]


@dataclass(frozen=True)
class History:
    """What happens. `settings`: page_size, window_s, parallel_windows, full_refresh_s, daily_requests, requests, skew_s,
    both (a delta shows removed keys as rows too), seconds (of an invocation)."""

    kind: str
    settings: dict[str, Any]
    steps: tuple[Step, ...]

    def play(self) -> Lab:
        """Plays it to its end and gives the laboratory; raises AssertionError where raw is not what it is to be."""
        kind = KINDS[self.kind]
        memory = MEMORY if MEMORY.is_dir() else None
        with (
            tempfile.TemporaryDirectory(prefix="lake-history-", dir=memory) as folder,
            Origin(kind.system, Path(folder)) as origin,
            closing(Lab(origin, kind, self.settings)) as lab,
        ):
            for step in self.steps:
                lab.play(step)
            lab.settle()
            return lab

    def told(self) -> str:
        """The history as Python text."""
        steps = "".join(f"\n        {step!r}," for step in self.steps)
        return f"History(\n    {self.kind!r},\n    {self.settings!r},\n    ({steps}\n    ),\n)"


def history(kind: str, seed: int) -> History:
    """The history of a seed."""
    rng = Random(f"{kind}:{seed}")  # noqa: S311  repeatable on purpose
    settings = {
        "page_size": rng.choice((3, 5, 8, 20)),
        "window_s": rng.choice((None, None, 90 * 86_400)),
        "parallel_windows": rng.choice((1, 1, 3)),
        "full_refresh_s": rng.choice((None, None, None, 2 * 86_400)),
        "daily_requests": rng.choice((None, None, None, 40)),
        "requests": rng.choice((None, 5)),
        "skew_s": rng.choice((0, 0, 45, -45, 120, -120)),
        "both": rng.choice((False, True)),
    }
    weights = {name: weight for name, (weight, _) in STEPS.items()}
    length = rng.randint(6, 24)
    names = rng.choices(list(weights), list(weights.values()), k=length)
    for tale in rng.sample(TALES, rng.choice((0, 1, 1, 2))):
        names = _woven(rng, names, tale)
    return History(kind, settings, tuple({"do": name} | STEPS[name][1](rng, kind, settings) for name in names))


def _woven(rng: Random, names: list[str], tale: tuple[str, ...]) -> list[str]:
    """The steps with those of a tale in between, in their order, mostly close to each other."""
    at = rng.randrange(len(names) + 1)
    woven = names[:at]
    left = names[at:]
    for name in tale:
        woven.append(name)
        if left and rng.random() < 0.3:
            woven.append(left.pop(0))
    return woven + left


def _requests(rng: Random) -> int | None:
    return rng.choice((None, 1, 2, 3, 5, 9))


def _invoke(rng: Random, *_: Any) -> Step:
    step: Step = {"requests": _requests(rng), "run": rng.choice(("run-1", "run-1", "run-1", "run-2"))}
    if rng.random() < 0.5:
        step["dies_at"] = rng.randrange(rng.choice((8, 16, 40)))
        step["ending"] = rng.choice(("die", "die", "unheard", "twice"))
    if rng.random() < 0.15:
        step["lane"] = rng.randrange(3)
    return step


def _edit(rng: Random, *_: Any) -> Step:
    step = _rows(rng, 5)
    chance = rng.random()
    if chance < 0.3:
        step["back"] = rng.randint(1, 4)
    if rng.random() < 0.3:
        step["late"] = rng.randint(1, 5)
    if rng.random() < 0.2:
        step["unstamped"] = True
    return step


def _rows(rng: Random, most: int) -> Step:
    return {"seed": rng.randrange(10**6), "rows": rng.randint(1, most)}


def _bulk(rng: Random, _: str, settings: dict[str, Any]) -> Step:
    return {"seed": rng.randrange(10**6), "rows": settings["page_size"] * 2 + 1}


def _churn(rng: Random, *_: Any) -> Step:
    return _rows(rng, 10) | {"late": rng.choice((None, None, rng.randint(1, 5)))}


def _faults(rng: Random, kind: str, _: dict[str, Any]) -> Step:
    if rng.random() < 0.25:
        return {"faults": []}
    drawn = draw(rng, KINDS[kind].face)
    if rng.random() < 0.8:
        drawn = [fault for fault in drawn if not hides(fault)]
    for fault in drawn:
        if fault["kind"] == "meanwhile":
            fault["do"] = [*fault["do"], ["advance", {"hours": rng.choice((0, 0.02, 0.1))}]]
    return {"faults": drawn}


TORN = ("s3.PutObject manifests", "s3.PutObject manifests", "s3.PutObject fingerprints", "s3.PutObject data")
"""Behind what an extractor dies, to leave a load or half of one without its state."""

TALES: tuple[tuple[str, ...], ...] = (
    ("keep", "erase", "edit", "read", "erase", "restore", "reload", "read", "invoke", "soon", "read", "soon", "read"),
    ("flip", "soon", "read", "flip", "soon", "torn", "flip", "soon", "read", "read"),
    ("flip", "day", "read", "flip", "soon", "torn", "read", "flip", "day", "read", "read"),
    ("flip", "soon", "read", "erase_it", "day", "read", "read", "bring_it_back", "soon", "read"),
    ("keep", "churn", "restore", "reload", "invoke", "invoke", "edit", "soon", "invoke"),
    ("invoke", "day", "invoke", "erase", "invoke", "bring_back", "invoke", "curate", "soon", "invoke"),
    ("appear", "day", "invoke", "read", "curate", "invoke", "edit", "invoke"),
    ("invoke", "edit", "stall", "hold", "edit", "soon", "invoke", "invoke", "wake", "soon", "invoke"),
    ("invoke", "edit", "invoke", "edit", "soon", "invoke", "edit", "soon", "invoke"),
    ("bulk", "soon", "invoke", "edit", "invoke", "bulk", "invoke", "soon", "invoke"),
    ("erase", "soon", "invoke", "bring_back", "invoke", "erase", "bring_back", "soon", "invoke", "invoke"),
)
"""What tends to go wrong, step by step."""

STEPS: dict[str, tuple[int, Any]] = {
    "invoke": (30, _invoke),
    "read": (3, lambda *_: {"do": "invoke", "requests": None}),
    "advance": (14, lambda rng, *_: {"minutes": rng.choice((1, 2, 5, 15, 40, 25 * 60))}),
    "soon": (0, lambda rng, *_: {"do": "advance", "minutes": rng.choice((1, 3, 12))}),
    "flip": (1, lambda rng, *_: {"seed": rng.randrange(10**6), "favourite": True, "unstamped": True}),
    "erase_it": (0, lambda rng, *_: {"do": "erase", "seed": rng.randrange(10**6), "favourite": True}),
    "bring_it_back": (
        0,
        lambda rng, *_: {"do": "bring_back", "seed": rng.randrange(10**6), "favourite": True, "unstamped": True},
    ),
    "torn": (1, lambda rng, *_: {"do": "invoke", "requests": _requests(rng), "dies_behind": rng.choice(TORN)}),
    "day": (0, lambda *_: {"do": "advance", "minutes": 25 * 60}),
    "edit": (12, _edit),
    "churn": (7, _churn),
    "bulk": (4, _bulk),
    "erase": (5, lambda rng, *_: _rows(rng, 3)),
    "bring_back": (4, _edit),
    "appear": (2, lambda rng, *_: {"rows": rng.randint(1, 3), "days": rng.randint(1, 400)}),
    "odd": (2, lambda rng, *_: _rows(rng, 3)),
    "faults": (9, _faults),
    "race": (2, lambda rng, *_: {"requests": _requests(rng)}),
    "stall": (3, lambda rng, *_: {"at": rng.randrange(20), "requests": _requests(rng)}),
    "wake": (3, lambda *_: {}),
    "hold": (3, lambda rng, *_: {"run": rng.choice((None, "run-1", "run-2", "zombie"))}),
    "backfill": (2, lambda rng, *_: {"days_ago": rng.choice((0, 3, 30)), "days": rng.choice((1, 100, 900))}),
    "reload": (1, lambda *_: {}),
    "curate": (3, lambda *_: {}),
    "keep": (2, lambda *_: {}),
    "restore": (2, lambda *_: {}),
    "track": (
        2,
        lambda rng, *_: {
            "mode": rng.choice(("on", "on", "on", "ignored", "refused")),
            "notation": rng.choice(("4.0", "4.01")),
            "expire": rng.random() < 0.3,
            "both": rng.random() < 0.5,
        },
    ),
}
"""By name: how often a step is drawn, and how."""
