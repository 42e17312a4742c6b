"""`lake quarantine`: which records break their contract, why, and what stands in their place."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from rich.text import Text

from lake.cli.answer import Answer
from lake.cli.aws import Stack, client, find_stack
from lake.cli.errors import OperatorError
from lake.cli.pictures import number, plain_table
from lake.cli.progress import deployed_plans
from lake.cli.querying import Result, execute, tables_of
from lake.cli.stating import known
from lake.curate.checking import meaning
from lake.raw.layout import manifest_key
from lake.raw.store import RawBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.contract.plan import Plan

OPEN = "status = 'open'"
EVERYTHING = 1_000_000


def overview(stack_name: str) -> Answer:
    """How many open records each rule of each entity holds back."""
    stack = find_stack(stack_name)
    there = set(tables_of(stack.output("CuratedDatabaseName")))
    plans = [plan for plan in deployed_plans(stack).values() if f"{plan.table}_quarantine" in there]
    if not plans:
        return Answer({"rules": []}, ["No quarantine yet: the first run makes the tables. Start it: lake run"])
    sql = " UNION ALL ".join(_by_rule(stack, plan) for plan in plans)
    rows = _documents(execute(stack, f"{sql} ORDER BY entity, rows DESC, reason", EVERYTHING))
    if not rows:
        return Answer({"rules": []}, ["Nothing is held back: no record that counts breaks its contract."])
    table = plain_table("entity", "rule", "rows", "first seen", "last seen", numbers=("rows",))
    for row in rows:
        row["rows"] = int(row["rows"])
        table.add_row(row["entity"], row["reason"], number(row["rows"]), row["first_seen"], row["last_seen"])
    return Answer({"rules": rows}, [table, "Look at them: lake quarantine list ENTITY"])


def listed(stack_name: str, entity: str, limit: int, *, closed: bool) -> Answer:
    """The records of one entity, the latest first; those that are closed, too, where they are asked for."""
    stack = find_stack(stack_name)
    plan = deployed_plans(stack)[known(stack, entity)]
    names = ("_load", "_row", *plan.key, "reasons", "first_seen", "_observed_at", "contract", "status")
    sql = (
        f"SELECT {', '.join(map(_quoted, names))} FROM {_table(stack, plan)} {'' if closed else f'WHERE {OPEN}'} "  # noqa: S608
        f"ORDER BY _observed_at DESC, _load DESC, _row DESC LIMIT {limit + 1}"
    )
    result = execute(stack, sql, limit)
    rows = _documents(result)
    if not rows:
        return Answer({"entity": entity, "rows": []}, [f"Quarantine holds nothing of {entity} that counts."])
    table = plain_table(
        "load", "row", *plan.key, "broken rules", "first seen", "last seen", "status", numbers=("load", "row")
    )
    for row in rows:
        keys = (Text("NULL", style="dim") if row[name] is None else Text(row[name]) for name in plan.key)
        seen = (row["first_seen"], row["_observed_at"], row["status"])
        table.add_row(row["_load"], row["_row"], *keys, row["reasons"].strip("[]"), *seen)
    more = " There are more (--limit)." if result.more else ""
    said = f"Look at one: lake quarantine show {entity} {rows[0]['_load']} {rows[0]['_row']}.{more}"
    return Answer({"entity": entity, "rows": rows, "more": result.more}, [table, said], paged=True)


def shown(stack_name: str, entity: str, load: int, row: int) -> Answer:
    """One record: what is wrong with it, what was sent, and what current holds of its key."""
    stack = find_stack(stack_name)
    plan = deployed_plans(stack)[known(stack, entity)]
    there = f"{plan.table}_quarantine" in tables_of(stack.output("CuratedDatabaseName"))
    sql = f"SELECT * FROM {_table(stack, plan)} WHERE _load = {load} AND _row = {row}"  # noqa: S608 (numbers)
    found = _documents(execute(stack, sql, 1)) if there else []
    if not found:
        sent = _from_raw(stack, plan, load, row)
        document = {"entity": entity, "load": load, "row": row, "status": None, "record": sent}
        head = Text.assemble(
            (entity, "bold"), f" load {load} row {row}: as it lies in raw; quarantine does not hold it"
        )
        return Answer(document, [head, _pretty(sent)])
    (held,) = found
    broken = {reason: meaning(plan, reason) for reason in _texts(held["reasons"])}
    current = _current(stack, plan, held)
    document = {
        "entity": entity, "load": load, "row": row, "status": held["status"], "broken": broken, "contract": held["contract"],
        "plan": held["plan"], "first_seen": held["first_seen"], "last_seen": held["_observed_at"],
        "closed_at": held["closed_at"], "record": json.loads(held["row"] or "null"), "current": current,
    }  # fmt: skip
    return Answer(document, list(_pictures(document)))


def _pictures(document: dict[str, Any]) -> Iterator[Any]:
    closed = f" since {document['closed_at']}" if document["closed_at"] else ""
    head = f" load {document['load']} row {document['row']}: {document['status']}{closed}"
    yield Text.assemble((document["entity"], "bold"), head)
    yield f"Seen from {document['first_seen']} to {document['last_seen']}, judged by contract {document['contract']}"
    for reason, text in document["broken"].items():
        yield Text.assemble(("  " + reason, "bold"), f": {text}")
    yield Text("What was sent", style="bold")
    yield _pretty(document["record"])
    yield Text("What current holds of its key", style="bold")
    yield _pretty(document["current"]) if document["current"] else "nothing"


def _by_rule(stack: Stack, plan: Plan) -> str:
    return (
        f"SELECT '{plan.entity}' AS entity, t.reason, count(*) AS rows, min(first_seen) AS first_seen, "  # noqa: S608
        f"max(_observed_at) AS last_seen FROM {_table(stack, plan)} CROSS JOIN UNNEST(reasons) AS t(reason) "
        f"WHERE {OPEN} GROUP BY t.reason"
    )


def _current(stack: Stack, plan: Plan, held: dict[str, Any]) -> dict[str, Any] | None:
    """The row of current that has the record's key."""
    if any(held[name] is None for name in plan.key):
        return None
    same = " AND ".join(f"CAST({_quoted(name)} AS VARCHAR) = {_literal(held[name])}" for name in plan.key)
    table = f'"{stack.output("CuratedDatabaseName")}"."{plan.table}"'
    found = _documents(execute(stack, f"SELECT * FROM {table} WHERE {same}", 1))  # noqa: S608 (quoted, escaped)
    return found[0] if found else None


def _from_raw(stack: Stack, plan: Plan, load: int, row: int) -> dict[str, Any]:
    """A row as it lies in raw: of a load that was stopped, or of an earlier sighting."""
    raw = RawBucket(client("s3"), stack.output("RawBucketName"))
    manifest = raw.get(manifest_key(plan.entity, load))
    if manifest is None:
        raise OperatorError(f"{plan.entity} has no load {load}.", "`lake state show` says which was the last one.")
    for part in json.loads(manifest)["parts"]:
        found = pq.read_table(io.BytesIO(raw.get(part["key"]) or b""), filters=[("_row", "=", row)]).to_pylist()
        if found:
            return dict(found[0])
    raise OperatorError(f"Load {load} of {plan.entity} has no row {row}.", "Rows are numbered from 0.")


def _documents(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _texts(array: str | None) -> list[str]:
    """The members of an array of names as Athena writes it: `[unfit, key_missing]`."""
    return [text.strip(" '\"") for text in (array or "").strip("[]").split(",") if text.strip()]


def _table(stack: Stack, plan: Plan) -> str:
    return f'"{stack.output("CuratedDatabaseName")}"."{plan.table}_quarantine"'


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pretty(record: object) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False, default=str)
