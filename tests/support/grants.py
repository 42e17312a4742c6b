"""What the template grants to each role, and what recorded calls show that a role used."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from tests.support.stack import ROOT, resources

if TYPE_CHECKING:
    from collections.abc import Iterable

Grant = tuple[str, str]
# AWS acts under these in our name: what they need is derived (test_derived_grants.py), for nothing local checks it.
DERIVED_ROLES = ("PipelineRole", "BackfillRole", "ScheduleRole", "CrawlerRole")
# CloudFormation names a role <stack>-<logical id>-<random>.
ROLE_IN_CALL = re.compile(r"^assumed-role/[^/]*?-(?P<logical>[A-Za-z0-9]+Role)-[A-Za-z0-9]+/")


def granted(roles: dict[str, dict[str, Any]] | None = None) -> dict[str, set[Grant]]:
    """Role → pairs of action and resource that its inline policies allow; references are text (tests/support/stack.py)."""
    return {
        role: {pair for policy in properties.get("Policies", []) for pair in _pairs(policy["PolicyDocument"])}
        for role, properties in (resources("AWS::IAM::Role") if roles is None else roles).items()
    }


def granted_actions() -> dict[str, set[str]]:
    """Role → the actions that it is granted on anything."""
    return {role: {action for action, _ in pairs} for role, pairs in granted().items()}


def used_actions(calls: Iterable[str]) -> dict[str, set[str]]:
    """Role → the actions that it was allowed in recorded calls (JSON lines with principal, action, verdict)."""
    used: dict[str, set[str]] = {}
    for line in calls:
        call = json.loads(line)
        found = ROLE_IN_CALL.match(call["principal"])
        if found and call["verdict"] == "allowed":
            used.setdefault(found["logical"], set()).add(call["action"])
    return used


def unused_actions(calls: Iterable[str]) -> dict[str, set[str]]:
    """Role → the actions that it is granted and that no recorded call used."""
    used = used_actions(calls)
    return {role: left for role, actions in granted_actions().items() if (left := actions - used.get(role, set()))}


def _pairs(document: dict[str, Any]) -> set[Grant]:
    return {
        (action, resource)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in _many(statement["Action"])
        for resource in _many(statement["Resource"])
    }


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def aws_only() -> dict[str, set[str]]:
    """Role → the actions that aws_only.toml says are needed on AWS alone."""
    listed: dict[str, set[str]] = {}
    for entry in tomllib.loads((ROOT / "tests" / "template" / "aws_only.toml").read_text("utf-8"))["grant"]:
        for role in entry["roles"]:
            listed.setdefault(role, set()).update(entry["actions"])
    return listed


def unexplained(calls: Iterable[str]) -> dict[str, set[str]]:
    """Role → granted actions that no recorded call used and nothing explains; of the roles that run our code."""
    explained = aws_only()
    return {
        role: left
        for role, unused in unused_actions(calls).items()
        if role not in DERIVED_ROLES and (left := unused - explained.get(role, set()))
    }
