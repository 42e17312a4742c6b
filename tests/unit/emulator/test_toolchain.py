"""The set-up of the tool chain: what is missing is named, what was broken off is continued."""

import hashlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.toolchain import install, jars, java
from local.toolchain.errors import NoJava, NoNetwork, ToolchainError, WrongChecksum
from local.toolchain.jars import Jar

CONTENT = bytes(range(256)) * 400
JAR = Jar("org/example/thing/1.0/thing-1.0.jar", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Repository(BaseHTTPRequestHandler):
    """Serves CONTENT under any path, with ranges; remembers the ranges that were asked for."""

    asked: list[str | None]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        """Nothing: a test's output is its own."""


@pytest.fixture
def repository() -> Iterator[str]:
    Repository.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_jar_is_fetched_once(tmp_path: Path, repository: str) -> None:
    said: list[str] = []

    fetched = [jars.fetch(tmp_path, (JAR,), repository, said.append) for _ in range(2)]

    assert fetched[0] == fetched[1] == (tmp_path / "thing-1.0.jar",)
    assert fetched[0][0].read_bytes() == CONTENT
    assert Repository.asked == [None]
    assert said == ["fetching thing-1.0.jar (0 MB)"]


@pytest.mark.parametrize("have", [1000, len(CONTENT)])
def test_a_broken_off_fetch_goes_on_where_it_ended(tmp_path: Path, repository: str, have: int) -> None:
    (tmp_path / "thing-1.0.part").write_bytes(CONTENT[:have])

    fetched = jars.fetch(tmp_path, (JAR,), repository, print)

    assert fetched[0].read_bytes() == CONTENT
    assert Repository.asked == [f"bytes={have}-"]


def test_another_file_than_the_pinned_one_is_refused_and_thrown_away(tmp_path: Path, repository: str) -> None:
    other = Jar(JAR.path, "0" * 64, JAR.bytes)

    with pytest.raises(WrongChecksum, match=r"thing-1\.0\.jar is not the file that was pinned"):
        jars.fetch(tmp_path, (other,), repository, print)

    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_message_says_what_to_check(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"

    with pytest.raises(NoNetwork, match=r"could not be fetched.*MAVEN_CENTRAL_URL"):
        jars.fetch(tmp_path, (JAR,), nobody, print)


def test_the_repository_is_maven_central_unless_a_mirror_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAVEN_CENTRAL_URL", raising=False)
    assert jars.central().endswith("/maven2")

    monkeypatch.setenv("MAVEN_CENTRAL_URL", "https://mirror.example/central/")
    assert jars.central() == "https://mirror.example/central"


def test_a_missing_jar_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"lacks iceberg-spark-runtime.*python -m local\.toolchain"):
        install.ready(tmp_path)


def _fake_java(folder: Path, version: str) -> Path:
    """A `java` that tells a version, else its arguments."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    script = f'#!/bin/sh\n[ "$1" = -version ] && echo \'openjdk version "{version}"\' >&2 || printf "%s|" "$@"\n'
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8)])
def test_javas_major_version_is_read_from_its_own_words(tmp_path: Path, version: str, major: int) -> None:
    assert java.major_version(_fake_java(tmp_path, version)) == major


def test_a_java_of_the_system_that_fits_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_java(tmp_path / "jdk", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))

    assert java.java_home(tmp_path / "unused") == tmp_path / "jdk"


def test_without_a_fitting_java_the_message_says_which_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_java(tmp_path / "jdk", "11.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("local.toolchain.java.BUNDLED", "no_such_package")

    with pytest.raises(NoJava, match="Java 17 or 21"):
        java.java_home(tmp_path / "wrapper")


def test_the_wrapper_drops_the_module_that_the_bundled_runtime_lacks(tmp_path: Path) -> None:
    home = java.wrap(_fake_java(tmp_path / "jdk", "17"), tmp_path / "wrapper")

    command = [str(home / "bin" / "java"), "-Xmx1g", java.VECTOR_MODULE, "-cp", "a b:c", "Main"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "-Xmx1g|-cp|a b:c|Main|"
