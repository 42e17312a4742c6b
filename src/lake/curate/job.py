"""The Glue job `curate`: a task for the entities of a run, beside each other, each on its own."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException

from lake.curate.errors import CurateError, NothingCurated, UnknownEntity
from lake.curate.tables import SETTINGS
from lake.curate.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from lake.contract.plan import Plan
    from lake.curate.ledger import Ledger
    from lake.curate.store import Store
    from lake.curate.tables import Tables
    from lake.curate.tasks import Task

BRIDGE = "An error occurred while calling "
AT_ONCE = 3
"""Entities in work at a time: planning a query leaves cores idle that another entity can use."""

logger = logging.getLogger(__name__)


def curate_entities(
    spark: SparkSession,
    tables: Tables,
    store: Store,
    ledger: Ledger,
    plans: Mapping[str, Plan],
    entities: Sequence[str],
    run_id: str,
    task: str = "curate",
) -> list[dict[str, Any]]:
    """Do the task for each entity and write its record, of success or of failure, into the ledger; returns the records.

    Raises NothingCurated where all of them failed.
    """
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    one = partial(_do_one, TASKS[task], spark, tables, store, ledger, plans, run_id)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        records = list(pool.map(one, entities))
    failed = [record for record in records if "error" in record]
    if failed and len(failed) == len(records):
        causes = "; ".join(f"{record['entity']}: {record['error']}: {record['cause']}" for record in failed)
        raise NothingCurated(f"{causes}. The remedies stand in the records of run {run_id}")
    return records


def _do_one(
    task: Task,
    spark: SparkSession,
    tables: Tables,
    store: Store,
    ledger: Ledger,
    plans: Mapping[str, Plan],
    run_id: str,
    entity: str,
) -> dict[str, Any]:
    try:
        record = task(spark, tables, store, ledger, _plan(plans, entity))
        if "through_load" in record:
            ledger.curated(entity, record["through_load"], record.get("live_rows"), record.get("keyless", 0))
    except CurateError as error:
        record = _failure(entity, error, error.cause, error.remedy)
    except Exception as error:  # noqa: BLE001 (whatever stops one entity must leave the others running)
        record = _failure(
            entity, error, _message(error), "read the job's error log, then run again: curating repeats safely"
        )
    else:
        logger.info("%s was curated", entity, extra={"fields": {"record": record}})
    ledger.record(run_id, entity, record)
    return record


def _plan(plans: Mapping[str, Plan], entity: str) -> Plan:
    if entity not in plans:
        raise UnknownEntity(
            f"no contract describes {entity}",
            f"run one of {', '.join(sorted(plans))}, or deploy the contract that is missing",
        )
    return plans[entity]


def _failure(entity: str, error: Exception, cause: str, remedy: str) -> dict[str, Any]:
    logger.error("%s was not curated", entity, exc_info=error)
    return {"entity": entity, "error": type(error).__name__, "cause": cause, "remedy": remedy}


def _message(error: Exception) -> str:
    """The line of an error that says what happened: the JVM's go on with their stack, which the log holds, and those that the
    bridge to it passes on begin with the call that failed."""
    text = (error.getMessage() if isinstance(error, PySparkException) else None) or str(error)
    said = [line for line in text.strip().split("\n") if not line.startswith(BRIDGE)]
    return said[0].removeprefix(": ")[:1000] if said and said[0] else type(error).__name__
