"""What can go wrong between a source and raw. The class says who handles it, the message what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lake.extract.passes import Pass


class ExtractError(Exception):
    """Anything that ends an extraction."""


class BadRequest(ExtractError):
    """The event asks for something that this function does not have."""


class SourceError(ExtractError):
    """The source did not do what it is asked to."""


class SourceUnavailable(SourceError):
    """The source does not answer, or answers that it can't at the moment: worth another try."""


class OutOfTime(SourceUnavailable):
    """The time of the invocation ended before an answer came, or before another try: the source may be slow, or silent.

    No invocation ends with it: the engine goes on in the next one, or raises SourceTooSlow or SourceUnavailable.
    """


class SourceTooSlow(SourceError):
    """The source answers, but an invocation is too short for one page of it."""


class SourceAuthError(SourceError):
    """The source refused the credentials."""


class SourceRejected(SourceError):
    """The source refused the request itself: it will refuse it again. `status` is what it answered with."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class RangeIncomplete(SourceError):
    """A backfill has read its range, but rows of it may be missing."""


class AnswerTooLarge(SourceError):
    """The source answered with more than can be a page."""


class MalformedAnswer(SourceError):
    """The source's answer could not be read."""


class FilterIgnored(SourceError):
    """The source answered with rows outside the window: it did not apply the filter."""


class OrderIgnored(SourceError):
    """The source answered with rows out of order: paging by key would lose rows."""


class NoProgress(SourceError):
    """The source answered with rows that it had already given: paging would never end."""


class UnknownContinuation(SourceError):
    """The source says that there is more, in a way that neither protocol nor contract know: to end here would lose rows."""


class ResultCapReached(SourceError):
    """One query brought all that the source gives to one query: a narrower one is needed to see what lies behind.

    `reading` is the pass that met the cap.
    """

    def __init__(self, reason: str, reading: Pass) -> None:
        super().__init__(reason)
        self.reading = reading


class LeaseHeld(ExtractError):
    """Somebody else works on the entity."""


class LeaseLost(ExtractError):
    """Somebody else took the entity over in the meantime: what was landed is harmless, the state is theirs."""


class Paused(Exception):
    """The source wants no request before an instant. `is_brief`: an invocation with more time left would have waited."""

    def __init__(self, resume_at: datetime, reason: str, *, quota: bool, is_brief: bool = False) -> None:
        super().__init__(reason)
        self.resume_at = resume_at
        self.reason = reason
        self.quota = quota
        self.is_brief = is_brief
