"""The pipeline lease: which execution may run now, and what waits behind it. One item, conditional writes.

The item `pipeline` / `lease` lives for ever; it is held while it has an `execution`. `pending` outlives its holders: whoever
takes the lease over inherits what waits, whoever releases it starts that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.instants import to_text
from lake.state.entity import CONDITION_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

KEY: dict[str, Any] = {"pk": {"S": "pipeline"}, "sk": {"S": "lease"}}
# Each attempt that fails means that another execution got its write in between: a few are a crowd.
ATTEMPTS = 20


class LeaseContended(Exception):
    """The lease changed hands at each attempt to take or change it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The lease is this execution's. `token` grows with each hold."""

    token: int


@dataclass(frozen=True, slots=True)
class Queued:
    """Another execution holds the lease; the request waits for its release."""

    holder: str


@dataclass(frozen=True, slots=True)
class PipelineLease:
    """`still_runs` says of an execution's ARN whether it is running, for an aborted one releases nothing."""

    dynamodb: DynamoDBClient
    table: str
    still_runs: Callable[[str], bool]

    def hold_or_queue(self, execution: str, request: dict[str, Any], now: datetime) -> Held | Queued:
        """Takes the lease, or appends the request to what waits behind its holder; repeating it is safe."""
        for _ in range(ATTEMPTS):
            if token := self._take(execution, now):
                return Held(token)
            holder, _pending = self._read()
            if holder is None:
                continue
            if not self.still_runs(holder):
                if token := self._take(execution, now, instead_of=holder):
                    return Held(token)
            elif self._append(holder, request):
                return Queued(holder)
        raise LeaseContended(f"{execution} met another holder {ATTEMPTS} times: start the run again")

    def release(self, execution: str) -> list[dict[str, Any]]:
        """Gives the lease back; the requests that wait. Empty where the lease was taken over: they are the new holder's."""
        self._write("REMOVE execution, run_id, since", "execution = :execution", {":execution": {"S": execution}})
        holder, pending = self._read()
        return [] if holder is not None else [json.loads(text) for text in pending]

    def forget(self, started: Sequence[dict[str, Any]]) -> None:
        """Takes requests that were started off the list, whoever holds the lease by now."""
        for _ in range(ATTEMPTS):
            _holder, before = self._read()
            after = _without(before, [_text(request) for request in started])
            if before == after or self._write(
                "SET pending = :after", "pending = :before", {":before": _list(before), ":after": _list(after)}
            ):
                return
        raise LeaseContended(f"the pending requests changed {ATTEMPTS} times: they may be started once more")

    def _take(self, execution: str, now: datetime, instead_of: str | None = None) -> int | None:
        """The new token, or None where someone else was faster."""
        values: dict[str, Any] = {
            ":execution": {"S": execution},
            ":run": {"S": execution.rpartition(":")[2]},
            ":since": {"S": to_text(now)},
            ":none": {"L": []},
            ":zero": {"N": "0"},
            ":one": {"N": "1"},
        }
        condition = "attribute_not_exists(execution) OR execution = :execution"
        if instead_of is not None:
            condition, values[":holder"] = "execution = :holder", {"S": instead_of}
        written = self._write(
            "SET execution = :execution, run_id = :run, since = :since,"
            " pending = if_not_exists(pending, :none), #token = if_not_exists(#token, :zero) + :one",
            condition,
            values,
            {"#token": "token"},
        )
        return int(written["token"]["N"]) if written else None

    def _append(self, holder: str, request: dict[str, Any]) -> bool:
        """Whether the request now waits behind this holder; False where the holder is another by now."""
        update = "SET pending = list_append(if_not_exists(pending, :none), :new)"
        values = {":holder": {"S": holder}, ":none": {"L": []}, ":new": _list([_text(request)])}
        return self._write(update, "execution = :holder", values) is not None

    def _write(
        self, update: str, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        """The item after a conditional write, or None where the condition no longer holds."""
        named: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            answer = self.dynamodb.update_item(
                TableName=self.table,
                Key=KEY,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **named,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == CONDITION_FAILED:
                return None
            raise
        return dict(answer["Attributes"])

    def _read(self) -> tuple[str | None, list[str]]:
        """The holder, and the requests that wait, as JSON texts."""
        item: dict[str, Any] = (
            self.dynamodb.get_item(TableName=self.table, Key=KEY, ConsistentRead=True).get("Item") or {}
        )
        holder = str(item["execution"]["S"]) if "execution" in item else None
        return holder, [str(value["S"]) for value in item.get("pending", {"L": []})["L"]]


def _text(request: dict[str, Any]) -> str:
    return json.dumps(request, sort_keys=True)


def _list(texts: Sequence[str]) -> dict[str, Any]:
    return {"L": [{"S": text} for text in texts]}


def _without(texts: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The texts less one occurrence of each that was taken."""
    left = list(texts)
    for text in taken:
        if text in left:
            left.remove(text)
    return left
