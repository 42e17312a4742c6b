"""Reading several passes side by side: their pages are asked for and parsed in threads, and come in the caller's."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.extract.errors import OutOfTime
from lake.extract.reading import ReadPage, Walk, abandon

GRACE_S = 1.0
"""A request that the deadline cuts short is given so long to say so itself."""

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from lake.extract.passes import Pass
    from lake.extract.places import Position
    from lake.extract.reading import Reader


@dataclass(frozen=True, slots=True)
class Stream:
    """A pass to read from a position on, under a number of the caller's."""

    number: int
    reading: Pass
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A stream has brought its whole pass."""


def side_by_side(reader: Reader, streams: Sequence[Stream], most: int) -> Generator[tuple[int, ReadPage | Ended]]:
    """The pages of all streams, each stream's in order, at most `most` streams at a time; raises SourceError or Paused.

    Each open stream has one page at most that is asked for and not yet taken. At least one page is read; when the budget is
    used up no more is asked for, what is on its way is brought, and it is over: streams without `Ended` go on from their
    last page's position. An error of a stream is raised after what other streams have brought by then; OutOfTime is one, of
    what did not come in the time of the budget. Closing it abandons what is on its way.
    """
    waiting = deque(streams)
    walks: dict[int, Walk] = {}
    begun = False
    try:
        while True:
            while waiting and len(walks) < most and not (begun and reader.used_up(_on_their_way(walks))):
                stream = waiting.popleft()
                walks[stream.number] = Walk(reader, stream.reading, stream.position)
                walks[stream.number].begin()
                begun = True
            if not any(walk.coming for walk in walks.values()):
                return
            for number in _arrived(reader, walks):
                yield from _take(number, walks)
    finally:
        abandon(list(walks.values()))


def _arrived(reader: Reader, walks: Mapping[int, Walk]) -> list[int]:
    """The streams whose next page is there, those that failed last; waits until there is one, or the time is over.

    A source that stalls within an answer holds its thread for as long as it may be silent, whatever time is left.
    """
    coming = {walk.coming: number for number, walk in walks.items() if walk.coming is not None}
    patience = max(0.0, reader.connection.budget.seconds_left()) + GRACE_S
    done = wait(coming, patience, FIRST_COMPLETED).done
    if not done:
        raise OutOfTime(f"{reader.connection.url} does not end its answer, and the time of the invocation is over")
    return [
        coming[future] for future in sorted(done, key=lambda future: (future.exception() is not None, coming[future]))
    ]


def _take(number: int, walks: dict[int, Walk]) -> Iterator[tuple[int, ReadPage | Ended]]:
    walk = walks[number]
    page = walk.take(_on_their_way(walks))
    if page is not None:
        yield number, page
    if walk.over:
        walks.pop(number).stop()
        yield number, Ended()


def _on_their_way(walks: Mapping[int, Walk]) -> int:
    return sum(walk.coming is not None and not walk.coming.done() for walk in walks.values())
