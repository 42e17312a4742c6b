"""The last step of a run: release the pipeline lease and start what waited behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.run.request import Request, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.run.lease import PipelineLease


def end(execution: str, lease: PipelineLease, start: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """Releases and starts one execution for each task that waits; repeating it is safe.

    The requests leave the list only after they were started: a crash in between starts them once more, which costs a run
    that finds nothing to do. Of several the first holds the lease, and the others wait behind it.
    """
    waiting = lease.release(execution)
    started = [start(request.as_input()) for request in merge([_request(item) for item in waiting])]
    if waiting:
        lease.forget(waiting)
    return {"released": execution, "started": started}


def _request(item: dict[str, Any]) -> Request:
    """A request that was checked when it was queued."""
    named = frozenset(item.get("sources", [])), frozenset(item.get("entities", []))
    return Request(*named, item.get("trigger"), item.get("task"))
