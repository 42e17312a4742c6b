"""The environment of a function, as one model, read once."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic import BaseModel

PREFIX = "LAKE_"


class BadEnvironment(Exception):
    """The function lacks a variable that the template gives it."""


@cache
def settings[T: BaseModel](model: type[T]) -> T:
    """The model filled from the variables `LAKE_<FIELD>`; raises BadEnvironment with the names that are missing or wrong."""
    values = {name.removeprefix(PREFIX).lower(): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = ", ".join(PREFIX + str(item["loc"][0]).upper() for item in error.errors())
        raise BadEnvironment(f"the function's environment lacks or misspells {wrong}: see template.yaml") from None
