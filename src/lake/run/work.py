"""What there is to do after extraction: entities to curate, marts to build, sources to crawl."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.analytics.inputs import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from mypy_boto3_glue import GlueClient

    from lake.contract.plan import Plan
    from lake.run.state import Progress


@dataclass(frozen=True, slots=True)
class Partition:
    """One folder of raw data as the catalog knows it: table, major version, day."""

    source: str
    table: str
    major: int
    loaded_on: str


@dataclass(frozen=True, slots=True)
class Work:
    """Entities whose tables are behind raw, whether the marts' inputs changed, sources that the catalog of raw is behind; and
    what the curate job is to do with these entities."""

    curate: list[str]
    build: bool
    crawl: list[str]
    task: str = "curate"

    def as_answer(self, lake: str) -> dict[str, Any]:
        """The answer of `plan_work` (docs/formats.md), of the lake of this name."""
        return {
            "task": self.task,
            "curate": ",".join(self.curate),
            "build": self.build,
            "crawlers": [f"{lake}-raw-{source}" for source in self.crawl],
        }


def plan_work(
    progress: Collection[Progress],
    built: str | None,
    models: Mapping[str, str],
    newest: Collection[Partition],
    catalogued: Callable[[Partition], bool],
) -> Work:
    """`built`: the digest of what the marts were last built from. `newest`: the newest raw partition of each entity."""
    behind = [state for state in progress if state.last_load > state.through]
    after = {state.entity: max(state.last_load, state.through) for state in progress}
    return Work(
        curate=sorted(state.entity for state in behind),
        build=bool(behind) or (any(after.values()) and digest(after, models) != built),
        crawl=sorted({partition.source for partition in newest if not catalogued(partition)}),
    )


def newest_partitions(progress: Collection[Progress], plans: Mapping[str, Plan]) -> list[Partition]:
    """The raw folder that each entity's newest data lies in; none for an entity without data."""
    return [
        Partition(plan.source, plan.table, plan.major, item.last_data_on)
        for item in progress
        if item.last_data_on is not None
        for plan in [plans[item.entity]]
    ]


def catalogued_in(glue: GlueClient, database: str) -> Callable[[Partition], bool]:
    """Says of a raw partition whether the catalog's database has it."""

    def catalogued(partition: Partition) -> bool:
        try:
            glue.get_partition(
                DatabaseName=database,
                TableName=partition.table,
                PartitionValues=[str(partition.major), partition.loaded_on],
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return False
            raise
        return True

    return catalogued
