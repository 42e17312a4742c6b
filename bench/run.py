"""One run of the benchmark: rows, servers, sides in alternating order, checks, and what came of it."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.checking import check
from bench.measuring import Sample, Task
from bench.processes import run_side, serving
from bench.rows import FORMS, Shape, read_totals, write_rows
from bench.works import OURS, PAGE, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 20_000
STARTS = {"odata": "/odata/Rows", "salesforce": "/services/data/v62.0/query?q=SELECT Id FROM Rows ORDER BY Id"}

type Samples = dict[str, list[Sample]]


@dataclass
class Bench:
    """Where things lie, which Python runs a side, how many rounds there are, which ports are free."""

    rows: Path
    home: Path
    layer: Path
    python: Callable[[str], Path]
    rounds: int
    port: int
    say: Callable[[str], None]
    profile: bool = False
    _runs: int = field(default=0)

    @contextlib.contextmanager
    def source(self, work: Work) -> Iterator[tuple[str, Path]]:
        """The URL of a source with a work's rows, and their file."""
        form = FORMS[work.form]
        path = write_rows(self.rows, Shape(form, work.rows), undeclared=work.undeclared)
        words = ["--rows", str(path), "--form", form.name, "--page-size", str(PAGE), "--thinking", str(work.thinking)]
        with serving("bench.source", self.port, *words) as url:
            yield url, path

    def compare(self, work: Work) -> Samples:
        """Each side's samples; every other round goes through the sides backwards."""
        sides = (OURS,) if self.profile else work.sides
        samples: Samples = {side: [] for side in sides}
        with self.source(work) as (url, path):
            self.say(f"{work.name}: the source alone sends {ceiling(url, work):,.0f} rows/s")
            for turn in range(self.rounds):
                for side in sides if turn % 2 == 0 else reversed(sides):
                    sample = self.sample(work, side, url, path)
                    samples[side].append(sample)
                    rate = work.rows_of(side) / sample.seconds
                    self.say(
                        f"  {turn + 1}/{self.rounds} {side}: {rate:,.0f} rows/s, {sample.seconds:.2f} s, "
                        f"CPU {sample.cpu:.2f} s, peak {sample.peak_mib:.0f} MiB"
                    )
        return samples

    def sample(self, work: Work, side: str, url: str, path: Path) -> Sample:
        """One process's sample of a work, after a look at what it wrote."""
        self._runs += 1
        out = self.home / f"{self._runs:04}-{side}"
        out.mkdir(parents=True)
        limit = "" if work.rows_of(side) == work.rows else f"/first/{work.rows_of(side)}"
        with serving("bench.aws", self.port + 1, "--folder", str(out)) as aws:
            task = self._task(work, side, out, url + limit, aws)
            sample = self._run(work, side, task)
        check(out / "rows", read_totals(path, work.rows_of(side)))
        shutil.rmtree(out)
        return sample

    def start(self, work: Work, side: str) -> Sample:
        """One process's start, with nothing to read."""
        nowhere = "http://127.0.0.1:9"
        return self._run(work, side, self._task(work, side, self.home, nowhere, nowhere))

    def _task(self, work: Work, side: str, out: Path, url: str, aws: str) -> Task:
        return Task(
            url=url,
            aws=aws,
            start=STARTS[work.form],
            warm_up=f"/first/{WARM_UP}",
            out=str(out),
            plan=str(self.layer / "lake" / "plans" / f"{work.source}.rows.json"),
            result=str(self.home / f"{side}.json"),
            profile=str(self.rows.parent / f"{work.part}.profile") if self.profile else None,
        )

    def _run(self, work: Work, side: str, task: Task) -> Sample:
        return run_side(
            self.python(side), side, task, self._environment(work.source, task.aws), self.home / f"{side}.log"
        )

    def _environment(self, source: str, aws: str) -> dict[str, str]:
        """The environment of a side: what a function has, where AWS is, and no word to anybody else."""
        return {
            "PYTHONPATH": f"{self.layer}:{ROOT}",
            "TMPDIR": str(self.home),
            "AWS_ENDPOINT_URL": aws,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "LAKE_NAME": "bench",
            "LAKE_SOURCE": source,
            "LAKE_SOURCE_SECRET": "bench",
            "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }


def ceiling(url: str, work: Work) -> float:
    """Rows a second that the source sends to a client that throws them away; of a source that thinks, what it would send."""
    if work.thinking:
        return PAGE / work.thinking
    host = urlsplit(url).netloc
    connection = http.client.HTTPConnection(host)
    started = time.perf_counter()
    for first in range(0, work.rows, PAGE):
        target = f"/odata/Rows?$skiptoken={first}-{work.rows}"
        if work.form == "salesforce":
            target = f"/services/data/v62.0/query/{first}-{work.rows}"
        connection.request("GET", target)
        connection.getresponse().read()
    return work.rows / (time.perf_counter() - started)
