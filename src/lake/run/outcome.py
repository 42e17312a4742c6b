"""How a run ended, entity by entity: from what the steps returned and recorded to one verdict. Functions of values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from lake.run.balance import Curated, Extracted, Gap, curation_gaps, extraction_gaps, key_gaps, total, unsettled
from lake.run.remedy import Problem, problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.run.state import Progress, Records

Outcome = Literal["GOOD", "DEGRADED", "FAILED"]
# Without these steps nothing of the run counts; without a crawl or a mart the curated tables are still right.
VITAL_STEPS = ("ExtractSources", "PlanWork", "ProcessLoads", "Curate")
# More bad rows than this, of at least so many, are worth a look on the same day.
MANY_BAD, MANY_LANDED = 0.02, 100
# The status of an entity that this run did not ask for, but whose older loads it curated.
IDLE = "IDLE"


@dataclass(frozen=True, slots=True)
class Asked:
    """An entity that the run was to read, and how that ended: DONE, CONTINUE, PAUSED, or FAILED with error and cause."""

    entity: str
    status: str
    resume_at: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class EntityResult:
    """One entity's part in a run. `broken`: rule → rows in quarantine; `unsettled`: the source's count less the lake's;
    `notes`: what its extraction or a task said though nothing was wrong; `lacking`: rows that a sweep saw and the lake lacks;
    `task`: the record of a task that is no ordinary curating."""

    entity: str
    status: str
    resume_at: str | None
    extracted: Extracted | None
    curated: Curated | None
    broken: dict[str, int]
    unsettled: int | None
    notes: tuple[str, ...] = ()
    lacking: int = 0
    task: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A settled run. The problems name the gaps, too."""

    run_id: str
    outcome: Outcome
    entities: list[EntityResult]
    marts: dict[str, int]
    problems: list[Problem]
    gaps: list[Gap]


def judge(
    run_id: str,
    asked: Sequence[Asked],
    step_problems: Sequence[Problem],
    records: Records,
    progress: Mapping[str, Progress],
    freshness: Mapping[str, timedelta],
    now: datetime,
) -> RunResult:
    """The run's result. `progress` is needed of each entity that was asked for or has a record."""
    by_name = {item.entity: item for item in asked}
    names = sorted(set(by_name) | set(records.extract) | set(records.curate))
    entities = [_entity(by_name.get(name, Asked(name, IDLE)), records, progress[name]) for name in names]
    gaps = [gap for name in names for gap in _gaps(name, records)]
    problems = [
        *step_problems,
        *(found for name in names for found in _failures(by_name.get(name, Asked(name, IDLE)), records)),
        *(found for name in names for found in _spoilt(name, records)),
        *(problem(name, "SourceDrifted", text) for name in names for text in _said(name, records, "drift")),
        *(found for name in names for found in _told(name, records)),
        *(found for name in names for found in _lacking(name, records, progress[name])),
        *(found for name in names for found in _forgotten(name, records) if not step_problems),
        *(found for name in by_name for found in _stale(by_name[name], progress[name], freshness, now)),
        *(problem(gap.entity, "BalanceOpen", str(gap)) for gap in gaps),
    ]
    return RunResult(run_id, _verdict(asked, step_problems, problems, gaps), entities, records.marts, problems, gaps)


def _verdict(
    asked: Sequence[Asked], step_problems: Sequence[Problem], problems: Sequence[Problem], gaps: Sequence[Gap]
) -> Outcome:
    """FAILED where nothing came through or a number does not add up, DEGRADED where something is missing, else GOOD."""
    none_read = bool(asked) and all(item.status == "FAILED" for item in asked)
    if gaps or none_read or any(found.where in VITAL_STEPS for found in step_problems):
        return "FAILED"
    return "DEGRADED" if problems else "GOOD"


def _entity(asked: Asked, records: Records, progress: Progress) -> EntityResult:
    invocations = _invocations(asked.entity, records)
    curated = _curated(asked.entity, records)
    record = records.curate.get(asked.entity, {})
    return EntityResult(
        entity=asked.entity,
        status=asked.status,
        resume_at=asked.resume_at,
        extracted=total(invocations) if invocations else None,
        curated=curated,
        broken=dict(record.get("broken", {})),
        unsettled=_unsettled(record, progress),
        notes=(*_said(asked.entity, records, "notes"), *record.get("notes", ())),
        lacking=int(record.get("lacking", 0)),
        task=record if "task" in record else None,
    )


