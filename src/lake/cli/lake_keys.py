"""The keys of an entity that live in the lake, read from its curated tables through Athena."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.cli.errors import OperatorError
from lake.cli.key_texts import Key, same_text
from lake.cli.querying import row_pages, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lake.cli.aws import Stack
    from lake.contract.plan import Field, Plan

type Row = list[str | None]


@dataclass(frozen=True, slots=True)
class LakeKeys:
    """Keys as the lake counts them (`lake.curate.balance.living`).

    `living`: of rows in current, and those that only quarantine holds. `flagged`: of rows whose soft flag says that they are
    deleted. `only_held`: how many of the living ones only quarantine holds. `keyless`: open records whose key cannot be
    compared.
    """

    living: frozenset[Key]
    flagged: frozenset[Key] = frozenset()
    only_held: int = 0
    keyless: int = 0


def read_lake_keys(stack: Stack, plan: Plan, read: Callable[[int], None]) -> LakeKeys:
    """All keys of an entity's tables. `read` is called with how many rows came; raises OperatorError where there is no table."""
    database = stack.output("CuratedDatabaseName")
    there = tables_of(database)
    if plan.table not in there:
        raise OperatorError(
            f"There is no table {plan.table} yet.", f"The first run makes it: lake run --entity {plan.entity}"
        )
    current, _ = _by_key(plan, _rows(stack, current_sql(database, plan), read), lambda flagged: flagged == "true")
    if f"{plan.table}_quarantine" not in there:
        return _counted(current, {}, 0)
    held = _rows(stack, quarantine_sql(database, plan), read)
    return _counted(current, *_by_key(plan, held, lambda sent: sent is not None and _says_deleted(plan, sent)))


def current_sql(database: str, plan: Plan) -> str:
    """The key columns of current, and whether the row's soft flag is true."""
    flag = soft_flag(plan)
    flagged = "FALSE" if flag is None else f"COALESCE({_quoted(flag.name)}, FALSE)"
    return f"SELECT {_columns(plan)}, {flagged} AS _flagged FROM {_quoted(database)}.{_quoted(plan.table)}"  # noqa: S608


def quarantine_sql(database: str, plan: Plan) -> str:
    """The key columns of open records and, where there is a soft flag, the record as it was sent; the newest of a key last."""
    sent = "CAST(NULL AS VARCHAR)" if soft_flag(plan) is None else '"row"'
    table = f"{_quoted(database)}.{_quoted(plan.table + '_quarantine')}"
    return (
        f"SELECT {_columns(plan)}, {sent} AS _sent FROM {table} WHERE status = 'open' "  # noqa: S608
        "ORDER BY _observed_at, _cursor NULLS FIRST"
    )


def soft_flag(plan: Plan) -> Field | None:
    """The field that says of a row that it is deleted."""
    soft = plan.strategy("soft_flag")
    return next((field for field in plan.fields if soft is not None and field.field == soft.field), None)


def _rows(stack: Stack, sql: str, read: Callable[[int], None]) -> Iterator[Row]:
    for page in row_pages(stack, sql):
        read(len(page))
        yield from page


def _by_key(plan: Plan, rows: Iterator[Row], is_flagged: Callable[[str | None], bool]) -> tuple[dict[Key, bool], int]:
    """Key → whether its last row is flagged; and how many rows lack a part of their key."""
    found, keyless = dict[Key, bool](), 0
    for *parts, last in rows:
        key = tuple(
            same_text(field, text) for field, text in zip(plan.key_fields, parts, strict=True) if text is not None
        )
        if len(key) == len(parts):
            found[key] = is_flagged(last)
        else:
            keyless += 1
    return found, keyless


def _says_deleted(plan: Plan, sent: str) -> bool:
    """Whether a record as it was sent says that its row is deleted."""
    flag = soft_flag(plan)
    return flag is not None and json.loads(sent).get(flag.raw) in (True, "true")


def _counted(current: dict[Key, bool], held: dict[Key, bool], keyless: int) -> LakeKeys:
    only_held = {key: flagged for key, flagged in held.items() if key not in current}
    both = current | only_held
    return LakeKeys(
        living=frozenset(key for key, flagged in both.items() if not flagged),
        flagged=frozenset(key for key, flagged in both.items() if flagged),
        only_held=sum(not flagged for flagged in only_held.values()),
        keyless=keyless,
    )


def _columns(plan: Plan) -> str:
    return ", ".join(map(_quoted, plan.key))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
