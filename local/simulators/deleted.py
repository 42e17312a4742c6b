"""Salesforce's getDeleted: which records of an object were deleted in an interval, for as long as it remembers.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

# ruff: noqa: S608  names come from the schema; values are bound

import json
from datetime import datetime, timedelta
from typing import Any

from local.simulators.instants import clock_text, parse_instant, salesforce_text
from local.simulators.schema import Entity
from local.simulators.server import RefusedError
from local.simulators.store import Store

REMEMBERED = timedelta(days=15)
_MOST_IDS = 600_000
_LONGEST = timedelta(days=30)


def deleted(store: Store, entity: Entity, start: str, end: str) -> dict[str, Any]:
    """The answer for `[start, end)`, seconds ignored: what lies in the recycle bin, and what is gone for good."""
    since, until = _minute("start", start), _minute("end", end)
    now = store.now
    if until <= since:
        raise RefusedError(
            400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate"
        )
    if since < now - _LONGEST:
        raise RefusedError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
    found = _binned(store, entity, since, until) + _erased(store, entity, since, until)
    if len(found) > _MOST_IDS:
        raise RefusedError(400, "EXCEEDED_ID_LIMIT", "the interval holds more than 600000 ids")
    covered = min(until, now.replace(second=0, microsecond=0))
    return {
        "deletedRecords": [{"id": key, "deletedDate": salesforce_text(at)} for at, key in sorted(found)],
        "earliestDateAvailable": salesforce_text((now - REMEMBERED).replace(second=0, microsecond=0)),
        "latestDateCovered": salesforce_text(covered),
    }


def _binned(store: Store, entity: Entity, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    if entity.field("IsDeleted") is None:
        return []
    rows = store.read(
        f"SELECT Id, SystemModstamp FROM {entity.set_name} WHERE IsDeleted = 1 AND _visible_at <= ? "
        "AND SystemModstamp >= ? AND SystemModstamp < ?",
        (clock_text(store.now), salesforce_text(since), salesforce_text(until)),
    )
    return [(parse_instant(row["SystemModstamp"]), row["Id"]) for row in rows]


def _erased(store: Store, entity: Entity, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    rows = store.read(
        "SELECT key, at FROM _deleted WHERE entity = ? AND at >= ? AND at < ?",
        (entity.name, clock_text(since), clock_text(until)),
    )
    return [(parse_instant(row["at"]), json.loads(row["key"])[0]) for row in rows]


def _minute(name: str, text: str) -> datetime:
    try:
        return parse_instant(text).replace(second=0, microsecond=0)
    except ValueError:
        raise RefusedError(400, "INVALID_REPLICATION_DATE", f"{name}: {text!r} is no date") from None
