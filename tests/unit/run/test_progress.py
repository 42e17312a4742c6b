"""How far an entity is: what a backfill landed counts, though nothing has come in the live lane since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lake.run.state import RunState
from lake.state.entity import EntityState, StateTable
from tests.support.state_table import TABLE, state_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENTITY = "erp.sales_order"
NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def landed(client: DynamoDBClient, lane: str, load: int, day: str) -> None:
    table = StateTable(client, TABLE)
    state = table.acquire(EntityState(ENTITY, lane), "run", NOW, NOW + timedelta(minutes=15))
    table.finish(replace(state, last_load=load, last_data_on=day))


def test_what_a_backfill_landed_is_work_for_the_next_run() -> None:
    with state_table() as client:
        landed(client, "live", 17, "2026-11-15")
        landed(client, "backfill#october", 18, "2026-11-16")
        progress = RunState(client, TABLE).progress(ENTITY)
    assert (progress.last_load, progress.last_data_on) == (18, "2026-11-16")


def test_an_entity_that_only_a_backfill_has_read_is_behind_too() -> None:
    with state_table() as client:
        landed(client, "backfill#october", 1, "2026-11-16")
        assert RunState(client, TABLE).progress(ENTITY).last_load == 1
