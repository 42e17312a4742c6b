"""How far each entity is: what the state table says, held against what the deployed plans promise."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from lake.cli.aws import Stack, client
from lake.contract.plan import Plan
from lake.instants import from_text
from lake.run.lease import KEY as LEASE
from lake.run.state import Progress, RunState

Standing = Literal["DONE", "LATE", "PAUSED", "FAILED", "NEVER"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The pipeline lease: the execution that holds it (None: nobody), since when, and the requests that wait."""

    execution: str | None
    since: datetime | None
    pending: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class EntityStatus:
    """One entity's line of `lake status`. `read_at`: when a run last read it to its end; `owes`: how old it may become."""

    progress: Progress
    standing: Standing
    reason: str | None
    read_at: datetime | None
    owes: timedelta


def deployed_plans(stack: Stack) -> dict[str, Plan]:
    """Entity → plan of the deployed release: of each entity's plans in raw, which stay for ever, the one written last."""
    s3, bucket = client("s3"), stack.output("RawBucketName")
    found: list[dict[str, Any]] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="plans/"):
        found += page.get("Contents", [])
    plans: dict[str, Plan] = {}
    for item in sorted(found, key=lambda entry: entry["LastModified"]):
        plan = Plan.load(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode())
        plans[plan.entity] = plan
    return dict(sorted(plans.items()))


def run_state(stack: Stack) -> RunState:
    """The stack's state table."""
    return RunState(client("dynamodb"), stack.output("StateTableName"))


def read_lease(stack: Stack) -> Lease:
    """Who runs the pipeline now."""
    table = stack.output("StateTableName")
    item = client("dynamodb").get_item(TableName=table, Key=LEASE, ConsistentRead=True).get("Item") or {}
    return Lease(
        execution=item["execution"]["S"] if "execution" in item else None,
        since=from_text(item["since"]["S"]) if "since" in item else None,
        pending=[json.loads(value["S"]) for value in item.get("pending", {"L": []})["L"]],
    )


def standing(
    plan: Plan, progress: Progress, rests_until: datetime | None, reports: Sequence[Mapping[str, Any]], now: datetime
) -> EntityStatus:
    """An entity's line. `reports`: of the last runs, the newest first.

    Fresh is what was read to its end no longer ago than the contract allows; where no report tells, the watermark does.
    """
    owes = timedelta(seconds=plan.freshness_s)
    read_at = _last_read(plan.entity, reports)
    problem = _last_problem(plan.entity, reports)
    age = now - (read_at or progress.watermark or now)
    if rests_until is not None:
        return EntityStatus(progress, "PAUSED", f"rests until {rests_until:%Y-%m-%d %H:%M}Z", read_at, owes)
    if problem is not None:
        return EntityStatus(progress, "FAILED", problem, read_at, owes)
    if progress.watermark is None:
        return EntityStatus(progress, "NEVER", "not read to its end yet: `lake run`", read_at, owes)
    if age > owes:
        return EntityStatus(progress, "LATE", "older than its contract allows: `lake run`", read_at, owes)
    return EntityStatus(progress, "DONE", None, read_at, owes)


def _last_read(entity: str, reports: Sequence[Mapping[str, Any]]) -> datetime | None:
    return next((from_text(report["settled_at"]) for report in reports if _status(entity, report) == "DONE"), None)


def _last_problem(entity: str, reports: Sequence[Mapping[str, Any]]) -> str | None:
    """Error and cause of the last run that took part in this entity's life, if it ended badly for it."""
    for report in reports:
        for problem in report["problems"]:
            if problem["where"] == entity:
                return f"{problem['error']}: {problem['cause']}"
        if _status(entity, report) in ("DONE", "CONTINUE"):
            return None
    return None


def _status(entity: str, report: Mapping[str, Any]) -> str | None:
    return next((str(line["status"]) for line in report["entities"] if line["entity"] == entity), None)
