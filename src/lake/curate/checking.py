"""What is wrong with a version: the reasons that send it to quarantine, and the warnings that are only counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.curate.columns import literal, quoted, within

if TYPE_CHECKING:
    from lake.contract.plan import Check, Child, Field, Plan

KEY_MISSING = "key_missing"
KEY_REPEATED = "key_repeated"
PARENT_MISMATCH = "parent_mismatch"
STAMP_MISSING = "stamp_missing"
UNFIT = "unfit"

ITEM = "_item"
"""What a rule calls the item that it looks at: no column of a contract has such a name."""

MEANINGS = {
    KEY_MISSING: "a part of the key is missing",
    KEY_REPEATED: "two items have one key",
    PARENT_MISMATCH: "an item names another document than the one it came in",
    STAMP_MISSING: "neither the stamp nor its stand-in has a value",
    UNFIT: "a value is not of its type: see _unfit in what was sent",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A name and the SQL condition under which a version breaks it; the condition is never null."""

    name: str
    broken: str


def error_rules(plan: Plan) -> tuple[Rule, ...]:
    """What quarantines a version. The conditions read curated columns, `_cursor` and `_misfit`."""
    rules = [Rule(KEY_MISSING, _any_null(plan.key, "")), Rule(UNFIT, "_misfit")]
    if plan.cursor.nulls == "stand_in":
        rules.append(Rule(STAMP_MISSING, "_cursor IS NULL"))
    rules += _required(plan.fields, plan.key, "")
    rules += _checks(plan.checks, "error")
    for child in plan.children:
        rules += _child_rules(child)
    return tuple(rules)


def warning_rules(plan: Plan) -> tuple[Rule, ...]:
    """What is only counted."""
    rules = list(_checks(plan.checks, "warning"))
    for child in plan.children:
        rules += _child_checks(child, "warning")
    return tuple(rules)


def names_of_broken(rules: tuple[Rule, ...]) -> str:
    """The SQL of an array with the names of the rules that a version breaks."""
    if not rules:
        return "CAST(array() AS ARRAY<STRING>)"
    cases = ", ".join(f"IF({rule.broken}, {literal(rule.name)}, NULL)" for rule in rules)
    return f"array_compact(array({cases}))"


def _required(fields: tuple[Field, ...], key: tuple[str, ...], prefix: str) -> list[Rule]:
    wanted = (field.name for field in fields if field.required and field.name not in key)
    return [Rule(f"{name}_required", f"{prefix}{quoted(name)} IS NULL") for name in wanted]


def _checks(checks: tuple[Check, ...], severity: str) -> list[Rule]:
    return [Rule(check.name, f"({check.sql}) IS FALSE") for check in checks if check.severity == severity]


def _child_rules(child: Child) -> list[Rule]:
    """A document falls with its items: each rule looks for one item that breaks it."""
    own = [Rule(KEY_MISSING, _any_null(child.key, f"{ITEM}."))]
    own += _required(child.fields, child.key, f"{ITEM}.")
    mismatch = " OR ".join(f"{ITEM}.{quoted(name)} <> {quoted(name)}" for name in child.parent_key)
    own.append(Rule(PARENT_MISMATCH, f"coalesce({mismatch}, false)"))
    found = [_exists(child, rule) for rule in own]
    items = quoted(child.name)
    keys = f"transform({items}, {ITEM} -> struct({', '.join(f'{ITEM}.{quoted(name)}' for name in child.key)}))"
    found.append(Rule(f"{child.name}.{KEY_REPEATED}", f"size(array_distinct({keys})) < size({items})"))
    return found + _child_checks(child, "error")


def _child_checks(child: Child, severity: str) -> list[Rule]:
    columns = frozenset(field.name for field in child.fields)
    return [
        _exists(child, Rule(check.name, f"({within(check.sql, columns, ITEM)}) IS FALSE"))
        for check in child.checks
        if check.severity == severity
    ]


def _exists(child: Child, rule: Rule) -> Rule:
    return Rule(f"{child.name}.{rule.name}", f"exists({quoted(child.name)}, {ITEM} -> {rule.broken})")


def _any_null(names: tuple[str, ...], prefix: str) -> str:
    return "(" + " OR ".join(f"{prefix}{quoted(name)} IS NULL" for name in names) + ")"


def meaning(plan: Plan, reason: str) -> str:
    """What a reason in quarantine says, in words; of a check its description and condition."""
    owner, _, name = reason.rpartition(".")
    checks = (
        [check for child in plan.children if child.name == owner for check in child.checks] if owner else plan.checks
    )
    for check in checks:
        if check.name == name:
            return f"{check.description} ({check.sql})"
    if name.endswith("_required"):
        return f"{name.removesuffix('_required')} is required"
    return MEANINGS.get(name, f"contract {plan.version} has no rule of this name any more: replay it")
