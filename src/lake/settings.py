"""The environment of a function, as one model. Names: docs/formats.md, "Functions"."""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class BadEnvironment(Exception):
    """The function lacks a variable that the template gives it."""


class Environment(BaseModel):
    """`state_table` is read from LAKE_STATE_TABLE, and so on."""

    model_config = ConfigDict(frozen=True, alias_generator=lambda name: f"LAKE_{name.upper()}")

    @classmethod
    def read(cls) -> Self:
        """The process's environment; raises BadEnvironment with the names that are missing or wrong."""
        try:
            return cls.model_validate(dict(os.environ))
        except ValidationError as error:
            wrong = ", ".join(str(item["loc"][0]) for item in error.errors())
            raise BadEnvironment(f"the function's environment lacks or misspells {wrong}: see template.yaml") from None
