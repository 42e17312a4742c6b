"""What belongs to the project: what git tracks or would add."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def project_files(project: Path) -> list[Path]:
    """The files that are there, relative to the project's folder, in the order of their names."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(filter(None, listed.stdout.split("\0"))))
    return [Path(name) for name in names if (project / name).is_file()]


def copy_project(project: Path, target: Path) -> None:
    """Copies these files into a folder."""
    for name in project_files(project):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project / name, target / name)
