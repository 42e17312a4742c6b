"""`/_control/`: the hand that moves time and makes changes. One function an action, found in `ACTIONS`.

Every action is a POST with a JSON object and answers with one; `state`, `health` and `faults` are GETs. 400 says what is wrong
with the request, 409 that time cannot go there.
"""

# ruff: noqa: S608  names come from the schema; values are bound

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from local.simulators import backup, changes, churn, delta, odd
from local.simulators.changes import ChangeError, Moment
from local.simulators.day import day_of_changes
from local.simulators.faults import Faults
from local.simulators.hand import Hand
from local.simulators.instants import clock_text, parse_instant
from local.simulators.messages import Request, Response, as_json
from local.simulators.schema import ENTITIES, SOURCES, Entity
from local.simulators.store import Key, Store

type Body = Mapping[str, Any]


@dataclass(frozen=True)
class Control:
    """The control API of one source."""

    store: Store
    faults: Faults

    def __call__(self, request: Request) -> Response:
        """Answer one control request."""
        name = request.path.removeprefix("/_control/")
        if request.method == "GET" and name in QUESTIONS:
            return as_json(QUESTIONS[name](self))
        if request.method != "POST" or name not in ACTIONS:
            return as_json({"error": f"no control {request.method} {name}: POST one of {', '.join(ACTIONS)}"}, 404)
        try:
            return as_json(self.perform(name, json.loads(request.body or b"{}")))
        except ClockError as problem:
            return as_json({"error": str(problem)}, 409)
        except (ValueError, KeyError, TypeError, sqlite3.IntegrityError) as problem:
            reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
            return as_json({"error": f"{name}: {reason}"}, 400)

    def perform(self, name: str, body: Body) -> dict[str, object]:
        """Do an action, wholly or not at all. Raises ClockError, ChangeError, ValueError, KeyError or TypeError."""
        if name not in ACTIONS:
            raise ValueError(f"no action {name}: give one of {', '.join(ACTIONS)}")
        with self.store.transaction():
            return ACTIONS[name](self, body)


class ClockError(Exception):
    """The clock was asked to go where it cannot."""


def _health(control: Control) -> dict[str, object]:
    return {"status": "up", "source": control.store.meta("source")}


def _state(control: Control) -> dict[str, object]:
    store = control.store
    with store.lock:
        source = store.meta("source")
        counts = {e.name: store.read(f"SELECT COUNT(*) FROM {e.set_name}")[0][0] for e in SOURCES[source]}
        facts = {name: store.meta(name) for name in ("source", "now", "start", "size")}
        pending = store.read("SELECT COUNT(*) FROM _pending")[0][0]
        return facts | {"seed": int(store.meta("seed")), "rows": counts, "pending": pending}


def _met(control: Control) -> dict[str, object]:
    return {"faults": control.faults.listed()}


def _advance(control: Control, body: Body) -> dict[str, object]:
    store = control.store
    to = parse_instant(body["to"]) if "to" in body else store.now + timedelta(hours=float(body["hours"]))
    return {"now": clock_text(_move(store, to))}


def _move(store: Store, to: datetime) -> datetime:
    try:
        return changes.advance(store, to, datetime.now(UTC))
    except ChangeError as problem:
        raise ClockError(str(problem)) from problem


def _change(control: Control, body: Body) -> dict[str, object]:
    entity = _entity(control.store, body)
    changes.change(control.store, entity, _key(entity, body["key"]), body["set"], _moment(control, body))
    return {"changed": 1}


def _insert(control: Control, body: Body) -> dict[str, object]:
    entity = _entity(control.store, body)
    moment = _moment(control, body)
    rows = body["rows"] if "rows" in body else [body["row"]]
    return {"keys": [list(changes.insert(control.store, entity, row, moment)) for row in rows]}


def _delete(control: Control, body: Body) -> dict[str, object]:
    entity = _entity(control.store, body)
    keys = [_key(entity, key) for key in body["keys"]]
    hard = bool(body.get("hard", False))
    changes.delete(control.store, entity, keys, _moment(control, body), hard=hard)
    return {"deleted": len(keys)}


def _undelete(control: Control, body: Body) -> dict[str, object]:
    entity = _entity(control.store, body)
    keys = [_key(entity, key) for key in body["keys"]]
    changes.undelete(control.store, entity, keys, _moment(control, body))
    return {"undeleted": len(keys)}


def _touch(control: Control, body: Body) -> dict[str, object]:
    entity = _entity(control.store, body)
    if entity.parent is not None:
        raise ChangeError(f"{entity.name} has no stamp of its own: touch {entity.parent}")
    return {"touched": changes.touch(control.store, entity, int(body["rows"]), str(body.get("at", "now")))}


