"""What people do in a source: change, insert, delete, restore, and stamp many rows at once.

The stamp of a change is `"now"`, an instant, None (the stamp becomes null) or `"none"` (the row changes and its stamp
does not move). A change of a child stamps its parent, for children have no stamp of their own.
"""

# ruff: noqa: S608  names come from the schema; values are bound

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from local.simulators import schema
from local.simulators.instants import (
    berlin,
    clock_text,
    millis_text,
    parse_instant,
    salesforce_text,
    ts7_from_text,
    ts7_text,
)
from local.simulators.schema import Entity
from local.simulators.store import Key, Row, Store, Value


class ChangeError(ValueError):
    """The change cannot be made; the message says why."""


@dataclass(frozen=True)
class Moment:
    """When something is done: the stamp it leaves, and from when on it is seen (None: at once)."""

    stamp: str | datetime | None = "now"
    visible_at: datetime | None = None


def change(store: Store, entity: Entity, key: Key, columns: Mapping[str, object], moment: Moment) -> None:
    """Change columns of one row, or of one child with its parent's stamp. Raises ChangeError."""
    _known_columns(entity, columns)
    values = {name: _value(name, value) for name, value in columns.items()}
    if store.get(entity, key) is None:
        raise ChangeError(f"{entity.name} has no row {key}")
    top = schema.root(entity)
    steps = [(entity, key, values), (top, key[: len(top.key)], stamp_columns(store, top, moment.stamp))]
    moment = _in_turn(store, top, key[: len(top.key)], moment)
    if moment.visible_at is not None and moment.visible_at > store.now:
        for step in steps:
            store.postpone(*step, moment.visible_at)
        return
    store.remember(entity, key)
    for step in steps:
        store.update(*step)


def insert(store: Store, entity: Entity, row: Mapping[str, object], moment: Moment) -> Key:
    """Add one row, with its children where `row` holds them under their navigation; its key. Raises ChangeError."""
    nested = {child.navigation: child for child in schema.children(entity)}
    plain: Row = {name: _value(name, value) for name, value in row.items() if name not in nested}
    _known_columns(entity, plain)
    if entity.parent is None:
        plain = _born(store, entity, moment.stamp) | plain
    missing = [field.name for field in entity.fields if not field.nullable and plain.get(field.name) is None]
    if missing:
        raise ChangeError(f"{entity.name} cannot be inserted without {', '.join(missing)}")
    key = tuple(str(plain[name]) for name in entity.key)
    if store.get(entity, key) is not None:
        raise ChangeError(f"{entity.name} has a row {key} already")
    visible = clock_text(moment.visible_at or store.now)
    if entity.parent is not None:
        _stamp_parent(store, entity, key, moment)
    store.insert(entity, [plain], visible)
    for name, child in nested.items():
        rows = row.get(name or "", [])
        if not isinstance(rows, list):
            raise ChangeError(f"{entity.name}.{name} must be a list of rows")
        store.insert(child, [dict(zip(entity.key, key, strict=True)) | item for item in rows], visible)
    return key


def delete(store: Store, entity: Entity, keys: Sequence[Key], moment: Moment, *, hard: bool) -> None:
    """Delete rows: softly where the source has a recycle bin, unless `hard`. Raises ChangeError."""
    for key in keys:
        if store.get(entity, key) is None:
            raise ChangeError(f"{entity.name} has no row {key}")
        if entity.field("IsDeleted") and not hard:
            change(store, entity, key, {"IsDeleted": 1}, moment)
            continue
        store.remember(entity, key)
        store.remove(entity, key, moment.stamp if isinstance(moment.stamp, datetime) else None)
        if entity.parent is not None:
            top = schema.root(entity)
            _in_turn(store, top, key[: len(top.key)], Moment())
            store.update(top, key[: len(top.key)], stamp_columns(store, top, moment.stamp))


def undelete(store: Store, entity: Entity, keys: Sequence[Key], moment: Moment) -> None:
    """Take rows out of the recycle bin. Raises ChangeError."""
    if not entity.field("IsDeleted"):
        raise ChangeError(f"{entity.name} has no recycle bin: insert the row again")
    for key in keys:
        change(store, entity, key, {"IsDeleted": 0}, moment)


