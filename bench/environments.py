"""The Pythons that sides run on: one with what a function has, one with the peer's packages; none with a laptop's tools."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
FUNCTION = ("layer.txt", "cli.txt")
"""What the layer carries, and the SDK, which is Lambda's own and stands in the same pins as the operator's."""
PEER = ("bench.txt",)


def install(folder: Path, files: tuple[str, ...]) -> Path:
    """The Python of an environment with pinned packages; what is there and has not changed is not installed again."""
    python, stamp = folder / "bin" / "python", folder / "installed"
    paths = [REQUIREMENTS / name for name in files]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return python
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, *paths], check=True)
    stamp.write_text(wanted, encoding="ascii")
    return python
