"""Fetches: rows read by their keys. Those of a fetch list, which the lake lacks; and those that a feed or a delta link named
as gone, for one may have come back in the meantime."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lake.extract.passes import fetch_pass
from lake.extract.readings.keys_of_loads import keys_named_by
from lake.extract.readings.refresh import refresh
from lake.extract.readings.rows import RowLoad, Rules
from lake.extract.work import Step
from lake.raw.fit import DATE, INTEGER, NUMBER, TIME, instant_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lake.contract.plan import Plan
    from lake.extract.passes import Key
    from lake.extract.work import Checkpoint, Clock, Interruption, Work
    from lake.state.entity import EntityState

WRITTEN = {"int64": INTEGER, "decimal": NUMBER, "date": DATE, "time": TIME, "timestamp": instant_pattern(9)}
"""How values stand in a query without quotes."""
MOST_KEYS = 50
"""Keys of one query."""
MOST_CHARACTERS = 2_000
"""Of all keys of one query: its URL has to stay within what servers take."""


def open_fetch(work: Work, state: EntityState, _: Clock) -> Checkpoint | None:
    """The fetch list, where curate has left one; all is read again where the source cannot be asked by key."""
    listed = work.world.table.key_list("fetch", work.plan.entity) if state.watermark is not None else None
    if listed is not None and not work.dialect.by_key(work.source, work.plan):
        return refresh(work, state) | {"list": listed}
    return None if listed is None else {"phase": "fetch", "list": listed, "done": 0, "position": None}


def read_fetch(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads keys of the list as far as the budget goes. Who is not found any more is simply gone."""
    body = work.world.raw.get(checkpoint["list"])
    listed = [tuple(key) for key in json.loads(body)["keys"]] if body is not None else []
    keys = [key for key in listed if can_be_asked_for(work.plan, key)]
    step = _read(work, state, checkpoint, keys)
    if step.checkpoint is not None:
        return step
    work.world.table.done_with("fetch", work.plan.entity, checkpoint["list"])
    return replace(
        step, notes=tuple(_left_out(checkpoint["list"], there=body is not None, keys=len(listed) - len(keys)))
    )


def _left_out(fetch_list: str, *, there: bool, keys: int) -> Iterator[str]:
    if not there:
        yield f"the fetch list {fetch_list} is not there: nothing was fetched by it"
    if keys:
        yield f"{keys:,} keys of the fetch list are not of their type, and cannot be asked for"


def can_be_asked_for(plan: Plan, key: tuple[str | None, ...]) -> bool:
    """Whether each part of a key is of its type: a sweep lands keys as they were sent, and a query takes values alone."""
    parts = zip(key, plan.key_fields, strict=True)
    return all(
        part is not None and re.fullmatch(WRITTEN.get(field.base, ".*"), part, re.ASCII | re.DOTALL)
        for part, field in parts
    )


def named(loads: Sequence[int], after: str) -> Checkpoint:
    """The checkpoint of reading by key what these loads name, tombstones or rows; behind it comes what comes behind `after`."""
    return {"phase": "named", "loads": list(loads), "done": 0, "position": None, "after": after}


def read_named(work: Work, state: EntityState, checkpoint: Checkpoint) -> Step:
    """Reads rows of the keys that loads name, as far as the budget goes."""
    named_keys = dict.fromkeys(key for load in checkpoint["loads"] for key in keys_named_by(work, load))
    keys = [key for key in named_keys if can_be_asked_for(work.plan, key)]
    step = _read(work, state, checkpoint, keys)
    if step.checkpoint is not None or len(keys) == len(named_keys):
        return step
    unfit = len(named_keys) - len(keys)
    return replace(
        step, notes=(f"{unfit:,} keys that were named as gone are not of their type, and cannot be looked for",)
    )


def _read(work: Work, state: EntityState, checkpoint: Checkpoint, keys: list[Key]) -> Step:
    load = RowLoad(work, state, Rules("fetch", replaces=True))
    done, position = checkpoint["done"], checkpoint["position"]
    interruption: Interruption | None = None
    for chunk in chunks(keys[done:]):
        stop = work.read(fetch_pass(work.plan, chunk), position, load.add)
        done, position = done + len(chunk) * stop.finished, stop.position
        interruption = stop.interruption
        if not stop.finished or work.reader.used_up():
            break
    following = checkpoint | {"done": done, "position": position} if done < len(keys) else None
    following, loads = load.commit(following)
    return Step(load.state, following, loads, load.counts, interruption)


def chunks(keys: Sequence[Key]) -> Iterator[list[Key]]:
    """Keys in portions that one query can name."""
    chunk: list[Key] = []
    size = 0
    for key in keys:
        length = sum(map(len, key))
        if chunk and (len(chunk) == MOST_KEYS or size + length > MOST_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(key)
        size += length
    if chunk:
        yield chunk
