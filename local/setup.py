"""Sets up all that the project needs, on a machine that has Python 3 and the package registries.

`python3 -m local.setup`. Runs on Python 3.8 and later with the standard library alone. In steps: uv, Python 3.13, the virtual
environment, the pinned packages, the project itself, the tool chain of the local stack. A step that is done is not done again
(its inputs' hash stands in .lake/setup.json), so that the command goes on after an interruption and costs nothing when all is
there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parents[1]
WANTED = "3.13"
PACKAGES = Path("requirements") / "dev.txt"
PROBE = "import ssl, sqlite3, sys, venv; print('%d.%d' % sys.version_info[:2])"
NO_NETWORK = re.compile(
    r"error sending request|dns error|failed to lookup|Connection refused|Could not connect|Failed to fetch"
    r"|NewConnectionError|Max retries exceeded|Name or service not known|Network is unreachable|timed out|ConnectError"
    r"|certificate verify failed|UnknownIssuer|from versions: none",
    re.IGNORECASE,
)


class SetupError(Exception):
    """The set-up can't go on; the message says what is missing and what to do. `words`: the last ones of what failed."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words


class NoNetwork(SetupError):
    """A package registry could not be reached."""


class NoPython(SetupError):
    """There is no Python 3.13, and none could be had."""


class NoInstaller(SetupError):
    """This Python can't install packages, so that uv can't be had."""