def _day(control: Control, body: Body) -> dict[str, object]:
    store = control.store
    end = store.now + timedelta(hours=float(body.get("hours", 24)))
    if end > datetime.now(UTC):
        raise ClockError(f"the day would end at {clock_text(end)}, past real time")
    return day_of_changes(store, end)


def _fault(control: Control, body: Body) -> dict[str, object]:
    none = body["kind"] == "none"
    control.faults.set([] if none else [body], control.perform)
    return {"fault": body["kind"]}


def _faults(control: Control, body: Body) -> dict[str, object]:
    control.faults.set(body["faults"], control.perform, int(body.get("seed", 0)))
    return {"faults": control.faults.listed()}


def _bulk_change(control: Control, body: Body) -> dict[str, object]:
    moment = _moment(control, {**body, "stamp": body.get("at", "now")})
    hand = Hand(control.store, _chance(body), lambda: moment)
    return {"changed": churn.bulk_change(hand, _entity(control.store, body), int(body["rows"]))}


def _random_changes(control: Control, body: Body) -> dict[str, object]:
    hand = Hand(control.store, _chance(body), lambda: _moment(control, body))
    return {"done": churn.random_changes(hand, int(body["changes"]))}


def _odd_values(control: Control, body: Body) -> dict[str, object]:
    hand = Hand(control.store, _chance(body), lambda: _moment(control, body))
    entity = _entity(control.store, body)
    return {"done": odd.odd_values(hand, entity, int(body["rows"]), list(body.get("kinds", [])))}


def _clock_changes(control: Control, body: Body) -> dict[str, object]:
    hand = Hand(control.store, _chance(body), Moment)
    year = int(body.get("year", control.store.now.year))
    return {"changed": churn.around_clock_changes(hand, _entity(control.store, body), int(body["rows"]), year)}


def _snapshot(control: Control, body: Body) -> dict[str, object]:
    return {"rows": backup.snapshot(control.store, str(body.get("name", "backup")))}


def _restore(control: Control, body: Body) -> dict[str, object]:
    return {"done": backup.restore(control.store, str(body.get("name", "backup")))}


def _rewind(control: Control, body: Body) -> dict[str, object]:
    backup.rewind(control.store, str(body.get("name", "backup")))
    return {"now": clock_text(control.store.now)}


def _track_changes(control: Control, body: Body) -> dict[str, object]:
    once, both = bool(body.get("once", False)), bool(body.get("both", False))
    notation = body.get("notation", "4.0")
    delta.switch(control.store, mode=body.get("mode", "on"), once=once, notation=notation, both=both)
    return {"mode": body.get("mode", "on")}


def _expire_delta_links(control: Control, body: Body) -> dict[str, object]:
    del body
    return {"expired": delta.expire(control.store)}


QUESTIONS: dict[str, Callable[[Control], dict[str, object]]] = {"health": _health, "state": _state, "faults": _met}

ACTIONS: dict[str, Callable[[Control, Body], dict[str, object]]] = {
    "advance": _advance,
    "change": _change,
    "insert": _insert,
    "delete": _delete,
    "undelete": _undelete,
    "touch": _touch,
    "day_of_changes": _day,
    "bulk_change": _bulk_change,
    "random_changes": _random_changes,
    "odd_values": _odd_values,
    "clock_changes": _clock_changes,
    "snapshot": _snapshot,
    "restore": _restore,
    "rewind": _rewind,
    "fault": _fault,
    "faults": _faults,
    "track_changes": _track_changes,
    "expire_delta_links": _expire_delta_links,
}


def _chance(body: Body) -> Random:
    return Random(f"changes:{body.get('seed', 0)}")  # noqa: S311  repeatable on purpose


def _entity(store: Store, body: Body) -> Entity:
    source = store.meta("source")
    name = str(body["entity"])
    entity = ENTITIES.get(name if "." in name else f"{source}.{name}")
    if entity is None or entity not in SOURCES[source]:
        known = ", ".join(e.name for e in SOURCES[source])
        raise ChangeError(f"no entity {name!r} here: give one of {known}")
    return entity


def _key(entity: Entity, key: object) -> Key:
    parts = tuple(str(part) for part in key) if isinstance(key, list) else (str(key),)
    if len(parts) != len(entity.key):
        raise ChangeError(f"the key of {entity.name} is [{', '.join(entity.key)}], not {key!r}")
    return parts


def _moment(control: Control, body: Body) -> Moment:
    minutes = body.get("visible_after_minutes")
    return Moment(
        body.get("stamp", "now"),
        changes.minutes_later(control.store, control.faults.delay() if minutes is None else minutes),
    )
