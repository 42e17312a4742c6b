"""What an invocation asks of source and AWS that finds no news: as both counted, in the invocation after the first ones."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

from bench.measuring import Sample, Task, peak_mib, write
from bench.sides.ours import handler_of, until_done

if TYPE_CHECKING:
    from collections.abc import Mapping


def asked(task: Task) -> Counter[str]:
    """How often source and AWS were asked for what so far."""
    found: Counter[str] = Counter()
    for url in (task.url, task.aws):
        with urllib.request.urlopen(f"{url}/-/counts") as answer:  # noqa: S310
            found.update(json.load(answer))
    return found


def main() -> None:
    """Reads the rows, then once more, and counts that."""
    task = Task.told()
    handler, entity = handler_of(task)
    until_done(handler, entity, task.url, "rows")
    before = asked(task)
    until_done(handler, entity, task.url, "rows")
    news: Mapping[str, int] = asked(task) - before
    write(task, Sample(0.0, 0.0, peak_mib(), dict(news)))


if __name__ == "__main__":
    main()
