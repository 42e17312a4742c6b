"""The template and the state machine's definition as the tests read them: values in which references are text.

`!Ref X` reads `${X}`, `!GetAtt X.Arn` reads `${X.Arn}`, `!Sub` its text: what is the same in two places compares equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
SOURCES_FUNCTION = re.compile(
    r"\{% '\$\{ExtractFunctions\}' & \$substringBefore\(\$(?:states\.input\.)?entity, '\.'\) %\}"
)
"""How the machine names the extract function of an entity's source."""


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _reference(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return text if suffix == "Sub" else f"${{{text}}}"
    assert isinstance(node, yaml.SequenceNode), f"!{suffix} is written in a form that these tests do not read"
    return {f"Fn::{suffix}": loader.construct_sequence(node, deep=True)}


TemplateLoader.add_multi_constructor("!", _reference)


@cache
def template() -> dict[str, Any]:
    """template.yaml."""
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text("utf-8"), TemplateLoader)  # noqa: S506 - a SafeLoader
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties of the template's resources of a type."""
    return {name: item.get("Properties", {}) for name, item in template()["Resources"].items() if item["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """Logical id → properties, what Globals say included."""
    shared = template()["Globals"]["Function"]
    return {name: shared | own for name, own in resources("AWS::Serverless::Function").items()}


def machines() -> dict[str, dict[str, Any]]:
    """Logical id → properties of the state machines."""
    return resources("AWS::Serverless::StateMachine")


@cache
def machine(name: str = "Pipeline") -> dict[str, Any]:
    """A machine's definition, its substitutions unresolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / machines()[name]["DefinitionUri"]).read_text("utf-8"))
    return loaded


@dataclass(frozen=True)
class Scope:
    """States that see each other: the machine's, a branch's, or an item processor's."""

    name: str
    start: str
    states: dict[str, dict[str, Any]]


def scopes(definition: dict[str, Any] | None = None, name: str = "machine") -> Iterator[Scope]:
    """All scopes of a definition (the pipeline's), the outer before the inner."""
    inner = machine() if definition is None else definition
    yield Scope(name, inner["StartAt"], inner["States"])
    for state_name, state in inner["States"].items():
        for branch in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from scopes(branch, state_name)


def all_states(name: str = "Pipeline") -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and definition of each state of a machine, however deep."""
    for scope in scopes(machine(name)):
        yield from scope.states.items()


def strings(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
