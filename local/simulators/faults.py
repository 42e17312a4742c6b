"""What can go wrong with a source on demand: one entry in `KINDS` a kind of trouble."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol


class Drop:
    """The connection is closed without an answer."""


DROP: Final = Drop()


class MakesResponse(Protocol):
    """What an HTTP fault answers with."""

    def __call__(self, status: int, body: bytes, content_type: str, headers: dict[str, str]) -> object: ...


type Trouble = Callable[[Mapping[str, object], MakesResponse], object]


def _down(settings: Mapping[str, object], respond: MakesResponse) -> object:
    """The server is gone."""
    del settings, respond
    return DROP


def _http(settings: Mapping[str, object], respond: MakesResponse) -> object:
    """A gateway answers with `status` in its own words, and with `retry_after` where that is given."""
    status = int(str(settings.get("status", 503)))
    retry_after = settings.get("retry_after")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    page = f"<html><body><h1>{status}</h1>The gateway cannot answer now.</body></html>"
    return respond(status, page.encode(), "text/html", headers)


KINDS: dict[str, Trouble] = {"down": _down, "http": _http}


@dataclass
class Faults:
    """The trouble that is on now; `times` counts the requests that it still meets, None for ever."""

    respond: MakesResponse
    _settings: Mapping[str, object] | None = None
    _times: int | None = None
    _lock: Lock = field(default_factory=Lock)

    def set(self, settings: Mapping[str, object]) -> None:
        """Begin `{"kind": ..., "times": n | null, ...}`; kind `none` ends all. ValueError for an unknown kind."""
        kind = settings.get("kind")
        if kind != "none" and kind not in KINDS:
            raise ValueError(f"fault kind {kind!r} is unknown: give one of none, {', '.join(KINDS)}")
        times = settings.get("times")
        with self._lock:
            self._settings = None if kind == "none" else dict(settings)
            self._times = None if times is None else int(str(times))

    def play(self) -> object:
        """What meets the next request: None (nothing), DROP, or an answer."""
        with self._lock:
            if self._settings is None or self._times == 0:
                return None
            if self._times is not None:
                self._times -= 1
            settings = self._settings
        return KINDS[str(settings["kind"])](settings, self.respond)
