"""The first step of a run: check the request, take the pipeline lease or queue behind it, say what is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.instants import to_text
from lake.run.lease import PipelineLease, Queued
from lake.run.request import CHANGING, parse, select
from lake.run.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.contract.plan import SourcePlan
    from lake.run.state import RunState


@dataclass(frozen=True, slots=True)
class Begun:
    """What is read: of each source its entities and how many of them at a time; and entities that rest until an instant."""

    sources: list[dict[str, Any]]
    skipped: list[dict[str, str]]


def begin(
    execution: str,
    asked: Mapping[str, Any],
    known: list[str],
    sources: Mapping[str, SourcePlan],
    lease: PipelineLease,
    state: RunState,
    now: datetime,
    lake: str,
) -> dict[str, Any]:
    """The answer of `begin_run` (docs/formats.md); raises BadRequest before the lease is touched."""
    request = parse(asked, known)
    held = lease.hold_or_queue(execution, request.as_input(), now)
    if isinstance(held, Queued):
        return {"status": "QUEUED", "holder": held.holder}
    selected = select(request, known)
    run_id = execution.rpartition(":")[2]
    if request.task is not None:
        work = Work(selected, build=request.task in CHANGING, crawl=[], task=request.task)
        return {"status": "HELD", "run_id": run_id, "sources": [], "skipped": [], "work": work.as_answer(lake)}
    resting = {entity: until for entity in selected if (until := state.rests_until(entity, now)) is not None}
    begun = divide(selected, resting, sources)
    return {
        "status": "HELD",
        "run_id": run_id,
        "sources": begun.sources,
        "skipped": begun.skipped,
        "work": None,
    }


def divide(selected: list[str], resting: Mapping[str, datetime], sources: Mapping[str, SourcePlan]) -> Begun:
    """Selected entities by source, without those that rest."""
    return Begun(
        sources=[
            {
                "source": source,
                "entities": [name for name in selected if name.startswith(f"{source}.") and name not in resting],
                "concurrency": plan.concurrency,
            }
            for source, plan in sources.items()
        ],
        skipped=[{"entity": name, "resume_at": to_text(resting[name])} for name in selected if name in resting],
    )
