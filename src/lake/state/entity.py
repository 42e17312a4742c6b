"""An entity's state: lease, fencing token, watermark, checkpoint. One item a lane, written on condition of the token."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from lake.extract.errors import LeaseHeld, LeaseLost
from lake.instants import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

GRACE = timedelta(seconds=60)
LIVE = "live"
CONDITION_FAILED = "ConditionalCheckFailedException"

type Attributes = dict[str, Any]
type KeyList = Literal["fetch", "suspects"]
"""Keys that a sweep saw and the lake lacks; keys that the lake has and a sweep by shifting pages missed."""


@dataclass(frozen=True, slots=True)
class EntityState:
    """What is known of an entity (docs/formats.md, "State table"); instants are aware, `token` is the last one given.

    `reload` is the text that somebody set; it is never written here, and taken away by `StateTable.reloaded` alone.
    `whole_at`: the source's clock when the reading began after which the lake's rows may be held against the source's count.
    `unconfirmed`: a complete sweep by shifting pages that ends nothing before another one has missed the same keys.
    """

    entity: str
    lane: str = LIVE
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
    refreshed_at: datetime | None = None
    feed_until: datetime | None = None
    delta: dict[str, Any] | None = None
    reload: str | None = None
    window: dict[str, Any] | None = None
    finished_at: datetime | None = None
    whole_at: datetime | None = None
    unconfirmed: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CuratedState:
    """How far all of an entity's tables are, and what they hold of what the source counts: `live_rows`, and `keyless` bad
    records without a key that could be compared (None: not counted since)."""

    through: int = 0
    live_rows: int | None = None
    keyless: int = 0


@dataclass(frozen=True, slots=True)
class StateTable:
    """The state table, as extraction uses it."""

    dynamodb: DynamoDBClient
    table: str

    def read(self, entity: str, lane: str = LIVE) -> EntityState:
        """The state of an entity's lane, or of one that was never read."""
        answer = self.dynamodb.get_item(TableName=self.table, Key=entity_key(entity, lane), ConsistentRead=True)
        return load(entity, lane, answer.get("Item") or {})

    def lanes(self, entity: str) -> list[EntityState]:
        """The live lane (at its beginning where the entity was never read), then the backfills."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": entity_key(entity, LIVE)["pk"]},
            ConsistentRead=True,
        )
        found = {item["sk"]["S"]: item for page in pages for item in page["Items"]}
        live = load(entity, LIVE, found.pop(LIVE, {}))
        return [live, *(load(entity, lane, item) for lane, item in sorted(found.items()))]

    def acquire(self, state: EntityState, owner: str, now: datetime, until: datetime) -> EntityState:
        """Takes the lane's lease and raises its token; raises LeaseHeld.

        The run that holds the pipeline lease takes the live lane's at once; anybody else waits until it ends. `until`: the
        invocation's deadline.
        """
        held = state.lease_until is not None and state.lease_until > now
        takes_over = state.lease_owner == owner or (state.lane == LIVE and held and self.holds_pipeline(owner))
        if held and not takes_over:
            raise LeaseHeld(
                f"{state.entity} is worked on by {state.lease_owner} until {to_text(state.lease_until or now)}: "
                "wait for it, or start the pipeline, which takes over"
            )
        token = state.token + 1
        try:
            answer = self.dynamodb.update_item(
                TableName=self.table,
                Key=entity_key(state.entity, state.lane),
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
        return load(state.entity, state.lane, answer.get("Attributes") or {})

    def holds_pipeline(self, run_id: str) -> bool:
        """Whether a run holds the pipeline lease."""
        key: Attributes = {"pk": {"S": "pipeline"}, "sk": {"S": "lease"}}
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Attributes = answer.get("Item") or {}
        return bool(item.get("run_id", {}).get("S") == run_id)

    def finish(self, state: EntityState) -> None:
        """Writes the state after an invocation and gives the lease back; raises LeaseLost where the token is no longer ours."""
        kept, gone = attributes(state)
        try:
            self.dynamodb.update_item(
                TableName=self.table,
                Key=entity_key(state.entity, state.lane),
                UpdateExpression="SET "
                + ", ".join(f"#{name} = :{name}" for name in kept)
                + " REMOVE "
                + ", ".join(f"#{name}" for name in gone),
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={f"#{name}": name for name in (*kept, *gone, "token")},
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

    def reloaded(self, entity: str, reload: str) -> None:
        """Takes the wish for a reload away, unless it is another one by now."""
        with _unless_changed():
            self.dynamodb.update_item(
                TableName=self.table,
                Key=entity_key(entity, LIVE),
                UpdateExpression="REMOVE #reload",
                ConditionExpression="#reload = :done",
                ExpressionAttributeNames={"#reload": "reload"},
                ExpressionAttributeValues={":done": {"S": reload}},
            )

    def curated(self, entity: str) -> CuratedState:
        """How far the entity's tables are."""
        key: Attributes = {"pk": {"S": "curated"}, "sk": {"S": entity}}
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Attributes = answer.get("Item") or {}
        numbers = {name: int(item[name]["N"]) for name in ("through", "live_rows", "keyless") if name in item}
        return CuratedState(**numbers)

    def key_list(self, which: KeyList, entity: str) -> str | None:
        """Where the list of keys lies that curate wants to be asked for; None where there is none."""
        answer = self.dynamodb.get_item(TableName=self.table, Key=_list_key(which, entity), ConsistentRead=True)
        return str(answer["Item"]["list"]["S"]) if "Item" in answer else None

    def done_with(self, which: KeyList, entity: str, key_list: str) -> None:
        """Takes a list of keys away, unless it is another one by now."""
        with _unless_changed():
            self.dynamodb.delete_item(
                TableName=self.table,
                Key=_list_key(which, entity),
                ConditionExpression="#list = :done",
                ExpressionAttributeNames={"#list": "list"},
                ExpressionAttributeValues={":done": {"S": key_list}},
            )


