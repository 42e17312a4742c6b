"""Closes a run: reads what its steps recorded, judges it, writes the report where people find it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lake.run.outcome import Asked, judge
from lake.run.remedy import problem
from lake.run.report import document, message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

    from lake.contract.plan import Plan
    from lake.run.events import SettleRun
    from lake.run.state import RunState


@dataclass(frozen=True, slots=True)
class ReportShelf:
    """Where the reports of runs lie."""

    s3: S3Client
    bucket: str

    def address(self, run_id: str) -> str:
        """The report's S3 address."""
        return f"s3://{self.bucket}/runs/{run_id}.json"

    def put(self, run_id: str, report: dict[str, Any]) -> None:
        """Writes a report; settling a run again replaces it."""
        body = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False).encode()
        self.s3.put_object(Bucket=self.bucket, Key=f"runs/{run_id}.json", Body=body, ContentType="application/json")


def settle_run(
    event: SettleRun, plans: Mapping[str, Plan], state: RunState, shelf: ReportShelf, now: datetime
) -> dict[str, Any]:
    """The answer of `settle_run`: outcome, the report's address, and what people are told."""
    records = state.records(event.run_id)
    asked = [Asked(item.entity, item.status, item.resume_at, item.error, item.cause) for item in event.extractions]
    asked += [Asked(item.entity, "PAUSED", item.resume_at) for item in event.skipped]
    steps = [problem(item.step, item.error, item.cause) for item in event.problems if item.error is not None]
    names = {item.entity for item in asked} | set(records.extract) | set(records.curate)
    result = judge(
        event.run_id,
        asked,
        steps,
        records,
        {name: state.progress(name) for name in names},
        {name: timedelta(seconds=plan.freshness_s) for name, plan in plans.items()},
        now,
    )
    address = shelf.address(event.run_id)
    report = document(result, message(result, address, now), now)
    shelf.put(event.run_id, report)
    return {"outcome": result.outcome, "report": address, "subject": report["subject"], "message": report["message"]}
