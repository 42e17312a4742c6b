"""Fetches the pinned jars from Maven Central, each once.

A file that was broken off is continued where it ended, and takes its name only after its checksum was right.
"""

import hashlib
import http.client
import importlib.util
import os
import re
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.errors import MissingPackage, NoNetwork, WrongChecksum

IVY_SETTINGS = "org/apache/ivy/core/settings/repository.properties"
CHUNK = 1 << 20
TIMEOUT_S = 60
RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class Jar:
    """One file of a Maven repository: its path below the root, its SHA-256 in hexadecimal, its size."""

    path: str
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def pinned() -> tuple[Jar, ...]:
    text = Path(__file__).with_name("pins.toml").read_text(encoding="utf-8")
    return tuple(Jar(**jar) for jar in tomllib.loads(text)["jar"])


def central() -> str:
    """The repository's root: a mirror named in `MAVEN_CENTRAL_URL`, else Maven Central as Spark's resolver knows it."""
    return (os.environ.get("MAVEN_CENTRAL_URL") or _root_of_ivy()).rstrip("/")


def _root_of_ivy() -> str:
    spec = importlib.util.find_spec("pyspark")
    found = sorted(Path(spec.origin).parent.glob("jars/ivy-*.jar")) if spec and spec.origin else []
    if not found:
        raise MissingPackage(
            "pyspark is not installed: install the pinned packages of requirements/ into this Python environment"
        )
    with zipfile.ZipFile(found[0]) as ivy:
        settings = ivy.read(IVY_SETTINGS).decode()
    root = re.search(r"artifact\.root\s*=\s*(https://\S+)", settings)
    if root is None:
        raise NoNetwork(f"{found[0]} does not say where Maven Central is: name the repository in MAVEN_CENTRAL_URL")
    return root.group(1)


def fetch(directory: Path, jars: tuple[Jar, ...], root: str, say: Callable[[str], None]) -> tuple[Path, ...]:
    """The jars' paths in `directory`; what is not there yet is fetched.

    Raises `NoNetwork` where the repository can't be reached, `WrongChecksum` where it sent another file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for jar in jars:
        target = directory / jar.name
        if not target.exists():
            say(f"fetching {jar.name} ({jar.bytes / 1e6:.0f} MB)")
            _fetch_one(jar, target, f"{root}/{jar.path}")
    return tuple(directory / jar.name for jar in jars)


def _fetch_one(jar: Jar, target: Path, url: str) -> None:
    part = target.with_suffix(".part")
    try:
        _download(url, part)
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        raise NoNetwork(
            f"{url} could not be fetched ({error}): check the network, the proxy (HTTPS_PROXY) and the certificates "
            "(SSL_CERT_FILE), or name a mirror of Maven Central in MAVEN_CENTRAL_URL; what has arrived is kept, so run "
            "the same command again"
        ) from error
    actual = _sha256(part)
    if actual != jar.sha256:
        part.unlink()
        raise WrongChecksum(
            f"{url} is not the file that was pinned: its SHA-256 is {actual}, expected {jar.sha256}; it was thrown "
            "away. Check what answers for Maven Central (MAVEN_CENTRAL_URL, a proxy), then run the same command again"
        )
    part.rename(target)


def _download(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE:  # all of it has arrived already
            return
        raise
    with answer, part.open("ab" if answer.status == http.client.PARTIAL_CONTENT else "wb") as file:
        while chunk := answer.read(CHUNK):
            file.write(chunk)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
