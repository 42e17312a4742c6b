"""What extraction told and recorded of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.extract.world import Extracted
    from tests.support.raw_lake import RawLake


def errors(results: Sequence[Extracted]) -> list[str]:
    return [problem.error for result in results for problem in result.problems]


def causes(results: Sequence[Extracted]) -> str:
    return " ".join(problem.cause for result in results for problem in result.problems)


def last_sweep(lake: RawLake, entity: str = "erp.sales_order") -> dict[str, Any]:
    sweep: dict[str, Any] = [load["sweep"] for load in lake.manifests(entity) if load["sweep"]][-1]
    return sweep
