"""A running source and the raw side of a lake, with S3 and DynamoDB by moto."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import requests

from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.engine import extract
from lake.extract.http import Connection
from lake.extract.protocols import DIALECTS
from lake.extract.world import Extracted, World
from lake.instants import from_text, now
from lake.raw.store import RawBucket
from lake.state.entity import LIVE, EntityState, StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem
from tests.support.endpoints import free_ports
from tests.support.state_table import create_state_table

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lake.contract.plan import Plan, SourcePlan
    from local.simulators.client import Simulator

PORTS = dict(zip(("crm", "erp", "hubspot", "service"), free_ports(4), strict=True))
"""Any that are free: two runs of these tests on one machine must not meet at one source."""
SECRETS = {
    "crm": {"client_id": "lake-reader", "client_secret": "crm-secret"},
    "erp": {"user": "LAKE", "password": "erp-secret"},
    "hubspot": {"token": "pat-eu1-lake-reader"},
    "service": {"token": "service-key"},
}
BUCKET, TABLE = "raw", "state"


@dataclass
class Source:
    """A running simulator with its store."""

    name: str
    url: str
    database: Path
    control: Simulator

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The visible rows of a table, as the source has them."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            clock = str(self.control.state()["now"])
            found = connection.execute(f'SELECT * FROM "{table}" WHERE _visible_at <= ?', [clock])  # noqa: S608
            return [dict(row) for row in found]


@dataclass
class RawLake:
    """The raw side of a lake: extracts, and says what raw holds by version order."""

    plans: dict[str, Plan]
    sources: dict[str, SourcePlan]
    urls: dict[str, str]
    s3: Any
    dynamodb: Any
    secrets: dict[str, dict[str, str]] = field(default_factory=lambda: dict(SECRETS))
    run_id: str = "run-1"
    sleeps: list[float] = field(default_factory=list)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def world(self, source: str) -> World:
        """A world of real clients."""

        def connect(budget: Budget) -> Connection:
            plan = self.sources[source]
            return Connection(
                url=self.urls[source],
                plan=plan,
                login=login_for(plan, json.dumps(self.secrets[source])),
                session=requests.Session(),
                budget=budget,
                quota_reached=DIALECTS[plan.protocol].quota_reached,
                usage_of=DIALECTS[plan.protocol].usage_of,
                passing=DIALECTS[plan.protocol].passing,
                now=now,
                sleep=self.sleeps.append,
            )

        return World(
            raw=RawBucket(self.s3, BUCKET),
            table=StateTable(self.dynamodb, TABLE),
            limits=LimitsItem(self.dynamodb, TABLE, source),
            runs=RunRecords(self.dynamodb, TABLE),
            connect=connect,
            now=now,
        )

    def invoke(
        self,
        entity: str,
        *,
        requests_allowed: int | None = None,
        seconds: float = 120,
        lane: str = LIVE,
        window: dict[str, str] | None = None,
        **plan: Any,
    ) -> Extracted:
        """One invocation, with a plan that differs where it is said."""
        source = entity.partition(".")[0]
        changed = replace(self.plans[entity], **plan)
        budget = Budget(time.monotonic() + seconds, 1.0, requests_allowed)
        return extract(changed, self.sources[source], self.run_id, self.world(source), budget, lane=lane, window=window)

    def run(self, entity: str, **settings: Any) -> list[Extracted]:
        """Invocations until the entity is done or paused."""
        results = [self.invoke(entity, **settings)]
        while results[-1].status == "CONTINUE":
            results.append(self.invoke(entity, **settings))
        return results

    def keys(self, prefix: str = "") -> list[str]:
        """The objects below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def manifests(self, entity: str) -> list[dict[str, Any]]:
        """The manifests in the order of their numbers."""
        found = self.keys(f"manifests/{entity.replace('.', '/')}/")
        return [json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in sorted(found)]

    def versions(self, entity: str) -> list[dict[str, Any]]:
        """Every landed version, with `_load`."""
        rows = []
        for manifest in self.manifests(entity):
            if manifest["kind"] == "rows":
                rows += [
                    row | {"_load": manifest["load"]} for part in manifest["parts"] for row in self.part(part["key"])
                ]
        return rows

    def part(self, key: str) -> list[dict[str, Any]]:
        """The rows of a part, which never changes."""
        if key not in self.parts:
            body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            self.parts[key] = list(pq.read_table(io.BytesIO(body)).to_pylist())
        return self.parts[key]

    def newest(self, entity: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Key → newest version by version order, less what finished sweeps, refreshes and tombstones ended."""
        plan = self.plans[entity]
        newest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.versions(entity):
            key = tuple(row[column.field] for column in plan.key_fields)
            order = (row["_observed_at"], row["_cursor"] or "")
            if key not in newest or order >= (newest[key]["_observed_at"], newest[key]["_cursor"] or ""):
                newest[key] = row
        for started_at, alive in self.sweeps(entity):
            newest = {
                key: row
                for key, row in newest.items()
                if row["_observed_at"] >= started_at or tuple(map(str, key)) in alive
            }
        for gone, gone_at in self.tombstones(entity):
            newest = {
                key: row
                for key, row in newest.items()
                if tuple(map(str, key)) != gone or row["_observed_at"] >= gone_at
            }
        return newest

    def sweeps(self, entity: str) -> list[tuple[datetime, set[tuple[str, ...]]]]:
        """The finished sweeps, full refreshes among them: when each began, and the keys it found."""
        manifests = {manifest["load"]: manifest for manifest in self.manifests(entity)}
        fields = [field.field for field in self.plans[entity].key_fields]
        found = []
        for last in [manifest for manifest in manifests.values() if (manifest["sweep"] or {}).get("last")]:
            parts = [part for load in last["sweep"]["loads"] for part in manifests[load]["parts"]]
            alive = {tuple(str(row[name]) for name in fields) for part in parts for row in self.part(part["key"])}
            found.append((from_text(last["sweep"]["started_at"]), alive))
        return found

    def tombstones(self, entity: str) -> list[tuple[tuple[str, ...], datetime]]:
        """The keys that a feed or a delta link said are gone, and when."""
        fields = [field.field for field in self.plans[entity].key_fields]
        loads = [manifest for manifest in self.manifests(entity) if manifest["kind"] == "tombstones"]
        rows = [row for load in loads for part in load["parts"] for row in self.part(part["key"])]
        return [(tuple(row[name] for name in fields), row["_observed_at"]) for row in rows]

    def state(self, entity: str, lane: str = LIVE) -> EntityState:
        """What extraction remembers."""
        return StateTable(self.dynamodb, TABLE).read(entity, lane)

    def hold_pipeline(self, run_id: str) -> None:
        """Gives the pipeline lease to a run."""
        item = {"pk": {"S": "pipeline"}, "sk": {"S": "lease"}, "run_id": {"S": run_id}}
        self.dynamodb.put_item(TableName=TABLE, Item=item)


def make_lake(s3: Any, dynamodb: Any) -> None:
    """The raw bucket and the state table."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    create_state_table(dynamodb, TABLE)
