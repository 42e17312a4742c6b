"""One Spark session for all tests of this folder, with Iceberg on a local folder."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.curate.tables import Tables
from local.spark import session
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder

ROOT = Path(__file__).parents[2]
NUMBERS = count(1)
SMALL_DATA = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.optimizer.runtime.rowLevelOperationGroupFilter.enabled": "false",
    "spark.sql.iceberg.distribution-mode": "none",
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.sql.ui.explainMode": "simple",
}
"""With a dozen rows, planning and compiling a query costs more than running it."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = session(tmp_path_factory.mktemp("warehouse"), ROOT / ".lake")
    for name, value in SMALL_DATA.items():
        opened.conf.set(name, value)
    yield opened
    opened.stop()


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    """The plans of the project's own contracts, by entity."""
    texts = compile_folder(ROOT / "contracts")
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
    database = f"glue_catalog.curated_{next(NUMBERS)}"
    spark.sql(f"CREATE NAMESPACE {database}")
    return Tables(spark, database)
