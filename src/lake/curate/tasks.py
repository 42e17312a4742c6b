"""What the curate job can do with an entity's tables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.maintain import maintain, tend
from lake.curate.rebuild import rebuild
from lake.curate.replay import replay
from lake.curate.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from lake.contract.plan import Plan
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables

logger = logging.getLogger(__name__)


class Task(Protocol):
    """Does its work with one entity and returns the record of it (docs/formats.md, "Glue jobs").

    Safe to repeat after a crash anywhere. Raises CurateError where it must not go on.
    """

    def __call__(
        self, spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan, /
    ) -> dict[str, Any]:
        """The record."""


def curate_and_tend(spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan) -> dict[str, Any]:
    """Curate, and behind the merges what is due of maintenance. Where that fails the tables are right all the same: it is told,
    and tried again behind the next run."""
    record = curate(spark, tables, store, ledger, plan)
    try:
        tend(spark, tables, layout(plan))
    except (PySparkException, Py4JJavaError) as error:
        logger.warning("the tables of %s were not maintained", plan.entity, exc_info=error)
        record["notes"] = ["its tables wait for maintenance, which failed: the job's log says why"]
    return record


TASKS: Mapping[str, Task] = {
    "curate": curate_and_tend,
    "replay": replay,
    "rebuild": rebuild,
    "verify": verify,
    "maintain": maintain,
}
"""By the name that an execution's input bears; `lake.run.request` refuses others."""
