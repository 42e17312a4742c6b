"""How the tests are dealt out to processes that run at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# One lake lives through the chapters of e2e, one Spark session serves all of spark: each folder stays in one process, and they
# begin first, for they take longest.
WHOLE = ("e2e", "spark")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps a module's tests in one process, and a whole folder's where they share what is costly."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    items.sort(key=lambda item: _place(item.path))


def _group(path: Path) -> str:
    inside = path.relative_to(HERE)
    return inside.parts[0] if inside.parts[0] in WHOLE else inside.with_suffix("").as_posix()


def _place(path: Path) -> int:
    folder = path.relative_to(HERE).parts[0]
    return WHOLE.index(folder) if folder in WHOLE else len(WHOLE)
