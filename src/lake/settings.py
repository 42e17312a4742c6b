"""The environment of a function. Names: docs/formats.md, "Functions".

Plain dataclasses: what a function imports before it does anything is paid for at each cold start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Self


class BadEnvironment(Exception):
    """The function lacks a variable that the template gives it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Texts by name: `state_table` is read from LAKE_STATE_TABLE, and so on."""

    @classmethod
    def read(cls) -> Self:
        """The process's environment; raises BadEnvironment with the names that are missing or empty."""
        names = {field.name: f"LAKE_{field.name.upper()}" for field in fields(cls)}
        missing = [variable for variable in names.values() if not os.environ.get(variable)]
        if missing:
            raise BadEnvironment(f"the function's environment lacks {', '.join(missing)}: see template.yaml")
        return cls(**{name: os.environ[variable] for name, variable in names.items()})
