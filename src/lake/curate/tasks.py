"""What the curate job can do with an entity's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lake.curate.entity import curate
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


class Task(Protocol):
    """Does its work with one entity and returns the record of it (docs/formats.md, "Glue jobs").

    Safe to repeat after a crash anywhere. Raises CurateError where it must not go on.
    """

    def __call__(
        self, spark: SparkSession, tables: Tables, store: Store, ledger: Ledger, plan: Plan, /
    ) -> dict[str, Any]:
        """The record."""


TASKS: Mapping[str, Task] = {"curate": curate, "replay": replay, "rebuild": rebuild, "verify": verify}
"""By the name that an execution's input bears; `lake.run.request` refuses others."""
