"""YAML files that know where each of their parts stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from lake.contract.errors import ContractError, Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STEP = re.compile(r"[^.\[\]]+|(?<=\[)\d+(?=\])")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: the name that mistakes show, what it holds, and the tree of its nodes."""

    file: str
    raw: dict[str, Any]
    root: Any

    def line(self, place: str) -> int:
        """The line of a place such as `schema[0].properties[3].name`, or of what lies nearest above it.

        `customProperties.extraction` is the value of the property of that name.
        """
        node, line, steps = self.root, 1, STEP.findall(place)
        while steps:
            found = _below(node, steps)
            if found is None:
                break
            node, line = found
        return line

    def located[T](self, work: Callable[[], T]) -> T:
        """What `work` gives; the mistakes that it finds get this file's name and their lines."""
        try:
            return work()
        except ContractError as error:
            raise ContractError(
                [replace(each, file=self.file, line=each.line or self.line(each.field)) for each in error.mistakes]
            ) from None


def read_document(path: Path, file: str) -> Document:
    """The YAML mapping in a file; raises ContractError where it cannot be parsed, is none, or says a thing twice."""
    loader = None
    try:
        loader = LOADER(path.read_text("utf-8"))
        root = loader.get_single_node()
        doubled = list(_doubled(root, ""))
        raw = loader.construct_document(root) if root is not None and not doubled else {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ContractError([Mistake(file, "(file)", f"is not YAML: {error}", mark.line + 1 if mark else 1)]) from None
    finally:
        if loader is not None:
            loader.dispose()
    if doubled:
        raise ContractError(
            [Mistake(file, place, "stands twice: only one would count", line) for place, line in doubled]
        )
    if not isinstance(raw, dict) or root is None:
        raise ContractError([Mistake(file, "(file)", "holds no mapping", 1)])
    return Document(file, raw, root)


def _doubled(node: Any, path: str) -> Iterator[tuple[str, int]]:
    """Place and line of each key that its mapping has already."""
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _doubled(item, f"{path}[{position}]")
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            place = f"{path}.{name}" if path else name
            if name in seen:
                yield place, key.start_mark.line + 1
            seen.add(name)
            yield from _doubled(value, place)


def _below(node: Any, steps: list[str]) -> tuple[Any, int] | None:
    """The node that the first step leads to, and its line; the steps taken are removed. None where there is none."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == steps[0]:
                steps.pop(0)
                return value, key.start_mark.line + 1
    if not isinstance(node, yaml.SequenceNode):
        return None
    if steps[0].isdigit() and int(steps[0]) < len(node.value):
        item = node.value[int(steps.pop(0))]
        return item, item.start_mark.line + 1
    for item in node.value:  # a custom property by its name
        members = {key.value: value for key, value in item.value} if isinstance(item, yaml.MappingNode) else {}
        if "property" in members and members["property"].value == steps[0] and "value" in members:
            steps.pop(0)
            return members["value"], item.start_mark.line + 1
    return None
