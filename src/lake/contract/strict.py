"""What all parts of a contract share that ODCS has no field for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of a contract that ODCS has no field for: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
