"""Changes of state by hand: each with who and why, in one transaction with the change itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.extract.errors import LeaseHeld
from lake.instants import from_text, to_text
from lake.state.entity import EntityState, StateTable, attributes, entity_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

AUDIT = "audit"
CANCELLED = "TransactionCanceledException"


@dataclass(frozen=True, slots=True)
class Hand:
    """Who changes something, when and why."""

    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Audited:
    """A change that was made: `before` and `after` hold what became different."""

    entity: str
    at: datetime
    who: str
    action: str
    why: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateByHand:
    """The state table, as an operator changes it."""

    dynamodb: DynamoDBClient
    table: str

    def lanes(self, entity: str) -> list[EntityState]:
        """The live lane (at its beginning where the entity was never read), then the backfills."""
        return StateTable(self.dynamodb, self.table).lanes(entity)

    def change(self, before: EntityState, after: EntityState, action: str, hand: Hand) -> EntityState:
        """Writes a state on condition that nobody has taken the entity since it was read, and says so in the audit.

        The token is raised, so that whoever works on the entity notices. The lease is given back. Raises LeaseHeld.
        """
        after = replace(after, token=before.token + 1, lease_owner=None, lease_until=None)
        kept, gone = attributes(after)
        kept["token"] = {"N": str(after.token)}
        if after.reload is not None:
            kept["reload"] = {"S": after.reload}
        try:
            self.dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self.table,
                            "Key": entity_key(after.entity, after.lane),
                            "UpdateExpression": "SET "
                            + ", ".join(f"#{name} = :{name}" for name in kept)
                            + " REMOVE "
                            + ", ".join(f"#{name}" for name in gone),
                            "ConditionExpression": "attribute_not_exists(#token) OR #token = :seen",
                            "ExpressionAttributeNames": {f"#{name}": name for name in (*kept, *gone)},
                            "ExpressionAttributeValues": {f":{name}": value for name, value in kept.items()}
                            | {":seen": {"N": str(before.token)}},
                        }
                    },
                    {
                        "Put": {
                            "TableName": self.table,
                            "Item": _audit_item(after.entity, document(before), document(after), action, hand),
                        }
                    },
                ]
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == CANCELLED:
                raise LeaseHeld(f"{after.entity} was taken by somebody else at this moment: look again") from None
            raise
        return after

    def note(self, entity: str, after: Mapping[str, Any], action: str, hand: Hand) -> None:
        """Says in the audit what somebody has done to an entity otherwise than by its state."""
        self.dynamodb.put_item(TableName=self.table, Item=_audit_item(entity, {}, after, action, hand))

    def audit(self, entity: str | None) -> list[Audited]:
        """The changes by hand, of one entity or of all, the newest first."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": AUDIT}},
            ConsistentRead=True,
        )
        found = [_audited(item) for page in pages for item in page["Items"]]
        return [each for each in reversed(found) if entity in (None, each.entity)]


def document(state: EntityState) -> dict[str, Any]:
    """A state as JSON values, without what it has not."""
    values = asdict(state).items()
    return {
        name: value if isinstance(value, int | dict | str) else to_text(value)
        for name, value in values
        if value is not None
    }


def _audit_item(entity: str, was: Mapping[str, Any], now: Mapping[str, Any], action: str, hand: Hand) -> dict[str, Any]:
    changed = {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}
    return {
        "pk": {"S": AUDIT},
        "sk": {"S": f"{to_text(hand.at)}#{entity}"},
        "who": {"S": hand.who},
        "action": {"S": action},
        "why": {"S": hand.why},
        "before": {"S": json.dumps({name: was.get(name) for name in sorted(changed)})},
        "after": {"S": json.dumps({name: now.get(name) for name in sorted(changed)})},
    }


def _audited(item: dict[str, Any]) -> Audited:
    at, _, entity = item["sk"]["S"].partition("#")
    return Audited(
        entity=entity,
        at=from_text(at),
        who=item["who"]["S"],
        action=item["action"]["S"],
        why=item["why"]["S"],
        before=json.loads(item["before"]["S"]),
        after=json.loads(item["after"]["S"]),
    )
