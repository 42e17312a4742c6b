"""`lake contract draft`: a contract from what a source says of an entity, or from some of its rows."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.syntax import Syntax

from lake.cli.answer import Answer
from lake.cli.contract_text import Drafted, snake_names, written
from lake.cli.errors import OperatorError
from lake.cli.sources import Address, Met, meet, source_plan
from lake.contract.plan import NO_CURSOR, Deletes, Plan
from lake.extract.errors import ExtractError, Paused
from lake.extract.http import Request
from lake.extract.protocols.dialect import SourceField
from lake.raw.literal import Number, parse
from lake.run.remedy import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lake.contract.plan import SourcePlan

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.(\d{1,9}))?(?:Z|[+-]\d{2}:?\d{2})")
MOST_PRECISION = 38


def draft(folder: Path, path: str, name: str | None, out: Path | None, address: Address) -> Answer:
    """The contract as text; written to `out` where that is given and new."""
    if out is not None and out.exists():
        raise OperatorError(f"{out} is there already.", "Name another file with --out, or remove this one.")
    source = source_plan(folder)
    met = meet(source, address)
    try:
        drafted = _described(met, path, name) if met.dialect.describe else _sampled(met, path, name)
    except (ExtractError, Paused) as error:
        next_step = REMEDIES.get(type(error).__name__) or "Is the path right?"
        raise OperatorError(str(error), next_step) from None
    text = written(drafted)
    if out is None:
        return Answer({"contract": text}, [Syntax(text, "yaml", background_color="default", word_wrap=False)])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    said = f"{out} holds a draft with {len(drafted.fields)} fields. Read it, then: lake source check {folder}"
    return Answer({"contract": text, "file": str(out)}, [said])


def _described(met: Met, path: str, name: str | None) -> Drafted:
    plan = _stub(met.source, path)
    describe = met.dialect.describe
    assert describe is not None  # noqa: S101 - the caller looked
    answer = met.connection.read(describe.request(met.source, plan))
    found = describe.read(met.source, plan, answer.body)
    if path not in found:
        raise OperatorError(
            f"{met.connection.url} describes no {path}.", f"It describes {', '.join(sorted(found)) or 'nothing'}."
        )
    fields = found[path].values()
    known = tuple(field for field in fields if field.type is not None)
    return Drafted(
        met.source, path, name or _name_of(path), known, tuple(field.name for field in fields if field.type is None)
    )


def _stub(source: SourcePlan, path: str) -> Plan:
    """As much of a plan as asking for a description takes."""
    return Plan(
        entity=f"{source.source}.draft", source=source.source, name="draft", version="0.0.0", major=0, description="",
        path=path, key=(), fields=(), children=(), cursor=NO_CURSOR, deletes=(Deletes("none"),), checks=(), filter=None,
        initial_from=None, page_size=100, overlap_s=0, settle_lag_s=0, freshness_s=0,
    )  # fmt: skip


def _sampled(met: Met, path: str, name: str | None) -> Drafted:
    """From the rows of one answer to a plain GET: types as they are seen, nullable all."""
    params = (*met.source.params.items(),)
    body = met.connection.read(
        Request(f"{met.source.base_path}/{path}", params, (("Accept", "application/json"),))
    ).body
    try:
        place, rows = records_in(parse(body))
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{path} does not answer with JSON: {error}", "Is it the path of a list?") from None
    flatten = tuple(
        member for member in ("properties", "fields", "attributes") if isinstance(rows[0].get(member), dict)
    )
    shared = met.source.rest or {}
    flat = [{**row, **{name: value for member in flatten for name, value in row[member].items()}} for row in rows]
    flat = [{name: unwrapped(value, shared.get("wrappers") or {}) for name, value in row.items()} for row in flat]
    kinds = {field: seen_type(row.get(field) for row in flat) for field in _members(flat) if field not in flatten}
    fields = tuple(
        SourceField(field, kind, nullable=field.lower() != "id", key=field.lower() == "id")
        for field, kind in kinds.items()
        if kind is not None
    )
    return Drafted(
        source=met.source,
        path=path,
        name=name or _name_of(path),
        fields=fields,
        left_out=tuple(field for field, kind in kinds.items() if kind is None),
        from_rows=len(rows),
        rest={
            name: value
            for name, value in (("data_selector", place), ("flatten", list(flatten)))
            if value != shared.get(name, [])
        },
    )


def records_in(document: Any, place: str = "") -> tuple[str, list[dict[str, Any]]]:
    """Where the records stand in an answer, and the records: the longest list of objects. Raises ValueError."""
    found: list[tuple[str, list[dict[str, Any]]]] = []

    def look(value: Any, path: str) -> None:
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            found.append((path, value))
        elif isinstance(value, dict):
            for member, inner in value.items():
                look(inner, f"{path}.{member}" if path else member)

    look(document, place)
    if not found:
        raise ValueError("it holds no list of records")
    return max(found, key=lambda item: len(item[1]))


def unwrapped(value: Any, wrappers: Mapping[str, str]) -> Any:
    """What an object that names its class holds; any other value as it is. A decimal's digits count as a number."""
    kind = str(value.get("__class__")) if isinstance(value, dict) else ""
    if kind not in wrappers:
        return value
    inner = value.get(wrappers[kind])
    return Number(inner) if isinstance(inner, str) and "decimal" in kind.lower() else inner


def _members(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(member for row in rows for member in row))


def seen_type(values: Iterable[Any]) -> str | None:
    """The narrowest type that holds all values (nulls apart); None where they are objects or lists, or none is there."""
    kinds = {_kind(value) for value in values if value is not None}
    if not kinds or None in kinds:
        return None
    if len(kinds) == 1:
        return _widened(kinds.pop())
    bases = {str(kind).partition("(")[0] for kind in kinds}
    if bases == {"timestamp"}:
        return max((str(kind) for kind in kinds), key=lambda kind: int(kind[10:-1]))
    if bases <= {"int64", "decimal"}:
        return "decimal(38,9)"
    return "string"


def _kind(value: Any) -> str | None:
    match value:
        case bool():
            return "boolean"
        case Number():
            return "int64" if re.fullmatch(r"-?\d{1,18}", value) else "decimal"
        case str():
            if match := INSTANT.fullmatch(value):
                return f"timestamp({len(match[1] or '')})"
            return "date" if _is_date(value) else "string"
        case _:
            return None


def _widened(kind: str | None) -> str | None:
    return "decimal(38,9)" if kind == "decimal" else kind


def _is_date(text: str) -> bool:
    try:
        return len(text) == len("2026-11-16") and isinstance(date.fromisoformat(text), date)
    except ValueError:
        return False


def _name_of(path: str) -> str:
    last = re.sub(r"^A_", "", path.rstrip("/").rpartition("/")[2])
    return snake_names([last])[last]
