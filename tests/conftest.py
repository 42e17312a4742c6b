"""How the tests are dealt out to processes that run at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

# One lake lives through the chapters of e2e, one Spark session serves all of spark: each folder stays in one process, and they
# begin first, for they take longest.
WHOLE = ("e2e", "spark")


class ByModule(LoadFileScheduling):  # type: ignore[misc]
    """Keeps a module's tests in one process, and a whole folder's where they share what is costly."""

    def _split_scope(self, nodeid: str) -> str:
        module = str(super()._split_scope(nodeid))
        folder = module.split("/")[1]
        return folder if folder in WHOLE else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Deals out by module."""
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the long ones begin."""
    items.sort(key=lambda item: _place(item.nodeid.split("/")[1]))


def _place(folder: str) -> int:
    return WHOLE.index(folder) if folder in WHOLE else len(WHOLE)