def touch(store: Store, entity: Entity, rows: int, at: str | datetime) -> int:
    """Stamp so many rows (the first by key that are live) with one instant; how many there were."""
    live = "AND IsDeleted = 0" if entity.field("IsDeleted") else ""
    names = ", ".join(entity.key)
    sql = f"SELECT {names} FROM {entity.set_name} WHERE _visible_at <= ? {live} ORDER BY {names} LIMIT ?"
    keys = [tuple(row) for row in store.read(sql, (clock_text(store.now), rows))]
    columns = stamp_columns(store, entity, at)
    for key in keys:
        _in_turn(store, entity, key, Moment(at))
        store.remember(entity, key)
        store.update(entity, key, columns)
    return len(keys)


def advance(store: Store, to: datetime, limit: datetime) -> datetime:
    """Move the clock on, and let everything happen that waited for it. ChangeError beyond `limit` or backwards."""
    to = to.replace(microsecond=0)
    if to > limit:
        raise ChangeError(f"the clock cannot pass real time: {clock_text(to)} is later than {clock_text(limit)}")
    if to < store.now:
        raise ChangeError(f"the clock only moves forward: {clock_text(to)} is earlier than {clock_text(store.now)}")
    store.set_meta("now", clock_text(to))
    apply_pending(store)
    return to


def apply_pending(store: Store) -> None:
    """Make the changes whose time has come; those of rows that are gone come to nothing."""
    _apply(store, "visible_at <= ?", (clock_text(store.now),))


def _in_turn(store: Store, top: Entity, top_key: Key, moment: Moment) -> Moment:
    """When a change of a document is seen that waits for those under way, as a row's lock has it.

    One that is to be seen at once lets them be seen first; a late one is not seen before them.
    """
    document = json.dumps(top_key)[:-1]
    family = [top.name, *(child.name for child in schema.children(top))]
    under_way = f"entity IN ({', '.join('?' * len(family))}) AND key BETWEEN ? AND ? || CHAR(1114111)"
    last = store.read(f"SELECT MAX(visible_at) FROM _pending WHERE {under_way}", (*family, document, document))[0][0]
    if last is None:
        return moment
    if moment.visible_at is None or moment.visible_at <= store.now:
        _apply(store, under_way, (*family, document, document))
        return moment
    return replace(moment, visible_at=max(moment.visible_at, parse_instant(last)))


def _apply(store: Store, which: str, values: tuple[str, ...]) -> None:
    sql = f"SELECT seq, entity, key, columns FROM _pending WHERE {which} ORDER BY visible_at, seq"
    for row in store.read(sql, values):
        entity, key = schema.ENTITIES[row["entity"]], store.key(row["key"])
        if store.get(entity, key) is not None:
            store.remember(entity, key)
            store.update(entity, key, store.columns(row["columns"]))
        store.write("DELETE FROM _pending WHERE seq = ?", (row["seq"],))


def stamp_columns(store: Store, entity: Entity, stamp: str | datetime | None) -> Row:
    """The columns that hold `entity`'s last change, for a stamp. Raises ChangeError."""
    if stamp == "none":
        return {}
    if stamp == "now":
        stamp = store.now
    return _STAMPS[entity.name](stamp)


def _crm_stamp(stamp: str | datetime | None) -> Row:
    if stamp is None:
        raise ChangeError("Salesforce never leaves SystemModstamp empty")
    at = parse_instant(stamp) if isinstance(stamp, str) else stamp
    text = salesforce_text(at.replace(microsecond=0))
    return {"SystemModstamp": text, "LastModifiedDate": text}


def _partner_stamp(stamp: str | datetime | None) -> Row:
    if stamp is None:
        return {"LastChangeDate": None, "LastChangeTime": None}
    day, clock = berlin(parse_instant(stamp) if isinstance(stamp, str) else stamp)
    return {"LastChangeDate": day, "LastChangeTime": clock}


def _ts7_stamp(stamp: str | datetime | None) -> Row:
    if stamp is None:
        return {"LastChangeDateTime": None}
    return {"LastChangeDateTime": ts7_from_text(stamp) if isinstance(stamp, str) else ts7_text(stamp)}


def _delivery_stamp(stamp: str | datetime | None) -> Row:
    return {"LastChangeDate": _partner_stamp(stamp)["LastChangeDate"]}


