"""Executions of the pipeline: starting one, what its history says, how it ended. Functions of what Step Functions answers."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Phase = Literal["running", "done", "failed"]

# States that are worth a line, and what a person calls them. Names: statemachine/pipeline.asl.yaml.
STEPS = {
    "BeginRun": "take the lease",
    "ReadEntity": "read {entity}",
    "PlanWork": "plan the work",
    "StartCrawler": "crawl {crawler}",
    "GetCrawler": "crawl {crawler}",
    "Curate": "merge into curated (Glue)",
    "BuildAnalytics": "build the marts (Glue)",
    "SettleRun": "close the balance",
    "NotifyPeople": "tell people",
    "EndRun": "release the lease",
}
READING = ("ReadEntity",)
CRAWLING = ("StartCrawler", "GetCrawler")


@dataclass(slots=True)
class Step:
    """One line of a run: what is done, since when, how it went."""

    title: str
    started: datetime
    phase: Phase = "running"
    ended: datetime | None = None
    detail: str = ""


@dataclass(slots=True)
class History:
    """The steps of one execution in the order in which they began, grown event by event."""

    steps: dict[str, Step] = field(default_factory=dict)
    seen: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Learns of one event of `GetExecutionHistory`; one that it knows already is left out."""
        if event["id"] <= self.seen:
            return
        self.seen = event["id"]
        if entered := event.get("stateEnteredEventDetails"):
            self._enter(entered["name"], _object(entered.get("input")), event["timestamp"])
        elif left := event.get("stateExitedEventDetails"):
            self._leave(left["name"], _object(left.get("output")), event["timestamp"])

    def _enter(self, state: str, data: dict[str, Any], at: datetime) -> None:
        title = _title(state, data)
        if title is None:
            return
        step = self.steps.setdefault(title, Step(title, at))
        step.phase, step.ended = "running", None

    def _leave(self, state: str, data: dict[str, Any], at: datetime) -> None:
        title = _title(state, data)
        if title is None or title not in self.steps:
            return
        step = self.steps[title]
        if state in CRAWLING and not _crawled(data):
            return
        step.ended = at
        problem = data.get("error") or (state in CRAWLING and data.get("last") != "SUCCEEDED")
        step.phase = "failed" if problem else "done"
        if data.get("error"):
            step.detail = str(data["error"])
        elif state in READING:
            step.detail = _reading(step.detail, data.get("result") or {})


def _title(state: str, data: Mapping[str, Any]) -> str | None:
    """The line that a state belongs to; None for a state that is worth none, or that says no longer what it is about."""
    if state not in STEPS:
        return None
    # What a crawl's Catch hands on names the crawler in its step: `CrawlRaw lake-raw-crm`.
    crawler = data.get("crawler") or str(data.get("step", "?")).rpartition(" ")[2]
    return STEPS[state].format_map({"entity": data.get("entity", "?"), "crawler": crawler})


def _crawled(data: Mapping[str, Any]) -> bool:
    """Whether a crawler is over: it is asked about again and again."""
    return bool(data.get("error")) or data.get("state") == "READY"


def _reading(before: str, result: Mapping[str, Any]) -> str:
    """`1,003 rows, 1 load`: summed over an entity's invocations."""
    rows, loads = ([int(word.replace(",", "")) for word in before.split() if word[0].isdigit()] or [0, 0])[:2]
    rows += int(result.get("counts", {}).get("received", 0))
    loads += len(result.get("loads", []))
    text = f"{rows:,} rows, {loads} load{'' if loads == 1 else 's'}"
    status = result.get("status")
    return f"{text}, rests until {result.get('resume_at')}" if status == "PAUSED" else text


def _object(text: str | None) -> dict[str, Any]:
    """A JSON text's object; empty where the history leaves it out or holds something else."""
    value: object = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended. `outcome`: GOOD, DEGRADED, FAILED, QUEUED; `status`: Step Functions' own word."""

    run_id: str
    status: str
    outcome: str
    error: str | None
    cause: str | None
    holder: str | None
    started_at: datetime
    ended_at: datetime | None


def ending(execution: Mapping[str, Any]) -> Ending:
    """What `DescribeExecution` says of an execution."""
    output = _object(execution.get("output"))
    status = execution["status"]
    outcome = output.get("outcome") or ("RUNNING" if status == "RUNNING" else "FAILED")
    return Ending(
        run_id=execution["name"],
        status=status,
        outcome=outcome,
        error=execution.get("error"),
        cause=execution.get("cause"),
        holder=output.get("holder"),
        started_at=execution["startDate"],
        ended_at=execution.get("stopDate"),
    )


def new_events(sfn: Any, execution: str, seen: int) -> list[Mapping[str, Any]]:
    """The events of an execution's history after the `seen`-th, oldest first."""
    fresh: list[Mapping[str, Any]] = []
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution, reverseOrder=True)
    for page in pages:
        fresh += [event for event in page["events"] if event["id"] > seen]
        if any(event["id"] <= seen for event in page["events"]):
            break
    return fresh[::-1]


def run_name(at: datetime) -> str:
    """A run's name that people can read and that sorts as time does; letters keep two of one second apart."""
    return f"lake-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def request(sources: list[str], entities: list[str], task: str | None = None) -> dict[str, Any]:
    """The execution's input, as those in events/executions/."""
    named: dict[str, Any] = {"sources": sorted(sources), "entities": sorted(entities), "task": task}
    return {key: value for key, value in named.items() if value} | {"trigger": "lake"}
