"""The events that the state machine sends to the run's functions. Forms: docs/formats.md, "Functions"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator


def _flat(value: Any) -> Any:
    """Lists in lists as one list: Parallel and Map hand over what they gathered as nested as they are."""
    return list(_leaves(value)) if isinstance(value, list) else value


def _leaves(value: list[Any]) -> Iterator[Any]:
    for item in value:
        if isinstance(item, list):
            yield from _leaves(item)
        else:
            yield item


class Event(BaseModel):
    """An event refuses keys that it does not know: a slip in the state machine must not pass for nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BeginRun(Event):
    """`execution`: the ARN; `input`: as whoever started it wrote it, which `lake.run.request` checks."""

    execution: str = Field(pattern=r"^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:[^:]+:[^:]+$")
    input: dict[str, Any]


class EndRun(Event):
    """`execution`: whose lease is released."""

    run_id: str
    execution: str


class PlanWork(Event):
    """The run whose loads are planned for; its records tell nothing here, the state does."""

    run_id: str


class Extraction(BaseModel):
    """What an extractor answered of one entity, or how it failed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    entity: str
    status: str
    resume_at: str | None = None
    error: str | None = None
    cause: str | None = None


class Skipped(Event):
    """An entity that rests until an instant."""

    entity: str
    resume_at: str


class StepProblem(Event):
    """How a step ended; without an error it went well."""

    step: str
    error: str | None = None
    cause: str | None = None


class SettleRun(Event):
    """What the steps of a run handed over."""

    run_id: str
    execution: str
    extractions: Annotated[list[Extraction], BeforeValidator(_flat)]
    skipped: list[Skipped] = []
    problems: Annotated[list[StepProblem], BeforeValidator(_flat)] = []


class Notify(Event):
    """What people are told."""

    run_id: str
    outcome: str
    subject: str
    message: str
