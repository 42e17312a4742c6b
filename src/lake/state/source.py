"""A source's shared limits: the requests of the day, and the pause that a quota imposed. One item, read before any request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.instants import from_text, to_text
from lake.state.entity import CONDITION_FAILED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a source allows at the moment: requests left today (None: unlimited), and until when it wants none."""

    requests: int | None
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class LimitsItem:
    """The item of one source in the state table."""

    dynamodb: DynamoDBClient
    table: str
    source: str

    @property
    def _key(self) -> dict[str, Any]:
        return {"pk": {"S": f"source#{self.source}"}, "sk": {"S": "limits"}}

    def read(self, daily: int | None, now: datetime) -> Allowance:
        """What is allowed now; a day's count that is reached pauses until the next day (UTC) begins."""
        answer = self.dynamodb.get_item(TableName=self.table, Key=self._key, ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item") or {}
        used = int(item["requests"]["N"]) if item.get("day", {}).get("S") == _day(now) else 0
        left = None if daily is None else max(0, daily - used)
        until = from_text(item["paused_until"]["S"]) if "paused_until" in item else None
        if left == 0:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            until = max(until or midnight, midnight)
        return Allowance(left, until if until is not None and until > now else None)

    def add(self, requests: int, now: datetime, paused_until: datetime | None) -> None:
        """Counts requests, and notes a pause that concerns the whole source."""
        pause = ", paused_until = :until" if paused_until is not None else ""
        values: dict[str, Any] = {":n": {"N": str(requests)}, ":day": {"S": _day(now)}}
        if paused_until is not None:
            values[":until"] = {"S": to_text(paused_until)}
        same_day = (f"SET #day = :day{pause} ADD #requests :n", "attribute_not_exists(#day) OR #day = :day")
        new_day = (f"SET #day = :day, #requests = :n{pause}", "#day <> :day")
        # Whoever is first on a new day begins the count; who comes second at that moment adds to it.
        while not (self._update(*same_day, values) or self._update(*new_day, values)):
            pass

    def _update(self, update: str, condition: str, values: dict[str, Any]) -> bool:
        """Whether the condition held, so that the item was written."""
        try:
            self.dynamodb.update_item(
                TableName=self.table,
                Key=self._key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#day": "day", "#requests": "requests"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != CONDITION_FAILED:
                raise
            return False
        return True


def _day(now: datetime) -> str:
    return now.strftime("%Y-%m-%d")
