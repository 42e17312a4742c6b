"""What each of the run's functions is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass

from lake.settings import Environment


@dataclass(frozen=True, slots=True)
class LeaseEnvironment(Environment):
    """Of `begin_run` and `end_run`. `name`: the lake's."""

    name: str
    state_table: str
    pipeline: str


@dataclass(frozen=True, slots=True)
class PlanEnvironment(Environment):
    """Of `plan_work`. `name`: the lake's."""

    name: str
    state_table: str
    raw_database: str


@dataclass(frozen=True, slots=True)
class SettleEnvironment(Environment):
    """Of `settle_run`."""

    state_table: str
    raw_bucket: str


@dataclass(frozen=True, slots=True)
class NotifyEnvironment(Environment):
    """Of `notify`."""

    topic: str


@dataclass(frozen=True, slots=True)
class PublishEnvironment(Environment):
    """Of `publish_assets`."""

    assets_bucket: str
    raw_bucket: str
