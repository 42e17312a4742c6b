"""The Glue job `build_analytics`: the marts, then what they were built from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lake.analytics.build import build_marts
from lake.analytics.inputs import digest
from lake.curate.layout import layout
from lake.curate.work import through
from lake.state.runs import RunRecords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from pyspark.sql import SparkSession

    from lake.contract.plan import Plan
    from lake.curate.tables import Tables


class MartLedger(Protocol):
    """Where it is kept what the marts were built from, and what a run did with them."""

    def built(self, inputs: str) -> None:
        """The marts are made of these inputs."""

    def marts(self, run_id: str, rows: Mapping[str, int]) -> None:
        """The rows of each mart after this run."""


class StateTable:
    """The items `analytics/inputs` and `run#<run_id>/marts` of the state table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def built(self, inputs: str) -> None:
        """The marts are made of these inputs."""
        item = {"pk": {"S": "analytics"}, "sk": {"S": "inputs"}, "digest": {"S": inputs}}
        self._client.put_item(TableName=self._table, Item=item)

    def marts(self, run_id: str, rows: Mapping[str, int]) -> None:
        """The rows of each mart after this run."""
        RunRecords(self._client, self._table).write(run_id, "marts", dict(rows))


def build_analytics(
    spark: SparkSession,
    curated: Tables,
    analytics: Tables,
    ledger: MartLedger,
    plans: Mapping[str, Plan],
    models: Mapping[str, str],
    zone: str,
    run_id: str,
) -> dict[str, int]:
    """Build the marts and note what they are made of; returns their rows.

    How far the entities are is read before the marts are built: should one move on meanwhile, the next run builds again.
    """
    numbers = {entity: _through(curated, plan) for entity, plan in plans.items()}
    rows = build_marts(spark, curated, analytics, models, zone)
    ledger.built(digest(numbers, models))
    ledger.marts(run_id, rows)
    return rows


def _through(curated: Tables, plan: Plan) -> int:
    shape = layout(plan)
    return through(curated, shape) if all(curated.exists(table) for table in shape.all) else 0
