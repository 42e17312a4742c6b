"""`lake source compare`: all keys of a source's entity beside all keys that live in the lake; nothing is written anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lake.cli.answer import DEGRADED, GOOD, Answer, err
from lake.cli.aws import find_stack
from lake.cli.counting_up import CountUp
from lake.cli.differences import Differences, SourceKeys, Standing, differences, document, meaning
from lake.cli.errors import OperatorError
from lake.cli.key_texts import Key, keys_of
from lake.cli.lake_keys import read_lake_keys
from lake.cli.pictures import number, plain_table
from lake.cli.progress import deployed_plans, read_lease, run_state
from lake.cli.sources import Address, Folder, Met, meet
from lake.extract.counting import changed_since, compare, count_rows
from lake.extract.errors import ExtractError, Paused
from lake.extract.passes import key_pass
from lake.extract.query import CountQuery
from lake.run.remedy import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from lake.cli.aws import Stack
    from lake.cli.lake_keys import LakeKeys
    from lake.contract.plan import Plan

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """The entity at its source, by the plan that the folder of contracts says."""

    met: Met
    plan: Plan

    @property
    def has_soft_flag(self) -> bool:
        """Whether its scans, and so its counts, bring rows that are flagged as deleted, too."""
        return self.plan.strategy("soft_flag") is not None

    def read_keys(self) -> SourceKeys:
        """All keys, checked as a sweep checks them, beside the source's count. Raises SourceError, Paused."""
        reader, plan = self.met.reader(self.plan), self.plan
        answer = self.met.ask_count(plan)
        begun_at = self.met.clock(plan, answer) or answer.asked_at
        before = count_rows(reader, CountQuery(deleted=self.has_soft_flag))
        keys, keyless, counted = set[Key](), 0, False
        with CountUp("keys from the source", err()) as progress:
            for page in reader.pages(key_pass(plan), None):
                found = keys_of(page.batch, plan.key_fields)
                keys.update(key for key in found if key is not None)
                keyless += found.count(None)
                counted = counted or page.counted
                progress.add(len(found))
        beside = compare(reader, len(keys) + keyless, before, begun_at - timedelta(seconds=plan.overlap_s))
        return SourceKeys(keys, keyless, counted, before if beside.count is None else beside.count, beside)

    def changed_since(self, watermark: datetime | None) -> int | None:
        """How many rows changed since the lake read them last; None where that cannot be counted. Raises SourceError, Paused."""
        if watermark is None:
            return None
        since = watermark - timedelta(seconds=self.plan.overlap_s)
        return changed_since(self.met.reader(self.plan), since, deleted=self.has_soft_flag)


def compare_keys(entity: str, folder: Path, address: Address, limit: int | None) -> Answer:
    """Which keys the source or the lake lacks. `folder`: of contracts, of all sources or of this one. `limit`: the most keys
    that are named of each side; None: the first ones for people, all for scripts."""
    stack = find_stack(address.stack)
    deployed = _deployed(stack, entity)
    origin, same_contract = _origin(folder, entity, address, deployed)
    at = _standing(stack, entity)
    # The lake first: a run that merges meanwhile must not make keys look as if the source had lost them.
    with CountUp("keys from the lake", err()) as progress:
        lake = read_lake_keys(stack, deployed, progress.add)
    try:
        source = origin.read_keys()
        found = differences(source.keys, lake)
        changed = origin.changed_since(at.watermark) if found.only_in_source else None
    except (ExtractError, Paused) as error:
        next_step = REMEDIES.get(type(error).__name__) or f"Ask the source: lake source check {folder}"
        raise OperatorError(str(error), next_step) from None
    words = list(meaning(origin.plan, source, lake, found, at, changed))
    if not same_contract:
        words.insert(0, f"{folder} says otherwise than what is deployed: the source was read as the folder says.")
    said = {"entity": entity, **document(source, lake, found, limit)}
    said |= {"watermark": at.watermark, "changed_since": changed, "meaning": words}
    code = DEGRADED if found or source.found.is_short else GOOD
    return Answer(said, list(_pictures(entity, source, lake, found, words, limit or SHOWN)), code)


def _deployed(stack: Stack, entity: str) -> Plan:
    plans = deployed_plans(stack)
    if entity not in plans:
        raise OperatorError(f"The lake has no entity {entity}.", f"There are {', '.join(plans)}.")
    return plans[entity]


def _origin(folder: Path, entity: str, address: Address, deployed: Plan) -> tuple[Origin, bool]:
    """The entity at its source, and whether its contract is the deployed one; OperatorError where its key is another one."""
    own = folder if (folder / "source.yaml").is_file() else folder / deployed.source
    contracts = Folder.read(own)
    plan = contracts.plans.get(entity)
    if plan is None:
        raise OperatorError(
            f"{own} has no contract of {entity}.", "Name the folder that it was deployed from: --contracts."
        )
    if [field.field for field in plan.key_fields] != [field.field for field in deployed.key_fields]:
        raise OperatorError(
            f"The key of {entity} is {', '.join(plan.key)} in {own}, and {', '.join(deployed.key)} in the lake.",
            "Name the folder that it was deployed from: --contracts.",
        )
    return Origin(meet(contracts.source, address, math.inf), plan), plan.sha256 == deployed.sha256


def _standing(stack: Stack, entity: str) -> Standing:
    progress = run_state(stack).progress(entity)
    return Standing(
        progress.watermark, progress.last_load, progress.through, run_goes_on=read_lease(stack).execution is not None
    )


def _pictures(
    entity: str, source: SourceKeys, lake: LakeKeys, found: Differences, words: list[str], limit: int
) -> Iterator[Any]:
    yield Text.assemble((entity, "bold"), ": keys at the source and keys that live in the lake")
    table = plain_table("", "keys", "", numbers=("keys",))
    table.show_header = False
    table.add_row("at the source", number(len(source.keys)), f"its own count: {number(source.count)}")
    table.add_row("in the lake", number(len(lake.living)), _of_them(lake))
    table.add_row("only at the source", number(len(found.only_in_source)), "")
    table.add_row("only in the lake", number(len(found.only_in_lake)), "")
    yield table
    for where, keys in (("at the source", found.only_in_source), ("in the lake", found.only_in_lake)):
        if keys:
            yield Text(f"Only {where}", style="bold")
            yield from (Text("  " + " / ".join(key)) for key in keys[:limit])
        if len(keys) > limit:
            yield Text(f"  and {number(len(keys) - limit)} more (--limit, --json)", style="dim")
    yield from map(Text, words)


def _of_them(lake: LakeKeys) -> str:
    said = [f"{number(lake.only_held)} of them only in quarantine"] if lake.only_held else []
    if lake.flagged:
        said.append(f"{number(len(lake.flagged))} more are flagged as deleted")
    return ", ".join(said)