def _invocations(entity: str, records: Records) -> list[Extracted]:
    return [
        Extracted(row["received"], row["landed"], row["repeated"], row["beyond"])
        for row in records.extract.get(entity, [])
    ]


def _said(entity: str, records: Records, what: str) -> tuple[str, ...]:
    """What an entity's invocations recorded as `notes` or `drift`, each text once."""
    return tuple(dict.fromkeys(text for row in records.extract.get(entity, []) for text in row.get(what, [])))


def _curated(entity: str, records: Records) -> Curated | None:
    record: dict[str, Any] | None = records.curate.get(entity)
    if record is None or "landed" not in record:
        return None
    return Curated(**{field.name: int(record[field.name]) for field in fields(Curated) if field.name in record})


def _gaps(entity: str, records: Records) -> list[Gap]:
    curated, record = _curated(entity, records), records.curate.get(entity, {})
    gaps = extraction_gaps(entity, _invocations(entity, records)) + (curation_gaps(entity, curated) if curated else [])
    return gaps + (key_gaps(entity, record) if record.get("task") == "verify" else [])


def _failures(asked: Asked, records: Records) -> list[Problem]:
    """That an entity could not be read, or not be curated."""
    found = []
    if asked.status == "FAILED":
        found.append(problem(asked.entity, asked.error or "Unknown", asked.cause))
    record = records.curate.get(asked.entity, {})
    if "error" in record:
        found.append(problem(asked.entity, record["error"], record.get("cause"), record.get("remedy")))
    said = (problem(asked.entity, each["error"], each["cause"], each["remedy"]) for each in record.get("problems", ()))
    return [*found, *said]


def _spoilt(entity: str, records: Records) -> list[Problem]:
    """That more rows went to quarantine than one shrugs at, though no load holds as many as its contract's brake says."""
    row = _curated(entity, records)
    if row is None or row.landed < MANY_LANDED or row.quarantined <= MANY_BAD * row.landed:
        return []
    share = row.quarantined / row.landed
    cause = f"{row.quarantined:,} of {row.landed:,} rows ({share:.1%}) break the contract and went to quarantine"
    return [problem(entity, "ManyBadRows", cause)]


def _told(entity: str, records: Records) -> list[Problem]:
    """What its invocations recorded as problems, each once."""
    said = [
        (each["error"], each["cause"]) for row in records.extract.get(entity, []) for each in row.get("problems", [])
    ]
    return [problem(entity, error, cause) for error, cause in dict.fromkeys(said)]


def _unsettled(record: Mapping[str, Any], progress: Progress) -> int | None:
    """The source's count less the lake's, as it was curated last; a verification has counted anew."""
    live = record.get("live_rows", progress.live_rows if progress.through >= progress.last_load else None)
    return unsettled(progress.source_count, live, record.get("keyless", progress.keyless))


def _lacking(entity: str, records: Records, progress: Progress) -> list[Problem]:
    """That the source counts more rows than the lake has, with those that changed since and those that a sweep has missed
    already: judged where the tables hold all that was read, and nothing is being read."""
    record = records.curate.get(entity, {})
    gap = _unsettled(record, progress)
    judged = progress.is_whole and progress.through >= progress.last_load and progress.source_changed is not None
    if not judged or gap is None or progress.source_changed is None:
        return []
    lacking = gap - progress.source_changed - int(record.get("lacking", 0))
    if lacking <= 0:
        return []
    cause = (
        f"the source counts {progress.source_count:,} rows, of which {progress.source_changed:,} changed after what this run "
        f"read: the lake lacks {lacking:,} of them"
    )
    return [problem(entity, "RowsLacking", cause)]


def _forgotten(entity: str, records: Records) -> list[Problem]:
    """That rows landed in this run and nobody curated them."""
    landed = total(_invocations(entity, records)).landed
    if not landed or entity in records.curate:
        return []
    return [problem(entity, "NotCurated", f"{landed:,} rows landed in raw, but no step merged them into curated")]


def _stale(asked: Asked, progress: Progress, freshness: Mapping[str, timedelta], now: datetime) -> list[Problem]:
    """That an entity rests though it is older than its contract allows; a shorter pause is no problem."""
    if asked.status != "PAUSED" or progress.watermark is None or now - progress.watermark <= freshness[asked.entity]:
        return []
    hours = (now - progress.watermark) / timedelta(hours=1)
    cause = f"it rests until {asked.resume_at}, and what the lake has is {hours:,.0f} hours old, more than its contract allows"
    return [problem(asked.entity, "FreshnessMissed", cause)]
