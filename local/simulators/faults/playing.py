"""The faults that are on, and what they make of a request."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from threading import RLock
from typing import Any
from urllib.parse import unquote

from local.simulators.faults.arrival import CHANGE
from local.simulators.faults.catalogue import KINDS, checked
from local.simulators.faults.faces import Face, face_of
from local.simulators.faults.gateway import BEFORE, INSTEAD
from local.simulators.faults.kinds import Hold, Kind, Met, Perform
from local.simulators.faults.pages import PAGE, Page
from local.simulators.faults.queries import QUERY
from local.simulators.faults.wire import WIRE
from local.simulators.messages import Request, Response
from local.simulators.quirks import NO_QUIRKS


def _none(action: str, body: Mapping[str, Any]) -> object:
    raise ValueError(f"nobody is there to do {action} {body}")


def _sleep(request: Request, seconds: float) -> None:
    del request
    time.sleep(seconds)


@dataclass
class _Fault:
    """One fault that is on: its settings, its random stream, and whom it has met."""

    settings: dict[str, Any]
    rng: Random
    memory: dict[str, Any] = field(default_factory=dict)
    met: int = 0
    played: int = 0
    problem: str = ""

    @property
    def name(self) -> str:
        return str(self.settings["kind"])

    def concerns(self, request: Request, face: Face) -> bool:
        """Whether its settings mean such a request."""
        login = face.is_login(request.path)
        scope = self.settings["scope"]
        fits = scope == "all" or (not login if scope == "source" else bool(face.rows.match(request.path)))
        return fits and self.settings["only"] in unquote(request.target)

    def strikes(self) -> bool:
        """Counts a request that it meets, and says whether chance and count let it play."""
        self.met += 1
        times = self.settings["times"]
        if self.met <= self.settings["after"] or (times is not None and self.played >= times):
            return False
        if self.settings["p"] < 1 and self.rng.random() >= self.settings["p"]:
            return False
        self.played += 1
        return True


@dataclass
class Faults:
    """The faults of one source. Without any, requests pass untouched. `hold`: how a slow answer passes its time."""

    hold: Hold = _sleep
    _on: list[_Fault] = field(default_factory=list, init=False)
    _perform: Perform = field(default=_none, init=False)
    _lock: RLock = field(default_factory=RLock, init=False)

    def set(self, faults: Sequence[Mapping[str, Any]], perform: Perform = _none, seed: int = 0) -> None:
        """Put these in the place of all that were on; `perform` does what `meanwhile` asks for. ValueError for a wrong one.

        Each draws from its own random stream, made from `seed`, its own seed, its kind and its place.
        """
        on = []
        for place, fault in enumerate(faults):
            settings = checked(fault)
            stream = f"{seed}:{settings['seed']}:{settings['kind']}:{place}"
            on.append(_Fault(settings, Random(stream)))  # noqa: S311  repeatable on purpose
        order = list(KINDS)
        with self._lock:
            self._on, self._perform = sorted(on, key=lambda fault: order.index(fault.name)), perform

    def listed(self) -> list[dict[str, Any]]:
        """Each fault that is on: its settings, how many requests it `met`, how often it `played`, its last `problem`."""
        with self._lock:
            return [
                fault.settings | {"met": fault.met, "played": fault.played, "problem": fault.problem}
                for fault in self._on
            ]

    def delay(self) -> float | None:
        """By how many minutes a change is seen later than it is stamped; None: at once."""
        with self._lock:
            delays = [
                CHANGE[fault.name].play(fault.settings, fault.rng)
                for fault in self._on
                if fault.name in CHANGE and fault.strikes()
            ]
        return max(delays) if delays else None

    def answer(self, request: Request, now: datetime, source: Callable[[Request], Response]) -> Response:
        """What a request is answered with, `now` by the source's clock."""
        if not self._on:
            return source(request)
        face = face_of(request.path)
        for before, met in self._playing(BEFORE, request, face, now):
            before(met)
        response = self._instead(request, face, now)
        if response is None:
            quirks = NO_QUIRKS
            for misunderstand, met in self._playing(QUERY, request, face, now):
                quirks = misunderstand(met, quirks)
            response = self._spoilt(replace(request, quirks=quirks), face, now, source)
        for distort, met in self._playing(WIRE, request, face, now):
            response = distort(met, response)
        return response

    def _instead(self, request: Request, face: Face, now: datetime) -> Response | None:
        for instead, met in self._playing(INSTEAD, request, face, now):
            response = instead(met)
            if response is not None:
                return response
        return None

    def _spoilt(self, request: Request, face: Face, now: datetime, source: Callable[[Request], Response]) -> Response:
        response = source(request)
        if not any(fault.name in PAGE for fault in self._on):
            return response
        page = Page.of(face, response)
        if page is None:
            return response
        for spoil, met in self._playing(PAGE, request, face, now):
            page = spoil(met, page)
        return page.answer

    def _playing[F](
        self, kinds: Mapping[str, Kind[F]], request: Request, face: Face, now: datetime
    ) -> Iterator[tuple[F, Met]]:
        """Those of some kinds that play now, one after the other: one that answers keeps the next from being met."""
        for fault in self._of(kinds):
            kind = kinds[fault.name]
            with self._lock:
                if not fault.concerns(request, face):
                    continue
                strikes = fault.strikes()
            if strikes or kind.watchful:
                yield (
                    kind.play,
                    Met(
                        request=request,
                        face=face,
                        now=now,
                        settings=fault.settings,
                        rng=fault.rng,
                        memory=fault.memory,
                        strikes=strikes,
                        perform=self._done_by(fault),
                        hold=self.hold,
                    ),
                )

    def _of(self, kinds: Iterable[str]) -> list[_Fault]:
        with self._lock:
            return [fault for fault in self._on if fault.name in kinds]

    def _done_by(self, fault: _Fault) -> Perform:
        def perform(action: str, body: Mapping[str, Any]) -> object:
            try:
                return self._perform(action, body)
            except Exception as problem:  # noqa: BLE001  whatever it is, it belongs to whoever asked for the action
                fault.problem = f"{action}: {problem}"
                return None

        return perform