class Setup:
    """One project's set-up below one folder."""

    def __init__(self, project: Path, say: Callable[[str], None], wanted: str = WANTED) -> None:
        self.project = project
        self.say = say
        self.wanted = wanted
        self.home = project / ".lake"
        self.venv = project / ".venv"
        self.python = self.venv / "bin" / "python"
        self.log = self.home / "setup.log"

    def run(self) -> bool:
        """Does the steps whose inputs have changed; whether there was anything to do."""
        if os.name != "posix":
            raise SetupError("The local stack runs on Linux and macOS; on Windows use WSL.")
        self.home.mkdir(exist_ok=True)
        stamps = self.stamps()
        steps = (
            ("environment", self.environment_inputs, self.make_environment),
            ("packages", self.package_inputs, self.install_packages),
            ("project", self.project_inputs, self.install_project),
            ("toolchain", self.toolchain_inputs, self.install_toolchain),
        )
        worked = False
        for name, inputs, do in steps:
            # What comes later builds on what came before: once a step is done anew, so are all after it.
            if not worked and stamps.get(name) == inputs() and self.python.exists():
                continue
            worked = True
            began = time.monotonic()
            do()
            self.say(f"  done in {time.monotonic() - began:.0f} s")
            stamps[name] = inputs()  # again: a step may be among its own inputs with what it has put in place
            self.stamp_file().write_text(json.dumps(stamps, indent=2), encoding="utf-8")
        return worked

    # -------------------------------------------------------------------------------------------------------- the steps

    def make_environment(self) -> None:
        """The virtual environment with Python 3.13; one that is there and of this version stays."""
        self.say(f"Python {self.wanted} and a virtual environment")
        if version_of(self.python) == self.wanted:
            return
        uv = self.uv()
        python = self.find_python(uv)
        self.say(f"  Python {self.wanted}: {python}")
        self.call([uv, "venv", "--clear", "--python", str(python), str(self.venv)])

    def install_packages(self) -> None:
        """Exactly the pinned packages, each checked by its hash."""
        self.say(f"the pinned packages of {PACKAGES}")
        self.call(
            [self.uv(), "pip", "sync", "--python", str(self.python), "--require-hashes", str(self.project / PACKAGES)]
        )

    def install_project(self) -> None:
        """The project, so that `lake` is a command."""
        self.say("the project itself")
        command = ["pip", "install", "--python", str(self.python), "--no-deps", "--no-build-isolation"]
        self.call([self.uv(), *command, "--editable", str(self.project)])

    def install_toolchain(self) -> None:
        """Java runtime, jars, DuckDB's extensions: for the local stack."""
        self.say("the tool chain of the local stack")
        done = subprocess.run(
            [str(self.python), "-m", "local.toolchain", "--home", str(self.home)], cwd=str(self.project), check=False
        )
        if done.returncode != 0:
            raise SetupError(
                "The tool chain is not complete (see above). Run the same command again when that is mended."
            )

    # ------------------------------------------------------------------------------------------ what a step depends on

    def environment_inputs(self) -> str:
        return digest(self.wanted, str(self.venv))

    def package_inputs(self) -> str:
        return digest(self.text(PACKAGES))

    def project_inputs(self) -> str:
        return digest(self.text(Path("pyproject.toml")), str(self.project))

    def toolchain_inputs(self) -> str:
        """The tool chain's own sources, and what it has put in place."""
        sources = sorted((self.project / "local" / "toolchain").glob("*.*"))
        jars = sorted(path.name for path in (self.home / "jars").glob("*.jar"))
        archives = sorted(path.name for path in (self.home / "jvm").glob("*.jsa"))
        return digest(*(path.read_text(encoding="utf-8") for path in sources), *jars, *archives)

    def stamps(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.stamp_file().read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def stamp_file(self) -> Path:
        return self.home / "setup.json"

    # ----------------------------------------------------------------------------------------------------- uv and Python

    def uv(self) -> str:
        """A uv that runs: the project's, one on PATH, else the pinned one, installed beside the project."""
        own = self.home / "bootstrap" / "bin" / "uv"
        found = [self.venv / "bin" / "uv", own, *programs("uv")]
        for program in found:
            if runs([str(program), "--version"]):
                return str(program)
        self.say("  installing uv")
        pinned = self.home / "uv.txt"
        pinned.write_text(pinned_block("uv", self.text(PACKAGES)), encoding="utf-8")
        arguments = ["install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--upgrade"]
        self.call([*self.pip(), *arguments, "--target", str(own.parents[1]), "-r", str(pinned)])
        return str(own)

    def pip(self) -> list[str]:
        """A pip: of this Python, else of a virtual environment made for it."""
        if runs([sys.executable, "-m", "pip", "--version"]):
            return [sys.executable, "-m", "pip"]
        folder = self.home / "pip"
        python = folder / "bin" / "python"
        if runs([str(python), "-m", "pip", "--version"]) or runs(
            [sys.executable, "-m", "venv", "--clear", str(folder)]
        ):
            return [str(python), "-m", "pip"]
        raise NoInstaller(
            f"{sys.executable} has neither pip nor venv, so that uv can't be installed.\n"
            "Install one of the three: uv (see its documentation), the system's package python3-pip, or python3-venv;"
            " then run the same command again."
        )

    def find_python(self, uv: str) -> Path:
        """A Python 3.13 that really runs, for pyenv's shims may be there and refuse."""
        for candidate in candidates(uv, self.wanted):
            if version_of(candidate) == self.wanted:
                return candidate
        self.say(f"  no Python {self.wanted} on this machine: uv fetches one")
        try:
            self.call([uv, "python", "install", self.wanted])
        except SetupError as error:
            raise NoPython(
                f"There is no Python {self.wanted} on PATH, in pyenv or with uv, and uv could not fetch it:\n{error.words}\n"
                "Install it (the system's package python3.13, `pyenv install 3.13`, or `uv python install 3.13` where the"
                " network allows), then run the same command again."
            ) from error
        found = output([uv, "python", "find", "--managed-python", self.wanted])
        if found is None or version_of(Path(found)) != self.wanted:
            raise NoPython(f"uv installed Python {self.wanted}, but it does not run: {found}")
        return Path(found)

    # ------------------------------------------------------------------------------------------------------------- tools

    def text(self, path: Path) -> str:
        return (self.project / path).read_text(encoding="utf-8")

    def call(self, command: list[str]) -> None:
        """Runs a command; SetupError with its last words where it fails, NoNetwork where these say so."""
        done = subprocess.run(
            command,
            cwd=str(self.project),
            env={**os.environ, **pip_index_for_uv()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        words = done.stdout.decode("utf-8", "replace").strip()
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{words}\n")
        if done.returncode == 0:
            return
        last = "\n".join("    " + line for line in words.splitlines()[-8:])
        if NO_NETWORK.search(words):
            raise NoNetwork(
                f"The package registry could not be reached:\n{last}\n"
                "Check the network, the proxy (HTTPS_PROXY) and the certificates (SSL_CERT_FILE), or name a mirror"
                " (UV_DEFAULT_INDEX, PIP_INDEX_URL). What has arrived is kept: run the same command again.",
                last,
            )
        raise SetupError(f"`{' '.join(command[:4])}` failed:\n{last}\nIts whole output: {self.log}", last)


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def pinned_block(package: str, requirements: str) -> str:
    """The lines of one package, hashes and all, of a requirements file."""
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*$", requirements, re.MULTILINE)
    if found is None:
        raise SetupError(f"{package} is not pinned in {PACKAGES}")
    return found.group(0) + "\n"


def programs(name: str) -> list[Path]:
    """Every program of this name on PATH, not just the first: a shim may stand before the one that works."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return [Path(folder) / name for folder in folders if folder and shutil.which(name, path=folder)]


def candidates(uv: str, wanted: str) -> list[Path]:
    """Where the wanted Python may be, the likeliest first."""
    found = [Path(sys.executable), *programs("python" + wanted), *programs("python3")]
    by_uv = output([uv, "python", "find", "--no-python-downloads", wanted])
    if by_uv:
        found.append(Path(by_uv))
    roots = [os.environ.get("PYENV_ROOT"), output(["pyenv", "root"]), str(Path.home() / ".pyenv")]
    for root in roots:
        if root:
            found += sorted((Path(root) / "versions").glob(wanted + ".*/bin/python"), reverse=True)
    return found


def version_of(python: Path) -> str | None:
    """`3.13`; None where this is no Python that runs, or one without the modules that are needed."""
    return output([str(python), "-c", PROBE])


def output(command: list[str]) -> str | None:
    """What a command prints; None where it fails or is not there."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def runs(command: list[str]) -> bool:
    return output(command) is not None


def pip_index_for_uv() -> dict[str, str]:
    """uv does not read pip's configuration: a mirror that is named only there is handed on."""
    if any(name in os.environ for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")):
        return {}
    index = os.environ.get("PIP_INDEX_URL") or output(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    )
    return {"UV_DEFAULT_INDEX": index} if index else {}


def main() -> int:
    began = time.monotonic()
    try:
        worked = Setup(PROJECT, lambda line: print(line, flush=True)).run()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What is done stays done: run the same command again.", file=sys.stderr)
        return 130
    if worked:
        print(f"Set up in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
