"""What curating writes into the state table: how far an entity is, what it wants, and what a run did with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lake.state.runs import RunRecords

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from lake.state.entity import KeyList


class Ledger(Protocol):
    """Where progress, wants and records of a run are kept."""

    def curated(self, entity: str, through: int, live_rows: int | None, keyless: int) -> None:
        """All tables of the entity hold its loads up to `through`; what the source counts of them (None: nobody counted), and
        open bad records without a key."""

    def wanted(self, entity: str, place: str, keys: int) -> None:
        """The next extraction is to read so many rows by key: those of the fetch list that lies there."""

    def suspected(self, entity: str, place: str, keys: int) -> None:
        """The next extraction is to ask for so many keys, for they may be gone: those of the list that lies there."""

    def record(self, run_id: str, entity: str, record: dict[str, Any]) -> None:
        """What this run did with the entity."""


class StateTable:
    """The items `curated/<entity>`, `fetch/<entity>`, `suspects/<entity>` and `run#<run_id>/curate#<entity>` of the state
    table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def curated(self, entity: str, through: int, live_rows: int | None, keyless: int) -> None:
        """All tables of the entity hold its loads up to `through`; what the source counts of them, and bad records without a
        key."""
        item: dict[str, Any] = {"pk": {"S": "curated"}, "sk": {"S": entity}, "through": {"N": str(through)}}
        if live_rows is not None:
            item |= {"live_rows": {"N": str(live_rows)}, "keyless": {"N": str(keyless)}}
        self._client.put_item(TableName=self._table, Item=item)

    def wanted(self, entity: str, place: str, keys: int) -> None:
        """The next extraction is to read so many rows by key: those of the fetch list that lies there."""
        self._listed("fetch", entity, place, keys)

    def suspected(self, entity: str, place: str, keys: int) -> None:
        """The next extraction is to ask for so many keys, for they may be gone: those of the list that lies there."""
        self._listed("suspects", entity, place, keys)

    def _listed(self, which: KeyList, entity: str, place: str, keys: int) -> None:
        item: dict[str, Any] = {"pk": {"S": which}, "sk": {"S": entity}, "list": {"S": place}, "keys": {"N": str(keys)}}
        self._client.put_item(TableName=self._table, Item=item)

    def record(self, run_id: str, entity: str, record: dict[str, Any]) -> None:
        """What this run did with the entity."""
        RunRecords(self._client, self._table).write(run_id, f"curate#{entity}", record)
