"""What a run reads of the state table: how far each entity is, which source rests, what the steps recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.state.entity import StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from lake.state.entity import EntityState


@dataclass(frozen=True, slots=True)
class Progress:
    """`last_load`: the newest load in raw, whichever lane landed it, `through`: the newest in all of the entity's curated tables;
    0 where there is none.

    `last_data_on`: the day of the newest data in raw, as its folder says. `source_count`: the source's own count of rows, and
    `source_changed` how many of them changed later than the lake was to read (None: not asked). `live_rows`: what of the tables
    the source counts, with `keyless` bad records that have no key (None: not counted at `through`). `is_whole`: nothing is being
    read, and all of it was read once, so that both may be held against each other.
    """

    entity: str
    last_load: int = 0
    through: int = 0
    last_data_on: str | None = None
    watermark: datetime | None = None
    source_count: int | None = None
    source_changed: int | None = None
    live_rows: int | None = None
    keyless: int = 0
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """What the steps of a run wrote down: by entity the records of its invocations, of its curating; by mart its rows."""

    extract: dict[str, list[dict[str, Any]]]
    curate: dict[str, dict[str, Any]]
    marts: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunState:
    """The state table, as a run's own functions read it. Layout: docs/formats.md."""

    dynamodb: DynamoDBClient
    table: str

    def progress(self, entity: str) -> Progress:
        """How far an entity is; all at its beginning where it was never read."""
        table = StateTable(self.dynamodb, self.table)
        lanes, curated = table.lanes(entity), table.curated(entity)
        live, told = lanes[0], lanes[0].source_count or {}
        return Progress(
            entity=entity,
            last_load=max(lane.last_load for lane in lanes),
            through=curated.through,
            last_data_on=max((lane.last_data_on for lane in lanes if lane.last_data_on is not None), default=None),
            watermark=live.watermark,
            source_count=told.get("count"),
            source_changed=told.get("changed"),
            live_rows=curated.live_rows,
            keyless=curated.keyless,
            is_whole=live.whole_at is not None and live.checkpoint is None,
        )

    def rests_until(self, entity: str, now: datetime) -> datetime | None:
        """Until when an entity is left alone, by its own pause or its source's; None where it may be read now."""
        source = entity.partition(".")[0]
        limits = LimitsItem(self.dynamodb, self.table, source).read(None, now)
        pauses = [self._live(entity).resume_at, limits.paused_until]
        return max((until for until in pauses if until is not None and until > now), default=None)

    def built_inputs(self) -> str | None:
        """The digest of what the marts were last built from."""
        item = self._item("analytics", "inputs")
        return str(item["digest"]["S"]) if "digest" in item else None

    def records(self, run_id: str) -> Records:
        """All that a run's steps recorded."""
        return sort_records(RunRecords(self.dynamodb, self.table).read(run_id))

    def _live(self, entity: str) -> EntityState:
        return StateTable(self.dynamodb, self.table).read(entity)

    def _item(self, pk: str, sk: str) -> dict[str, Any]:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        return dict(self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item") or {})


def sort_records(named: dict[str, dict[str, Any]]) -> Records:
    """Records by the step that wrote them; names are `extract#<entity>#<token>`, `curate#<entity>`, `marts`."""
    records = Records({}, {}, {})
    for name, record in sorted(named.items()):
        step, *rest = name.split("#")
        if step == "extract":
            records.extract.setdefault(rest[0], []).append(record)
        elif step == "curate":
            records.curate[rest[0]] = record
        elif step == "marts":
            records.marts.update(record)
    return records
