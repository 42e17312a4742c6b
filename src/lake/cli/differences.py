"""What differs between the keys of a source and those of the lake, and what that means: values and words, nothing is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.cli.pictures import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from lake.cli.key_texts import Key
    from lake.cli.lake_keys import LakeKeys
    from lake.contract.plan import Plan
    from lake.extract.counting import Comparison


@dataclass(frozen=True, slots=True)
class SourceKeys:
    """What a complete scan of a source's keys found. `keyless`: rows that lack a part of their key; `counted`: its pages were
    led to by counts of rows; `count`: the source's own count; `found`: the scan beside that count, where it is believed."""

    keys: AbstractSet[Key]
    keyless: int
    counted: bool
    count: int | None
    found: Comparison


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the lake is with an entity, before its keys were read. `through`: the last load that is merged, of `last_load`;
    `run_goes_on`: a run holds the pipeline."""

    watermark: datetime | None
    last_load: int
    through: int
    run_goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Differences:
    """Keys on one side alone, in order. A key that the lake has with a soft flag is on both sides or gone on both."""

    only_in_source: list[Key]
    only_in_lake: list[Key]

    def __bool__(self) -> bool:
        return bool(self.only_in_source or self.only_in_lake)


def differences(source: AbstractSet[Key], lake: LakeKeys) -> Differences:
    """The keys of one side that the other lacks."""
    return Differences(
        only_in_source=sorted(source - lake.living - lake.flagged), only_in_lake=sorted(lake.living - source)
    )


def document(source: SourceKeys, lake: LakeKeys, found: Differences, limit: int | None) -> dict[str, Any]:
    """Both sides' numbers and the keys that differ, at most `limit` of each side, as JSON."""
    return {
        "source": {"keys": len(source.keys), "count": source.count, "without_key": source.keyless},
        "lake": {
            "keys": len(lake.living),
            "soft_deleted": len(lake.flagged),
            "only_in_quarantine": lake.only_held,
            "without_key": lake.keyless,
        },
        "only_in_source": {"keys": len(found.only_in_source), "first": found.only_in_source[:limit]},
        "only_in_lake": {"keys": len(found.only_in_lake), "first": found.only_in_lake[:limit]},
    }


def meaning(
    plan: Plan, source: SourceKeys, lake: LakeKeys, found: Differences, at: Standing, changed: int | None
) -> Iterator[str]:
    """What the numbers mean and what to do, a sentence or two each. `changed`: rows that changed at the source since the lake
    read it last (None: nobody can count them)."""
    yield from _doubts(plan, source, lake)
    if not found:
        yield "Both sides have the same keys."
        return
    if at.run_goes_on:
        yield "A run is going on: ask again when it has ended."
    if at.last_load > at.through:
        yield f"Loads {at.through + 1} to {at.last_load} are landed and not merged yet: lake run --entity {plan.entity}"
    if found.only_in_source:
        yield _lacking(plan, len(found.only_in_source), at.watermark, changed)
    if found.only_in_lake:
        yield f"Keys only in the lake are gone at the source: {_ending(plan)}."
    yield "Where nobody has written since the last run, a difference is real."


def _doubts(plan: Plan, source: SourceKeys, lake: LakeKeys) -> Iterator[str]:
    if source.found.is_short:
        yield (
            f"The source's keys were read to their end, but {source.found.told()}: keys that seem to be only in the lake may be "
            f"at the source after all. Look at its paging: lake source check contracts/{plan.source} --entity {plan.entity}"
        )
    if plan.count_ignored is not None:
        yield f"The contract does not believe the source's count: {plan.count_ignored}."
    if source.counted:
        yield "The source's pages are counted: where rows changed meanwhile, keys slipped past. Ask again before you believe it."
        if not plan.accepts_shifts:
            yield "The contract does not accept that, so that no sweep ends anything: lake source check says what to do."
    if source.keyless or lake.keyless:
        yield (
            f"Not compared, for they lack a key: {source.keyless:,} rows of the source, {lake.keyless:,} records in quarantine "
            f"(lake quarantine list {plan.entity})."
        )


def _lacking(plan: Plan, keys: int, watermark: datetime | None, changed: int | None) -> str:
    run, reload = f"lake run --entity {plan.entity}", f"lake reload {plan.entity} --why ..."
    if watermark is None:
        return f"The lake has not read {plan.entity} to its end yet: {run}"
    since = f"The lake has read what changed until {instant(watermark)}"
    if changed is None:
        return f"{since}. What was created later comes with the next reading ({run}). What is missing then: {reload}"
    since = f"{since}, and {changed:,} rows have stamps later than that or within the overlap before it"
    if changed >= keys:
        return f"{since}. These come with the next run ({run}). What is missing then: {reload}"
    return f"{since}: at least {keys - changed:,} keys are missing. Read all again: {reload}"


def _ending(plan: Plan) -> str:
    """Which reading ends what is gone."""
    if plan.strategy("key_sweep") is not None:
        return "the next sweep ends them"
    if plan.full_refresh_s is not None or plan.cursor.kind == "none":
        return "the next full refresh ends them"
    if plan.strategy("none") is None:
        return "the next run ends them. If they stay, the source never told that they went: reload it"
    return "the contract says that deletions are not seen. Reload it to end them"