def _text_stamp(column: str, write: Callable[[datetime], str]) -> Callable[[str | datetime | None], Row]:
    """A stamp in one column that is never empty."""

    def stamped(stamp: str | datetime | None) -> Row:
        if stamp is None:
            raise ChangeError(f"{column} is never empty")
        return {column: write(parse_instant(stamp) if isinstance(stamp, str) else stamp)}

    return stamped


_STAMPS: dict[str, Callable[[str | datetime | None], Row]] = {
    **{entity.name: _crm_stamp for entity in schema.SOURCES["crm"]},
    "erp.business_partner": _partner_stamp,
    "erp.sales_order": _ts7_stamp,
    "erp.product": _ts7_stamp,
    "erp.billing_document": _ts7_stamp,
    "erp.outbound_delivery": _delivery_stamp,
    **dict.fromkeys(("erp.customer", "erp.receivable_item", "erp.exchange_rate", "erp.company_code"), lambda _: {}),
    "hubspot.contact": _text_stamp("lastmodifieddate", millis_text),
    "hubspot.company": _text_stamp("hs_lastmodifieddate", millis_text),
    "service.work_order": _text_stamp("updated_at", clock_text),
    "service.engineer": lambda _: {},
}


_FILLED_IN_BY_SALESFORCE: Row = {
    "IsDeleted": 0,
    "OwnerId": "0055g0000000001AAA",
    "IsActive": 1,
    "StageName": "Prospecting",
    "Probability": "10",
    "IsClosed": 0,
    "IsWon": 0,
}


def _born(store: Store, entity: Entity, stamp: str | datetime | None) -> Row:
    """What a source fills in by itself when a row is created."""
    at = parse_instant(stamp) if isinstance(stamp, str) and stamp not in ("now", "none") else store.now
    at = stamp if isinstance(stamp, datetime) else at
    day, clock = berlin(at)
    if entity in schema.SOURCES["crm"]:
        filled: Row = _FILLED_IN_BY_SALESFORCE | {"CreatedDate": salesforce_text(at), "CloseDate": day}
        created = {name: value for name, value in filled.items() if entity.field(name)}
    elif entity.name == "erp.business_partner":
        # A new partner has no change stamp: its creation stands in.
        return {"CreationDate": day, "CreationTime": clock, "IsMarkedForArchiving": 0, "Customer": ""}
    elif entity.name == "erp.outbound_delivery":
        return {"CreationDate": day}
    else:
        created = {"createdate": millis_text(at)} if entity.field("createdate") else _filled_in_by_the_erp(entity, day)
    return created | stamp_columns(store, entity, store.now if stamp == "none" else stamp)


def _filled_in_by_the_erp(entity: Entity, day: str) -> Row:
    known: dict[str, Row] = {
        "erp.sales_order": {"CreationDate": day, "SalesOrderDate": day},
        "erp.customer": {"DeletionIndicator": 0},
        "erp.product": {"IsMarkedForDeletion": 0},
        "erp.receivable_item": {
            "AccountingDocumentCreationDate": day,
            "FinancialAccountType": "D",
            "IsCleared": 0,
            "IsReversed": 0,
        },
    }
    return known.get(entity.name, {})


def _stamp_parent(store: Store, entity: Entity, key: Key, moment: Moment) -> None:
    top = schema.root(entity)
    top_key = key[: len(top.key)]
    if store.get(top, top_key) is None:
        raise ChangeError(f"{top.name} has no row {top_key} to add a {entity.name} to")
    columns = stamp_columns(store, top, moment.stamp)
    moment = _in_turn(store, top, top_key, moment)
    if moment.visible_at is not None and moment.visible_at > store.now:
        store.postpone(top, top_key, columns, moment.visible_at)
        return
    store.remember(top, top_key)
    store.update(top, top_key, columns)


def _known_columns(entity: Entity, columns: Mapping[str, object]) -> None:
    unknown = [name for name in columns if entity.field(name) is None]
    if unknown:
        raise ChangeError(f"{entity.name} has no field {', '.join(unknown)}")


def _value(name: str, value: object) -> Value:
    if value is None or isinstance(value, str | int):
        return int(value) if isinstance(value, bool) else value
    raise ChangeError(f"{name}: give text, true, false or null (a decimal as text), not {type(value).__name__}")


def minutes_later(store: Store, minutes: float | None) -> datetime | None:
    """The instant so many minutes after now; None for None."""
    return None if minutes is None else store.now + timedelta(minutes=minutes)
