"""An entity's state: lease, fencing token, watermark, checkpoint. One item, written on condition of the token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.extract.errors import LeaseHeld, LeaseLost
from lake.instants import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

GRACE = timedelta(seconds=60)
LANE = "live"
CONDITION_FAILED = "ConditionalCheckFailedException"

type Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntityState:
    """What is known of an entity (docs/formats.md, "State table"); instants are aware, `token` is the last one given."""

    entity: str
    token: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    watermark: datetime | None = None
    checkpoint: dict[str, Any] | None = None
    last_load: int = 0
    last_data_on: str | None = None
    fingerprints: str | None = None
    resume_at: datetime | None = None
    swept_at: datetime | None = None
    source_count: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StateTable:
    """The state table, as extraction uses it."""

    dynamodb: DynamoDBClient
    table: str

    def read(self, entity: str) -> EntityState:
        """The entity's state, or the state of one that was never read."""
        answer = self.dynamodb.get_item(TableName=self.table, Key=_entity_key(entity), ConsistentRead=True)
        return _load(entity, answer.get("Item") or {})

    def acquire(self, state: EntityState, owner: str, now: datetime, until: datetime) -> EntityState:
        """Takes the entity's lease and raises its token; raises LeaseHeld.

        The run that holds the pipeline lease takes it at once; anybody else waits until it ends. `until`: the
        invocation's deadline.
        """
        held = state.lease_until is not None and state.lease_until > now
        if held and state.lease_owner != owner and not self.holds_pipeline(owner):
            raise LeaseHeld(
                f"{state.entity} is worked on by {state.lease_owner} until {to_text(state.lease_until or now)}: "
                "wait for it, or start the pipeline, which takes over"
            )
        token = state.token + 1
        try:
            answer = self.dynamodb.update_item(
                TableName=self.table,
                Key=_entity_key(state.entity),
                UpdateExpression="SET #token = :next, lease_owner = :owner, lease_until = :until",
                ConditionExpression="attribute_not_exists(#token) OR #token = :seen",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={
                    ":next": {"N": str(token)},
                    ":seen": {"N": str(state.token)},
                    ":owner": {"S": owner},
                    ":until": {"S": to_text(until + GRACE)},
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == CONDITION_FAILED:
                raise LeaseHeld(f"{state.entity} was taken by somebody else at this moment: try again") from None
            raise
        return _load(state.entity, answer.get("Attributes") or {})

    def holds_pipeline(self, run_id: str) -> bool:
        """Whether a run holds the pipeline lease."""
        key: Attributes = {"pk": {"S": "pipeline"}, "sk": {"S": "lease"}}
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Attributes = answer.get("Item") or {}
        return bool(item.get("run_id", {}).get("S") == run_id)

    def finish(self, state: EntityState) -> None:
        """Writes the state after an invocation and gives the lease back; raises LeaseLost where the token is no longer ours."""
        values = {
            "watermark": _instant(state.watermark),
            "checkpoint": _json(state.checkpoint),
            "last_load": {"N": str(state.last_load)},
            "last_data_on": _text(state.last_data_on),
            "fingerprints": _text(state.fingerprints),
            "resume_at": _instant(state.resume_at),
            "swept_at": _instant(state.swept_at),
            "source_count": _json(state.source_count),
        }
        kept = {name: value for name, value in values.items() if value is not None}
        gone = [name for name in values if name not in kept] + ["lease_owner", "lease_until"]
        try:
            self.dynamodb.update_item(
                TableName=self.table,
                Key=_entity_key(state.entity),
                UpdateExpression="SET "
                + ", ".join(f"{name} = :{name}" for name in kept)
                + " REMOVE "
                + ", ".join(gone),
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={f":{name}": value for name, value in kept.items()}
                | {":token": {"N": str(state.token)}},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == CONDITION_FAILED:
                raise LeaseLost(
                    f"{state.entity}: another extractor took over while this one worked; "
                    "nothing to do, what it landed stays harmless"
                ) from None
            raise


def _entity_key(entity: str) -> Attributes:
    return {"pk": {"S": f"entity#{entity}"}, "sk": {"S": LANE}}


def _text(value: str | None) -> Attributes | None:
    return None if value is None else {"S": value}


def _instant(value: datetime | None) -> Attributes | None:
    return None if value is None else {"S": to_text(value)}


def _json(value: dict[str, Any] | None) -> Attributes | None:
    return None if value is None else {"S": json.dumps(value, sort_keys=True)}


def _load(entity: str, item: Attributes) -> EntityState:
    def text(name: str) -> str | None:
        value = item.get(name)
        return None if value is None else str(value["S"])

    def instant(name: str) -> datetime | None:
        value = text(name)
        return None if value is None else from_text(value)

    def number(name: str) -> int:
        return int(item.get(name, {"N": "0"})["N"])

    def mapping(name: str) -> dict[str, Any] | None:
        value = text(name)
        return None if value is None else json.loads(value)

    return EntityState(
        entity=entity,
        token=number("token"),
        lease_owner=text("lease_owner"),
        lease_until=instant("lease_until"),
        watermark=instant("watermark"),
        checkpoint=mapping("checkpoint"),
        last_load=number("last_load"),
        last_data_on=text("last_data_on"),
        fingerprints=text("fingerprints"),
        resume_at=instant("resume_at"),
        swept_at=instant("swept_at"),
        source_count=mapping("source_count"),
    )
