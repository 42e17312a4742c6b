"""One lake for all end-to-end tests: started once, deployed once. Its life is told by fixtures, each built on the former:

`lake` (deployed, empty) → `initial` (everything was read once) → `changed` (a day of changes was read).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.spark import glue_session
from local.up import SECRETS
from tests.e2e import truth_tables
from tests.e2e.chapters import CHAPTERS
from tests.e2e.deployed import ROOT, DeployedLake, Run, copy_project, new_stack
from tests.e2e.truth import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.runs import Differences

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the chapters in order, without moving other folders' tests."""
    places = [place for place, item in enumerate(items) if item.path.parent == HERE]
    ordered = sorted((items[place] for place in places), key=lambda item: _chapter(item.path.stem))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


def _chapter(module: str) -> int:
    return CHAPTERS.index(module) if module in CHAPTERS else len(CHAPTERS)


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedLake]:
    """A deployed, empty lake, and sources a week behind real time."""
    folder = tmp_path_factory.mktemp("lake")
    stack = new_stack(folder / "stack")
    with pytest.MonkeyPatch.context() as environment:
        # The state machine's waits and retries, fifty times faster.
        environment.setenv("SFN_WAIT_SCALE", "0.02")
        stack.up(say=lambda _: None)
    try:
        deployed = DeployedLake(stack, copy_project(folder / "project"))
        for source, secret in SECRETS.items():
            deployed.put_secret(source, secret)
        done = deployed.deploy()
        assert done.returncode == 0, done.stderr
        deployed.subscribe()
        yield deployed
    finally:
        stack.down()


@pytest.fixture(scope="package")
def initial(lake: DeployedLake) -> Run:
    """The initial extraction, run to its end."""
    return lake.run()


@pytest.fixture(scope="package")
def changed(lake: DeployedLake, initial: Run) -> Run:
    """The run after a day of changes in both sources, and an hour in which the late ones became visible."""
    assert initial.outcome == "GOOD", initial.report
    for source in (lake.crm, lake.erp):
        source.day_of_changes()
        source.advance(hours=1)
    return lake.run()


@pytest.fixture(scope="package")
def differences(lake: DeployedLake) -> Iterator[Differences]:
    """Says what in the curated tables is not as the sources have it, through one Spark session."""
    spark: Any = glue_session(lake.stack.env(), f"s3://{lake.outputs['CuratedBucketName']}/", ROOT / ".lake")

    def compared(*names: str) -> list[str]:
        wanted = tuple(each for each in truth_tables.ENTITIES if not names or named(each) in names)
        assert not names or len(wanted) == len(names)
        return compare(lake.stack.sources, spark, lake.outputs["CuratedDatabaseName"], entities=wanted)

    def named(entity: truth_tables.Entity) -> str:
        return entity.parent.name.replace("_", ".", 1)

    yield compared
    spark.stop()
