"""What lies between two versions of a contract: what its readers will not notice, and what breaks them.

Breaking: a column, a key or a table is gone or means another thing; rows that were good are no longer; less is promised.
A new major version may break: its rows lie in a folder of their own in raw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lake.contract.conditions import compile_condition
from lake.contract.kinds import BadCondition
from lake.contract.rules import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lake.contract.plan import Check, Field, Plan
    from lake.contract.rules import Rows

OPENNESS = ("public", "internal", "confidential", "personal")
ONE_OF = re.compile(r"`\w+` IN \((?P<values>.+)\)")
BOUND = re.compile(r"(?P<of>(?:length\()?`\w+`\)?) (?P<sign>>=|>|<=|<) (?P<value>.+)")
NEW_MAJOR = "raise the major version: it gets its own folder in raw, and is read anew"
MEANING = {
    "path": "another object of the source",
    "key": "another key: rows are told apart otherwise",
    "cursor": "another stamp of changes: versions no longer compare",
    "filter": "another part of the source: rows outside of it are no longer asked for, and stay",
    "initial_from": "another beginning: a rebuild holds other rows",
}
HOW_READ = (
    *(
        "deletes",
        "page_size",
        "overlap_s",
        "settle_lag_s",
        "full_refresh_s",
        "window_s",
        "paging",
        "result_cap",
        "rest",
    ),
    *("description", "relationships", "owner"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the entity, what changed of it, how, whether that breaks readers, and what to do."""

    entity: str
    place: str
    what: str
    breaking: bool = False
    todo: str = ""

    def __str__(self) -> str:
        text = f"{self.entity}: {self.place}: {self.what}"
        return f"{text}; {self.todo}" if self.todo else text


def compare(before: Mapping[str, Plan], after: Mapping[str, Plan]) -> list[Change]:
    """The changes from plans, by entity, to later ones."""
    changes = [Change(name, "entity", "is new") for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() - after.keys()):
        todo = "tables and raw stay as they are; tell the readers, and keep the contract until they have gone"
        changes.append(Change(name, "entity", "is gone", breaking=True, todo=todo))
    for name in sorted(before.keys() & after.keys()):
        changes += _of_entity(name, before[name], after[name])
    return changes


def refused(before: Mapping[str, Plan], after: Mapping[str, Plan]) -> list[Change]:
    """The breaking changes that no new major version allows; an entity that is gone is always one."""
    majors = {name for name in before.keys() & after.keys() if after[name].major > before[name].major}
    found = [change for change in compare(before, after) if change.breaking and change.entity not in majors]
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name].version, after[name].version
        if _numbers(new) < _numbers(old):
            found.append(Change(name, "version", f"goes back from {old} to {new}", breaking=True, todo="raise it"))
    return found


def _of_entity(name: str, before: Plan, after: Plan) -> Iterator[Change]:
    for place, what in MEANING.items():
        if getattr(before, place) != getattr(after, place):
            yield Change(name, place, what, breaking=True, todo=NEW_MAJOR)
    for place in HOW_READ:
        if getattr(before, place) != getattr(after, place):
            yield Change(name, place, "says otherwise how it is read or described")
    rows = rows_of(before.fields, before.children)
    yield from _of_fields(name, "", before.fields, after.fields)
    yield from _of_checks(name, "", before.checks, after.checks, rows)
    old, new = ({child.name: child for child in plan.children} for plan in (before, after))
    for child in sorted(new.keys() - old.keys()):
        yield Change(name, child, "is a new table of items")
    for child in sorted(old.keys() - new.keys()):
        yield Change(name, child, "the table of items is gone", breaking=True, todo=NEW_MAJOR)
    for child in sorted(old.keys() & new.keys()):
        for place in ("field", "key", "parent_key", "filter"):
            if getattr(old[child], place) != getattr(new[child], place):
                yield Change(name, f"{child}.{place}", "means other items", breaking=True, todo=NEW_MAJOR)
        rows = rows_of(old[child].fields, (), above=before.fields)
        yield from _of_fields(name, f"{child}.", old[child].fields, new[child].fields)
        yield from _of_checks(name, f"{child}.", old[child].checks, new[child].checks, rows)
    yield from _of_promises(name, before, after)


def _of_fields(entity: str, prefix: str, before: Sequence[Field], after: Sequence[Field]) -> Iterator[Change]:
    old = {field.name: field for field in before}
    renamed = {field.renamed_from: field.name for field in after if field.renamed_from}
    for field in after:
        place = f"{prefix}{field.name}"
        earlier = old.get(field.name) or old.get(field.renamed_from or "")
        if earlier is None and field.required:
            todo = "rows that lie in raw lack it and would go to quarantine: leave `required` out, or " + NEW_MAJOR
            yield Change(entity, place, "is a new column that may not be null", breaking=True, todo=todo)
        elif earlier is None:
            yield Change(entity, place, "is a new column, null until its row changes in the source")
        else:
            if earlier.name != field.name:
                yield Change(entity, place, f"is the new name of {earlier.name}", todo="readers take the new name")
            yield from _of_field(entity, place, earlier, field)
    for name in sorted(old.keys() - {field.name for field in after} - renamed.keys()):
        todo = f"if it has a new name, say `renamed_from: {name}` there; else {NEW_MAJOR}"
        yield Change(entity, f"{prefix}{name}", "is gone", breaking=True, todo=todo)


