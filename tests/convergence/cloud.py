"""S3 and DynamoDB in memory, as much of them as extraction uses, and the fate that lets an extractor die at an operation.

They stand in for AWS, not for code of ours: moto does the same hundred times slower (`test_cloud` sees that they agree).
"""

from __future__ import annotations

import io
from copy import deepcopy
from dataclasses import dataclass, field
from threading import Event, RLock
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError, EndpointConnectionError
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest, Response

type Item = dict[str, dict[str, str]]
type Ending = Literal["die", "unheard", "twice"]
"""What befalls an operation: the process dies before it, or its answer is lost: an error comes, or the client tries again."""

FAR = 60.0


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing works afterwards."""


@dataclass
class Fate:
    """Counts the operations of one extractor; at number `at` (from 0) comes its `ending`, or it stalls there until woken.

    `behind`: the process dies behind the first operation of this name.
    """

    at: int | None = None
    behind: str | None = None
    ending: Ending = "die"
    stalls_at: int | None = None
    names: list[str] = field(default_factory=list)
    stalled: Event = field(default_factory=Event)
    wake: Event = field(default_factory=Event)
    _lock: RLock = field(default_factory=RLock)

    @property
    def dead(self) -> bool:
        """Whether the process has died."""
        return self.ending == "die" and self.at is not None and len(self.names) >= self.at

    def operation[T](self, name: str, perform: Callable[[], T]) -> T:
        """Performs an operation, or what has become of it."""
        with self._lock:
            number = len(self.names)
            if self.ending == "die" and self.at is not None and number >= self.at:
                raise Died(f"before {name}")
            if self.at is None and self.behind in self.names:
                raise Died(f"behind {self.behind}, before {name}")
            self.names.append(name)
        if number == self.stalls_at:
            self.stalled.set()
            self.wake.wait(FAR)
        if number != self.at or name == "HTTP":
            return perform()
        done = perform()
        if self.ending == "twice":
            return perform()
        del done
        raise EndpointConnectionError(endpoint_url="http://nowhere")


@dataclass
class Cloud:
    """All objects of a bucket and all items of a table."""

    objects: dict[str, bytes] = field(default_factory=dict)
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def clients(self, fate: Fate) -> tuple[S3, DynamoDB]:
        """Clients of one extractor."""
        return S3(self, fate), DynamoDB(self, fate)


def refusal(code: str, operation: str) -> ClientError:
    """The error that botocore raises for an answer."""
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class S3:
    """One extractor's S3 client."""

    cloud: Cloud
    fate: Fate

    def put_object(self, *, Bucket: str, Key: str, Body: Any, IfNoneMatch: str | None = None, **_: Any) -> None:  # noqa: N803
        """Puts an object; with `IfNoneMatch` only where there is none."""
        del Bucket
        body = Body if isinstance(Body, bytes) else Body.read()

        def put() -> None:
            with self.cloud.lock:
                if IfNoneMatch == "*" and Key in self.cloud.objects:
                    raise refusal("PreconditionFailed", "PutObject")
                self.cloud.objects[Key] = body

        self.fate.operation(f"s3.PutObject {Key.partition('/')[0]}", put)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        """An object's body."""
        del Bucket

        def get() -> dict[str, Any]:
            if Key not in self.cloud.objects:
                raise refusal("NoSuchKey", "GetObject")
            return {"Body": io.BytesIO(self.cloud.objects[Key])}

        return self.fate.operation(f"s3.GetObject {Key.partition('/')[0]}", get)


@dataclass
class DynamoDB:
    """One extractor's DynamoDB client."""

    cloud: Cloud
    fate: Fate

    def get_item(self, *, TableName: str, Key: Item, **_: Any) -> dict[str, Any]:  # noqa: N803
        """An item by its key."""
        del TableName

        def get() -> dict[str, Any]:
            item = self.cloud.items.get(_name(Key))
            return {} if item is None else {"Item": deepcopy(item)}

        return self.fate.operation("dynamodb.GetItem", get)

    def put_item(self, *, TableName: str, Item: Item) -> None:  # noqa: N803
        """Puts an item in the place of an earlier one."""
        del TableName

        def put() -> None:
            self.cloud.items[_name(Item)] = deepcopy(Item)

        self.fate.operation("dynamodb.PutItem", put)

    def delete_item(self, **request: Any) -> None:
        """Deletes an item where its condition holds."""

        def delete() -> None:
            with self.cloud.lock:
                self._meet(request, "DeleteItem")
                self.cloud.items.pop(_name(request["Key"]), None)

        self.fate.operation("dynamodb.DeleteItem", delete)

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Changes an item where its condition holds."""

        def update() -> dict[str, Any]:
            with self.cloud.lock:
                item, names, values = self._meet(request, "UpdateItem")
                changed = updated(request["UpdateExpression"], item, names, values) | request["Key"]
                self.cloud.items[_name(request["Key"])] = changed
                return {"Attributes": deepcopy(changed)}

        return self.fate.operation("dynamodb.UpdateItem", update)

    def _meet(self, request: Any, operation: str) -> tuple[Item, dict[str, str], Item]:
        """The item with the names and values of a request whose condition it meets."""
        item = deepcopy(self.cloud.items.get(_name(request["Key"]), {}))
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        condition = request.get("ConditionExpression")
        if condition is not None and not holds(condition, item, names, values):
            raise refusal("ConditionalCheckFailedException", operation)
        return item, names, values


class MortalAdapter(HTTPAdapter):
    """Sends requests as long as the process lives."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(pool_maxsize=32)
        self._fate = fate

    def send(self, request: PreparedRequest, *args: Any, **settings: Any) -> Response:
        return self._fate.operation("HTTP", lambda: super(MortalAdapter, self).send(request, *args, **settings))


def holds(condition: str, item: Item, names: dict[str, str], values: Item) -> bool:
    """Whether a condition holds: comparisons and `attribute_not_exists`, one of which is enough (`OR`)."""
    return any(_holds(part.strip(), item, names, values) for part in condition.split(" OR "))


def _holds(part: str, item: Item, names: dict[str, str], values: Item) -> bool:
    if part.startswith("attribute_not_exists("):
        return names.get(part[21:-1], part[21:-1]) not in item
    name, operator, value = part.split()
    there = item.get(names.get(name, name))
    if operator == "=":
        return there == values[value]
    if operator == "<>":
        return there != values[value]
    raise NotImplementedError(part)


def updated(expression: str, item: Item, names: dict[str, str], values: Item) -> Item:
    """An item after an update of the clauses SET, REMOVE and ADD (of numbers)."""
    words = expression.replace(",", " ").split()
    changed, clause, place = dict(item), "", 0
    while place < len(words):
        word = words[place]
        if word in ("SET", "REMOVE", "ADD"):
            clause, place = word, place + 1
            continue
        name = names.get(word, word)
        if clause == "SET":
            changed[name] = deepcopy(values[words[place + 2]])
            place += 3
        elif clause == "REMOVE":
            changed.pop(name, None)
            place += 1
        else:
            added = int(values[words[place + 1]]["N"])
            changed[name] = {"N": str(int(changed.get(name, {"N": "0"})["N"]) + added)}
            place += 2
    return changed


def _name(key: Item) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]
