"""Templates: JSON values whose texts hold placeholders, such as `{low:epoch_ms}`. Two braces stand for one.

What a template is filled with is put into JSON or encoded for a URL by its reader, never pasted into either: a value
cannot become anything else than a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w+)(?::([^{}]+))?\}")


def texts(template: Any) -> Iterator[str]:
    """The texts in a template, at any depth; names of members hold no placeholders."""
    match template:
        case str():
            yield template
        case dict():
            for value in template.values():
                yield from texts(value)
        case list():
            for value in template:
                yield from texts(value)


def placeholders(template: Any) -> Iterator[tuple[str, str | None]]:
    """Name and form (None where none is given) of each placeholder in a template."""
    for text in texts(template):
        for found in PLACEHOLDER.finditer(text):
            if found[1]:
                yield found[1], found[2]


def torn(template: Any) -> list[str]:
    """The texts in which a brace belongs to no placeholder."""
    return [text for text in texts(template) if re.search(r"[{}]", PLACEHOLDER.sub("", text))]
