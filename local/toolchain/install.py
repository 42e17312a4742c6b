"""Installs the tool chain below one folder, or says what of it is missing."""

from collections.abc import Callable
from pathlib import Path

from local.toolchain import class_archive, duckdb_extensions, jars, java
from local.toolchain.errors import ToolchainError
from local.toolchain.jvm import Toolchain


def install(home: Path, say: Callable[[str], None]) -> Toolchain:
    """Fetch and prepare whatever is not there yet; safe to repeat after an interruption.

    Raises a `ToolchainError` that says what is missing and what to do.
    """
    fetched = jars.fetch(home / "jars", jars.pinned(), jars.central(), say)
    toolchain = _assembled(home, fetched)
    if not toolchain.class_archive.exists():
        say("making the archive of Spark's classes, once (about 20 s)")
        class_archive.make(toolchain)
    return toolchain


def ready(home: Path) -> Toolchain:
    """What `install` has put below `home`; fetches nothing. Raises `ToolchainError` where a jar is missing."""
    expected = tuple(home / "jars" / jar.name for jar in jars.pinned())
    missing = [jar.name for jar in expected if not jar.exists()]
    if missing:
        raise ToolchainError(
            f"{home / 'jars'} lacks {', '.join(missing)}: run `python -m local.toolchain --home {home}` first"
        )
    return _assembled(home, expected)


def _assembled(home: Path, found: tuple[Path, ...]) -> Toolchain:
    runtime = java.java_home(home / "java")
    return Toolchain(
        runtime, found, duckdb_extensions.install(home / "duckdb"), class_archive.location(home / "jvm", runtime, found)
    )
