"""What the state machine sends an extract function (docs/formats.md, "Functions"), read without a library: see lake.settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from lake.extract.errors import BadRequest
from lake.state.entity import LIVE

LANE = re.compile(r"live|backfill#[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class ExtractEvent:
    """`window`: the bounds that a backfill opens with."""

    run_id: str
    entity: str
    lane: str = LIVE
    window: dict[str, str] | None = None

    @staticmethod
    def read(event: dict[str, Any], source: str) -> ExtractEvent:
        """The event of a source's function; raises BadRequest where it is not of the documented form."""
        values = {"lane": LIVE, "window": None, **event}
        problems = [f"{name} is not known" for name in values.keys() - {field.name for field in fields(ExtractEvent)}]
        problems += [f"{name} is no text" for name in ("run_id", "entity") if not isinstance(values.get(name), str)]
        if not isinstance(values["lane"], str) or not LANE.fullmatch(values["lane"]):
            problems.append(f"lane is {values['lane']!r}, expected {LANE.pattern}")
        if values["window"] is not None and not _texts(values["window"]):
            problems.append("window is no object of texts")
        if problems:
            raise BadRequest(f'expected {{"run_id": "...", "entity": "{source}...."}}: {"; ".join(problems)}')
        return ExtractEvent(**values)


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for item in value.items() for text in item)
