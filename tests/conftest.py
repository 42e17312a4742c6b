"""How the tests are dealt out to processes that run at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

from tests.e2e.chapters import CHAPTERS

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

# One lake lives through the chapters of e2e, one Spark session serves all of spark: each stays in one process, and they begin
# first, for they take longest.
WHOLE = ("e2e", "spark")


class ByModule(LoadFileScheduling):  # type: ignore[misc]
    """Keeps a module's tests in one process, and those of a whole folder that share what is costly."""

    def _split_scope(self, nodeid: str) -> str:
        module = str(super()._split_scope(nodeid))
        return _whole(module) or module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Deals out by module."""
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the long ones begin."""
    items.sort(key=lambda item: _place(item.nodeid.partition("::")[0]))


def _place(module: str) -> int:
    whole = _whole(module)
    return len(WHOLE) if whole is None else WHOLE.index(whole)


def _whole(module: str) -> str | None:
    """The folder with which a module shares its process; None where it shares none."""
    folder, name = module.split("/")[1], module.rsplit("/", maxsplit=1)[-1].removesuffix(".py")
    return folder if folder in WHOLE and (folder != "e2e" or name in CHAPTERS) else None
