"""One entity of a source as `lake source check` reads it: some pages of each scan, and each scan once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from lake.cli.findings import Finding, Verdict
from lake.cli.key_texts import keys_of, number_of_keys
from lake.extract.passes import refresh_pass, window_passes
from lake.extract.window import Window

if TYPE_CHECKING:
    from datetime import datetime

    from lake.cli.sources import Met
    from lake.contract.plan import Plan
    from lake.extract.passes import Pass
    from lake.extract.reading import Reader, ReadPage

DAY = timedelta(days=1)
PAGES = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """The first pages of a scan, each checked as extraction checks it. `is_whole`: no more follow; `took_s`: all of it."""

    pages: list[ReadPage]
    is_whole: bool
    took_s: float

    @property
    def sizes(self) -> list[int]:
        """The rows of each page."""
        return [page.batch.num_rows for page in self.pages]

    @property
    def links(self) -> int:
        """How many next links or tokens were seen at least, where the server pages."""
        return max(0, len(self.pages) - 1) if self.is_whole else len(self.pages)

    def keys(self, plan: Plan) -> int:
        """How many different keys came."""
        return number_of_keys(key for page in self.pages for key in keys_of(page.batch, plan.key_fields))


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of a source, and the source's clock."""

    met: Met
    plan: Plan
    source_now: datetime
    _samples: dict[Pass, Sample] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """What reads its pages."""
        return self.met.reader(self.plan)

    @property
    def all_time(self) -> Window:
        """A window that leaves no row with a stamp out."""
        return Window(None, self.source_now + DAY)

    @property
    def first_scan(self) -> Pass:
        """The scan that a first extraction begins with."""
        if self.plan.cursor.kind == "none":
            return refresh_pass(self.plan, track=False)
        return window_passes(self.plan, self.all_time)[0]

    def finding(self, what: str, verdict: Verdict, said: str, remedy: str | None = None) -> Finding:
        """A finding about this entity."""
        return Finding(f"{self.plan.entity}: {what}", verdict, said, remedy)

    def sample(self, scan: Pass) -> Sample:
        """The first pages of a scan; it is read once, however often it is asked for. Raises SourceError, Paused."""
        if scan not in self._samples:
            began = time.monotonic()
            pages = self.pages(scan, PAGES + 1)
            self._samples[scan] = Sample(pages[:PAGES], len(pages) <= PAGES, time.monotonic() - began)
        return self._samples[scan]

    def pages(self, scan: Pass, most: int) -> list[ReadPage]:
        """The first pages of a scan; raises SourceError, Paused."""
        pages = self.reader.pages(scan, None)
        try:
            return list(islice(pages, most))
        finally:
            pages.close()
