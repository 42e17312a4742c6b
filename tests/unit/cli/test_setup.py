"""What the set-up does where something is missing: it names it, says what to do, and goes on where it stopped."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.setup import NoPython, Setup, SetupError, candidates, pinned_block, version_of

PROJECT = Path(__file__).parents[3]
NOWHERE = "http://127.0.0.1:9/simple"
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "missing_backend"\n[project]\nname = "tiny"\nversion = "1"\n'


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every registry and mirror points to a port where nobody listens; nothing has been fetched before."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", NOWHERE)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.fixture
def bare_machine(no_registry: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A clone's set-up files, on a machine with this Python on PATH and nothing at home."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    clone = tmp_path / "clone"
    for name in ("local/__init__.py", "local/setup.py", "requirements/dev.txt", "pyproject.toml"):
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, target)
    return clone


def test_without_a_network_the_registry_is_named_and_what_to_check(bare_machine: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.setup"],
        cwd=bare_machine,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert "registry could not be reached" in done.stderr
    assert "HTTPS_PROXY" in done.stderr
    assert "UV_DEFAULT_INDEX" in done.stderr
    assert "run the same command again" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_wanted_python_it_is_said_how_to_get_it(bare_machine: Path) -> None:
    said: list[str] = []
    # A version that no machine has; uv itself is asked, and can't fetch it.
    setup = Setup(bare_machine, said.append, wanted="3.99")
    setup.home.mkdir()

    with pytest.raises(NoPython) as raised:
        setup.find_python(str(PROJECT / ".venv" / "bin" / "uv"))

    assert "There is no Python 3.99" in str(raised.value)
    assert "pyenv install" in str(raised.value)
    assert "run the same command again" in str(raised.value)


def test_a_shim_that_refuses_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims, real = tmp_path / "shims", tmp_path / "real"
    for folder in (shims, real):
        folder.mkdir()
    shim = shims / "python3.13"
    shim.write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    (real / "python3.13").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", os.pathsep.join([str(shims), str(real)]))

    found = [path for path in candidates("no-uv", "3.13") if path.parent in (shims, real)]

    assert found == [shim, real / "python3.13"]
    assert [version_of(path) for path in found] == [None, "3.13"]


def test_a_python_of_pyenv_that_is_not_selected_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "versions" / "3.13.5" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    assert python in candidates("no-uv", "3.13")


@pytest.fixture
def half_done(tmp_path: Path, no_registry: None) -> Iterator[tuple[Setup, list[str]]]:
    """A project without packages whose own installation fails: the set-up stops in its third step."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(BACKEND, encoding="utf-8")
    said: list[str] = []
    setup = Setup(tmp_path, said.append)
    with pytest.raises(SetupError, match="failed"):
        setup.run()
    said.clear()
    yield setup, said


def test_after_a_failure_it_goes_on_with_the_step_that_failed(half_done: tuple[Setup, list[str]]) -> None:
    setup, said = half_done

    with pytest.raises(SetupError):
        setup.run()

    assert said == ["the project itself"]


def test_packages_that_changed_are_installed_anew(half_done: tuple[Setup, list[str]]) -> None:
    setup, said = half_done
    (setup.project / "requirements" / "dev.txt").write_text("# another pin\n", encoding="utf-8")

    with pytest.raises(SetupError):
        setup.run()

    assert said[0] == "the pinned packages of requirements/dev.txt"
    assert said[-1] == "the project itself"


def test_a_virtual_environment_that_was_removed_is_made_again(half_done: tuple[Setup, list[str]]) -> None:
    setup, said = half_done
    shutil.rmtree(setup.venv)

    with pytest.raises(SetupError):
        setup.run()

    assert said[0] == "Python 3.13 and a virtual environment"


def test_the_pinned_uv_comes_with_its_hashes() -> None:
    block = pinned_block("uv", (PROJECT / "requirements" / "dev.txt").read_text(encoding="utf-8"))

    first, *hashes = block.splitlines()

    assert first.startswith("uv==")
    assert hashes
    assert all("--hash=sha256:" in line for line in hashes)


def test_a_port_in_use_stops_the_demonstration_and_names_the_program(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "local.demo", "--port-base", str(port), "--directory", str(tmp_path / "stack")]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 1
    assert f"port {port}" in done.stdout
    assert f"process {os.getpid()}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
