"""The hooks of a commit run from the project's own environment, check what `make lint` checks, and stop what is not clean."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.rules.project import ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

HOOKS: list[dict[str, Any]] = [
    hook for repository in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"] for hook in repository["hooks"]
]
OF_FILES = [hook for hook in HOOKS if hook.get("pass_filenames", True)]
LINT = re.findall(r"^\t(.+)$", read("Makefile").partition("\nlint:")[2].partition("\n\n")[0], re.MULTILINE)


def run(hook: dict[str, Any], *files: Path) -> subprocess.CompletedProcess[str]:
    """Runs a hook as pre-commit does: at the root, the files as its last arguments."""
    command = [*shlex.split(hook["entry"]), *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_is_fetched_for_a_commit() -> None:
    config = yaml.safe_load(read(".pre-commit-config.yaml"))
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}
    assert [hook["id"] for hook in HOOKS if not hook["entry"].startswith(".venv/bin/")] == []


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_checks_what_lint_checks(hook: dict[str, Any]) -> None:
    own = hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude")
    assert own in {command.removesuffix(" .") for command in LINT}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_lets_clean_code_pass(hook: dict[str, Any]) -> None:
    files = [ROOT / "tests" / "rules" / "project.py"] if hook in OF_FILES else []
    done = run(hook, *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", OF_FILES, ids=lambda hook: hook["id"])
def test_a_hook_stops_a_file_that_is_not_clean(hook: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "untidy.py"
    file.write_text("import os\nx=1\n", "utf-8")
    assert run(hook, file).returncode == 1
