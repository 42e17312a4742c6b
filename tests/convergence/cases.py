"""Histories that once failed. Each is named for what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.convergence.histories import History

CASES: dict[str, History] = {}
