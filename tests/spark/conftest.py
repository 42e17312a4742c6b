"""One Spark session for all tests of this folder, with Iceberg on a local folder."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.curate.tables import Tables
from tests.spark import sessions
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder

NUMBERS = count(1)
TASKS = pytest.StashKey[dict[str, int]]()


def pytest_report_header() -> str:
    """Says on what the tests are run."""
    return f"spark: {sessions.words()}"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Any]:
    with sessions.opened(tmp_path_factory.mktemp("spark")) as session:
        yield session
        pytestconfig.stash[TASKS] = sessions.tasks(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was run on what."""
    if (tasks := config.stash.get(TASKS, None)) is not None:
        shares = ", ".join(f"{number:,} tasks by {name}" for name, number in sorted(tasks.items()))
        terminalreporter.write_line(f"spark: {sessions.words()}{f' ({shares})' if shares else ''}")


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    """The plans of the project's own contracts, by entity."""
    texts = compile_folder(sessions.ROOT / "contracts")
    loaded = [Plan.load(text) for name, text in texts.items() if not name.startswith("source.")]
    return {plan.entity: plan for plan in loaded}


@pytest.fixture
def raw(tmp_path: Path) -> RawFolder:
    return RawFolder(tmp_path / "raw")


@pytest.fixture
def ledger() -> Notebook:
    return Notebook()


@pytest.fixture
def tables(spark: Any) -> Tables:
    """An empty database."""
    return _database(spark, "glue_catalog")


@pytest.fixture
def files(spark: Any) -> Tables:
    """An empty database whose tables' files a test may touch."""
    return _database(spark, sessions.FILES)


def _database(spark: Any, catalog: str) -> Tables:
    name = f"{catalog}.curated_{next(NUMBERS)}"
    spark.sql(f"CREATE NAMESPACE {name}")
    return Tables(spark, name)