def _of_field(entity: str, place: str, before: Field, after: Field) -> Iterator[Change]:
    if before.field != after.field:
        what = f"reads {after.field} instead of {before.field}"
        yield Change(entity, place, what, breaking=True, todo=f"add a column of its own, or {NEW_MAJOR}")
    if before.type != after.type and _widened(before, after):
        yield Change(entity, place, f"is widened from {before.type} to {after.type}")
    elif before.type != after.type:
        what = f"becomes {after.type}, and was {before.type}: values may not fit"
        yield Change(entity, place, what, breaking=True, todo=f"add a column of its own, or {NEW_MAJOR}")
    if after.required and not before.required:
        yield Change(entity, place, "may no longer be null: such rows go to quarantine", breaking=True, todo=NEW_MAJOR)
    elif before.required and not after.required:
        yield Change(entity, place, "may be null now")
    if before.classification != after.classification:
        opened = OPENNESS.index(after.classification) < OPENNESS.index(before.classification)
        todo = "more people see it: ask its owner" if opened else "readers without the right no longer see it"
        yield Change(entity, place, f"is {after.classification}, and was {before.classification}", todo=todo)
    if (before.form, before.description) != (after.form, after.description):
        yield Change(entity, place, "says otherwise how it is written or described")


def _widened(before: Field, after: Field) -> bool:
    """Whether each value of a type is one of the other, and Iceberg can widen its column."""
    if before.base != after.base:
        return False
    if before.base == "decimal":
        return before.parameters[1] == after.parameters[1] and before.parameters[0] < after.parameters[0]
    if before.base == "string":
        return not after.parameters or (bool(before.parameters) and before.parameters < after.parameters)
    return before.parameters < after.parameters


def _of_checks(
    entity: str, prefix: str, before: Sequence[Check], after: Sequence[Check], rows: Rows
) -> Iterator[Change]:
    old, new = {check.name: check for check in before}, {check.name: check for check in after}
    todo = f"make it a warning first, and see how many rows break it; or {NEW_MAJOR}"
    for name in sorted(old.keys() - new.keys()):
        yield Change(entity, f"{prefix}{name}", "is a rule no more")
    for name in sorted(new.keys() - old.keys()):
        error = new[name].severity == "error"
        yield Change(entity, f"{prefix}{name}", f"is a new rule ({new[name].severity})", error, todo if error else "")
    for name in sorted(old.keys() & new.keys()):
        was, now = old[name], new[name]
        if now.severity != was.severity:
            error = now.severity == "error"
            what = "quarantines now what it counted" if error else "counts now what it quarantined"
            yield Change(entity, f"{prefix}{name}", what, error, todo if error else "")
        if now.sql != (sql := _compiled(was.sql, rows)):
            tighter = now.severity == "error" and not _looser(sql, now.sql)
            what = "may refuse rows that were good" if tighter else "is a looser rule, or one that only warns"
            yield Change(entity, f"{prefix}{name}", what, tighter, todo if tighter else "")


def _compiled(sql: str, rows: Rows) -> str:
    """A condition as it is compiled today: plans from before hold it as its author wrote it."""
    try:
        return compile_condition(sql, rows.columns)
    except BadCondition:
        return sql


def _looser(before: str, after: str) -> bool:
    """Whether a condition surely holds wherever the earlier one held: of lists of values, and of bounds."""
    old, new = ONE_OF.fullmatch(before), ONE_OF.fullmatch(after)
    if old and new:
        values = [set(re.findall(r"'(?:[^'\\]|\\.)*'|[^\s,']+", match["values"])) for match in (old, new)]
        return before.partition(" IN ")[0] == after.partition(" IN ")[0] and values[0] <= values[1]
    old, new = BOUND.fullmatch(before), BOUND.fullmatch(after)
    if not old or not new or old["of"] != new["of"] or old["sign"][0] != new["sign"][0]:
        return False
    was, now = _value(old["value"]), _value(new["value"])
    if was is None or now is None or type(was) is not type(now):
        return False
    if was == now:
        return len(new["sign"]) >= len(old["sign"])
    return now < was if new["sign"][0] == ">" else now > was  # type: ignore[operator] # both are of one type


def _value(text: str) -> Decimal | str | None:
    """A constant that compares: a number, a text, a moment (all of one form)."""
    if re.fullmatch(r"\(?-?[\d.]+\)?", text):
        return Decimal(text.strip("()"))
    match = re.fullmatch(r"(?:DATE |TIMESTAMP )?'([^'\\]*)'", text)
    return match[1] if match else None


def _of_promises(entity: str, before: Plan, after: Plan) -> Iterator[Change]:
    old, new = before.curated, after.curated
    todo = f"keep the promise, or {NEW_MAJOR}"
    if old.history != new.history:
        what = "a table of all versions is begun" if new.history else "the table of all versions is no longer kept"
        yield Change(entity, "curated.history", what, old.history, todo if old.history else "")
    if old.snapshots_s != new.snapshots_s:
        less = new.snapshots_s < old.snapshots_s
        yield Change(
            entity,
            "curated.time_travel",
            "reaches less far back" if less else "reaches further back",
            less,
            todo if less else "",
        )
    if before.freshness_s != after.freshness_s:
        late = after.freshness_s > before.freshness_s
        yield Change(
            entity, "slaProperties", "latency: owes less" if late else "latency: owes more", late, todo if late else ""
        )
    for place in ("sort", "partition", "bad_fraction", "bad_min_rows"):
        if getattr(old, place) != getattr(new, place):
            rebuilt = "`lake rebuild` lays out what is there" if place in ("sort", "partition") else ""
            yield Change(entity, f"curated.{place}", "is another one", todo=rebuilt)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
