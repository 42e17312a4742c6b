"""JSON without loss: numbers keep their digits, a key that stands twice keeps both values."""

from __future__ import annotations

import json
from typing import Any

type Json = Any


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def parse(body: bytes) -> Json:
    """The document in a body, numbers as `Number`; a doubled key's further values stand under `key#2`, `key#3` ...

    Raises ValueError where it is not JSON in UTF-8.
    """
    return json.loads(
        body.decode("utf-8"),
        parse_float=Number,
        parse_int=Number,
        parse_constant=_refuse_constant,
        object_pairs_hook=_keep_doubles,
    )


def dump(value: Json) -> str:
    """The JSON text of a parsed value, numbers as they were written; ASCII, so that any string can be stored."""
    match value:
        case Number():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{dump(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ",".join(dump(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _keep_doubles(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for key, value in pairs:
        name, times = key, 1
        while name in record:
            times += 1
            name = f"{key}#{times}"
        record[name] = value
    return record
