"""The Python that has the peers' packages: an environment of its own, so that theirs never meet those of the lake."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "requirements" / "bench.txt"


def install(folder: Path) -> Path:
    """The environment's Python; what is there and has not changed is not installed again."""
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return python
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, PACKAGES], check=True)
    stamp.write_text(wanted, encoding="ascii")
    return python
