"""What a kind of fault is, and what it knows of the request that it meets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Literal

from local.simulators.faults.faces import Face
from local.simulators.messages import Request

type Nature = Literal["transient", "detectable", "quiet"]
"""What a fault may do to whoever reads: asking again heals it; an extraction ends with an error of its own and loses
nothing; or an extraction simply copes."""

type Scope = Literal["all", "source", "rows"]
"""Which requests a fault meets: all, all but logins, or those that are answered with rows."""

type Settings = Mapping[str, Any]

type Perform = Callable[[str, Mapping[str, Any]], object]
"""Does an action of the control API."""

type Hold = Callable[[Request, float], None]
"""Holds the answer to a request back, for so many seconds."""


@dataclass(frozen=True)
class Met:
    """A request that a fault meets; `strikes` says whether chance and count want it to play now.

    `memory` is the fault's own, from one request to the next.
    """

    request: Request
    face: Face
    now: datetime
    settings: Settings
    rng: Random
    memory: dict[str, Any]
    strikes: bool
    perform: Perform
    hold: Hold

    @property
    def series(self) -> str:
        """What is the same for all pages of one reading."""
        return self.face.series(self.request.path)


type Check = Callable[[Settings], None]
"""Raises ValueError for settings that a kind cannot play with."""


def one_of(name: str, *values: object) -> Check:
    """A check that a setting has one of these values."""

    def check(settings: Settings) -> None:
        if settings[name] not in values:
            raise ValueError(f"{name} {settings[name]!r} is unknown: give one of {', '.join(map(str, values))}")

    return check


def _anything(settings: Settings) -> None:
    del settings


def _nothing(rng: Random) -> dict[str, Any]:
    del rng
    return {}


@dataclass(frozen=True)
class Kind[F]:
    """A kind of fault: what it does (its docstring says it), and how it may be drawn.

    `settings` are its own with their defaults, `check` refuses wrong ones. A `watchful` one is asked at each request, and
    looks at `strikes` itself; a `steady` one is drawn to play always. One that `hides` rows keeps them from a reader that
    follows the server's links, or whose pages are too small to show what happens, until its next full refresh. `faces`:
    the protocols that it makes sense for (empty: all). `draw` gives settings by chance; None: it is not drawn.
    """

    play: F
    nature: Nature
    scope: Scope = "source"
    settings: Settings = field(default_factory=dict)
    check: Check = _anything
    watchful: bool = False
    steady: bool = False
    hides: bool = False
    faces: tuple[str, ...] = ()
    draw: Callable[[Random], dict[str, Any]] | None = _nothing