def attributes(state: EntityState) -> tuple[Attributes, list[str]]:
    """What is written of a state whose lease is given back: attributes with their values, and those that it has not."""
    values = {
        "watermark": _instant(state.watermark),
        "checkpoint": _json(state.checkpoint),
        "last_load": {"N": str(state.last_load)},
        "last_data_on": _text(state.last_data_on),
        "fingerprints": _text(state.fingerprints),
        "resume_at": _instant(state.resume_at),
        "swept_at": _instant(state.swept_at),
        "source_count": _json(state.source_count),
        "refreshed_at": _instant(state.refreshed_at),
        "feed_until": _instant(state.feed_until),
        "delta": _json(state.delta),
        "window": _json(state.window),
        "finished_at": _instant(state.finished_at),
        "whole_at": _instant(state.whole_at),
        "unconfirmed": _json(state.unconfirmed),
    }
    kept = {name: value for name, value in values.items() if value is not None}
    return kept, [*(name for name in values if name not in kept), "lease_owner", "lease_until"]


@contextmanager
def _unless_changed() -> Iterator[None]:
    """Passes over that a condition does not hold: what somebody wrote in the meantime is theirs."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != CONDITION_FAILED:
            raise


def entity_key(entity: str, lane: str) -> Attributes:
    """The key of a lane's item."""
    return {"pk": {"S": f"entity#{entity}"}, "sk": {"S": lane}}


def _list_key(which: KeyList, entity: str) -> Attributes:
    return {"pk": {"S": which}, "sk": {"S": entity}}


def _text(value: str | None) -> Attributes | None:
    return None if value is None else {"S": value}


def _instant(value: datetime | None) -> Attributes | None:
    return None if value is None else {"S": to_text(value)}


def _json(value: dict[str, Any] | None) -> Attributes | None:
    return None if value is None else {"S": json.dumps(value, sort_keys=True)}


def load(entity: str, lane: str, item: Attributes) -> EntityState:
    """The state in a lane's item."""

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
        lane=lane,
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
        refreshed_at=instant("refreshed_at"),
        feed_until=instant("feed_until"),
        delta=mapping("delta"),
        reload=text("reload"),
        window=mapping("window"),
        finished_at=instant("finished_at"),
        whole_at=instant("whole_at"),
        unconfirmed=mapping("unconfirmed"),
    )
