"""Makes the archive of loaded classes (JVM class data sharing) that starts a Spark session in a third of the time.

It holds 250 MB, belongs to one Java runtime and one class path, and is made anew where either has changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.toolchain.errors import ToolchainError
from local.toolchain.jvm import QUICK_START, Toolchain, local_settings, write_properties

SCRIPT = """
import sys
from pathlib import Path
from pyspark import SparkContext
from local.toolchain import warm_up
warm_up.run(Path(sys.argv[1]))
jvm = SparkContext._gateway.proc
jvm.stdin.close()  # it ends then, and writes the archive as it does
sys.exit(jvm.wait())
"""


def location(directory: Path, java_home: Path, jars: tuple[Path, ...]) -> Path:
    """Where the archive for this runtime and these jars lies."""
    release = java_home / "release"
    identity = [str(java_home), release.read_text(encoding="utf-8") if release.exists() else "", sys.prefix]
    identity += [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars]
    return directory / f"classes-{hashlib.sha256('|'.join(identity).encode()).hexdigest()[:12]}.jsa"


def make(toolchain: Toolchain) -> None:
    """Run the warm-up once in a JVM of its own, which writes the classes that it has loaded as it ends.

    Raises `ToolchainError` with the end of the JVM's words.
    """
    archive = toolchain.class_archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    part = archive.with_suffix(f".{os.getpid()}.part")  # two may be at it
    scratch = Path(tempfile.mkdtemp(prefix="warm-"))
    try:
        properties = write_properties(scratch / "spark.properties", local_settings(toolchain, scratch))
        options = (f"-XX:ArchiveClassesAtExit={part}", "-Xlog:disable", "-Xlog:all=off", *QUICK_START)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(scratch / "lake")],
            env={**os.environ, **toolchain.environment(properties, options)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not part.exists():
            raise ToolchainError(f"Spark did not start while its class archive was made: {done.stderr[-2000:]}")
        part.rename(archive)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
