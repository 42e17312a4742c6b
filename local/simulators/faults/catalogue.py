"""All kinds of faults, each of them one function; what a fault may do to a reader; and combinations by chance.

`python -m local.simulators faults` prints the list. A fault is a plain JSON object: `kind`, the settings of its kind, and
the common ones in `COMMON`.
"""

import inspect
from collections.abc import Collection, Mapping
from random import Random
from typing import Any, Final, get_args

from local.simulators.faults import arrival, gateway, pages, queries, wire
from local.simulators.faults.kinds import Kind, Nature, Scope

COMMON: Final[Mapping[str, Any]] = {
    "seed": 0,
    "p": 1.0,
    "times": None,
    "after": 0,
    "only": "",
    "scope": None,
}
"""`p`: by which chance it plays, drawn from `seed`; `times`: how often (null: for ever); `after`: how many requests pass
before; `only`: what the request's decoded target must contain; `scope`: which requests it meets instead of its kind's."""

KINDS: Final[dict[str, Kind[Any]]] = (
    arrival.CHANGE | gateway.BEFORE | gateway.INSTEAD | queries.QUERY | pages.PAGE | wire.WIRE
)
"""By name; where several play at once, those of one sort do so in this order."""

_MOST_RETRIES = 3
"""What all transient faults of a combination may cost a single request."""


def checked(fault: Mapping[str, Any]) -> dict[str, Any]:
    """A fault with all its settings. ValueError for an unknown kind or setting."""
    name = fault.get("kind")
    kind = KINDS.get(str(name))
    if kind is None:
        raise ValueError(f"fault kind {name!r} is unknown: give one of none, {', '.join(KINDS)}")
    known = {"kind": name} | dict(COMMON) | dict(kind.settings)
    unknown = sorted(fault.keys() - known.keys())
    if unknown:
        raise ValueError(f"fault {name} has no setting {', '.join(unknown)}: give {', '.join(known)}")
    whole = known | dict(fault)
    whole["scope"] = whole["scope"] or kind.scope
    if whole["scope"] not in get_args(Scope.__value__):
        raise ValueError(f"scope {whole['scope']!r} is unknown: give one of {', '.join(get_args(Scope.__value__))}")
    kind.check(whole)
    return whole


def nature(fault: Mapping[str, Any]) -> Nature:
    """What a fault may do at worst. What never stops is not healed by asking again."""
    whole = checked(fault)
    kind = KINDS[whole["kind"]]
    if whole["kind"] == "schema_drift" and whole["how"] == "new":
        return "quiet"
    if whole["kind"] == "result_cap" and whole["refuse"]:
        return "detectable"
    if whole["kind"] == "http" and int(whole["status"]) < 500 and int(whole["status"]) != 429:
        return "detectable"
    endless = whole["times"] is None and kind.nature == "transient"
    return "detectable" if endless else kind.nature


def hides(fault: Mapping[str, Any]) -> bool:
    """Whether rows may escape a reader until its next full refresh: see `Kind`."""
    return KINDS[str(fault["kind"])].hides


def draw(
    rng: Random, face: str, natures: Collection[Nature] = ("transient", "detectable", "quiet"), most: int = 3
) -> list[dict[str, Any]]:
    """Up to `most` faults of different kinds that make sense for a protocol (a name in `faces.FACES`, or `rest`).

    Their settings are bounded: asking three times more heals all transient ones, detectable ones stop after two answers
    (a quota: with the day), late commits and a skewed clock stay within an overlap of ten minutes.
    """
    fitting = [
        name
        for name, kind in KINDS.items()
        if kind.draw and kind.nature in natures and (not kind.faces or face in kind.faces)
    ]
    drawn, left = [], _MOST_RETRIES
    for name in rng.sample(fitting, rng.randint(0, min(most, len(fitting)))):
        fault = _drawn(rng, name, left)
        if fault is not None:
            left -= fault["times"] if KINDS[name].nature == "transient" else 0
            drawn.append(fault)
    return drawn


def _drawn(rng: Random, name: str, retries_left: int) -> dict[str, Any] | None:
    kind = KINDS[name]
    chance: dict[str, Any] = {"p": round(rng.choice((1.0, rng.uniform(0.05, 0.6))), 3)}
    if kind.nature == "transient":
        if not retries_left:
            return None
        chance |= {"times": rng.randint(1, min(2, retries_left)), "after": rng.randint(0, 8)}
    elif kind.nature == "detectable" and not kind.watchful:
        chance |= {"times": rng.randint(1, 2), "after": rng.randint(0, 8)}
    elif kind.steady:
        chance = {}
    settings = kind.draw(rng) if kind.draw else {}
    return {"kind": name, "seed": rng.randrange(10**6)} | chance | settings


def described() -> str:
    """The list of all kinds: name, nature, settings, and what it does."""
    lines = []
    for name, kind in KINDS.items():
        settings = ", ".join(f"{key}={value!r}" for key, value in kind.settings.items())
        lines.append(f"{name:<20} {kind.nature:<11} {inspect.getdoc(kind.play)}{f' [{settings}]' if settings else ''}")
    common = ", ".join(f"{key}={value!r}" for key, value in COMMON.items())
    return "\n".join([*lines, "", f"Each takes {common}."])
