"""The environment of the run's functions, read once when a function starts. Names: docs/formats.md, "Functions"."""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, ConfigDict


class Environment(BaseModel):
    """`state_table` is read from LAKE_STATE_TABLE, and so on; pydantic's error names what is missing."""

    model_config = ConfigDict(frozen=True, alias_generator=lambda name: f"LAKE_{name.upper()}")

    @classmethod
    def read(cls) -> Self:
        """The process's environment."""
        return cls.model_validate(dict(os.environ))


class LeaseEnvironment(Environment):
    """Of `begin_run` and `end_run`."""

    state_table: str
    pipeline: str


class PlanEnvironment(Environment):
    """Of `plan_work`. `name`: the lake's."""

    name: str
    state_table: str
    raw_database: str


class SettleEnvironment(Environment):
    """Of `settle_run`."""

    state_table: str
    raw_bucket: str


class NotifyEnvironment(Environment):
    """Of `notify`."""

    topic: str


class PublishEnvironment(Environment):
    """Of `publish_assets`."""

    assets_bucket: str
    raw_bucket: str
