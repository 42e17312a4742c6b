"""Puts DuckDB's extensions, which come as Python packages, where DuckDB loads them from."""

import importlib.util
import shutil
from pathlib import Path

import duckdb

from local.toolchain.errors import MissingPackage

EXTENSIONS = ("avro", "httpfs", "iceberg")


def install(directory: Path) -> Path:
    """`directory` as DuckDB's `extension_directory`, with the extensions of its own version and platform in it.

    Raises `MissingPackage` where the package of an extension is not installed.
    """
    version, platform = _build()
    target = directory / version / platform
    target.mkdir(parents=True, exist_ok=True)
    for name in EXTENSIONS:
        file = target / f"{name}.duckdb_extension"
        if not file.exists():
            part = file.with_suffix(".part")
            shutil.copyfile(_packaged(name, version), part)
            part.rename(file)
    return directory


def _build() -> tuple[str, str]:
    with duckdb.connect() as connection:
        row = connection.execute("SELECT version(), platform FROM pragma_platform()").fetchone()
    if row is None:
        raise MissingPackage("DuckDB does not say its version and platform: reinstall the Python package duckdb")
    return str(row[0]), str(row[1])


def _packaged(name: str, version: str) -> Path:
    package = f"duckdb_extension_{name}"
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent / "extensions" / version if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise MissingPackage(
            f"there is no {package} for DuckDB {version}: install the pinned packages of requirements/ into this Python"
        )
    return folder / f"{name}.duckdb_extension"
