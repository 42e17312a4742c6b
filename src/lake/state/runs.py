"""What the steps of a run report: small records, written where they happen, read when the balance is closed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lake.instants import now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class RunRecords:
    """The records of runs in the state table."""

    dynamodb: DynamoDBClient
    table: str

    def write(self, run_id: str, name: str, record: dict[str, Any]) -> None:
        """Writes a record; the same name again replaces it."""
        self.dynamodb.put_item(
            TableName=self.table,
            Item={
                "pk": {"S": f"run#{run_id}"},
                "sk": {"S": name},
                "record": {"S": json.dumps(record, sort_keys=True)},
                "expires_at": {"N": str(int((now() + KEPT).timestamp()))},
            },
        )

    def read(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Name → record, of one run."""
        records: dict[str, dict[str, Any]] = {}
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"run#{run_id}"}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                records[item["sk"]["S"]] = json.loads(item["record"]["S"])
        return records
