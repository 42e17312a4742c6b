"""A thread that does one thing after the other."""

from __future__ import annotations

from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Worker[T]:
    """A thread of its own for work that is handed over; it ends when it is told to, with the process at the latest.

    One thread for many pieces of work: what Arrow allocates belongs to a thread, and a new one begins with nothing.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], T], Future[T]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def begin(self, work: Callable[[], T]) -> Future[T]:
        """What the work will have given, or raised."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="lake-worker", daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._work.put((work, future))
        return future

    def end(self) -> None:
        """No more work comes: the thread ends behind what it is doing."""
        self._work.put(None)

    def _run(self) -> None:
        while (handed := self._work.get()) is not None:
            work, future = handed
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
                future.set_exception(error)
            del handed, work, future  # what they hold is the caller's alone
