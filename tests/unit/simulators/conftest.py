"""The sources on ports of the system's choice, in this process, each test with a world of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.simulators.client import Simulator
from local.simulators.crm import Crm
from local.simulators.erp import Erp
from local.simulators.generate import open_store
from local.simulators.hubspot import HubSpot
from local.simulators.service import Service
from local.simulators.store import Store
from tests.support.running_sources import NOW, RunningCrm, RunningErp, RunningRest, served


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All databases as they are made; tests get copies."""
    directory = tmp_path_factory.mktemp("worlds")
    for source in ("crm", "erp", "hubspot", "service"):
        open_store(source, directory, 7, "S", NOW).close()
    return directory


@pytest.fixture
def crm(worlds: Path, tmp_path: Path) -> Iterator[RunningCrm]:
    store = Store(Path(shutil.copy(worlds / "crm.sqlite", tmp_path)))
    for url in served(store, lambda: Crm(store, "lake-reader", "crm-secret")):
        session = requests.Session()
        form = {"grant_type": "client_credentials", "client_id": "lake-reader", "client_secret": "crm-secret"}
        token = session.post(f"{url}/services/oauth2/token", data=form, timeout=20).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield RunningCrm(url, store, Simulator(url), session)


@pytest.fixture
def erp(worlds: Path, tmp_path: Path) -> Iterator[RunningErp]:
    store = Store(Path(shutil.copy(worlds / "erp.sqlite", tmp_path)))
    for url in served(store, lambda: Erp(store, "LAKE", "erp-secret")):
        session = requests.Session()
        session.auth = ("LAKE", "erp-secret")
        yield RunningErp(url, store, Simulator(url), session)


@pytest.fixture
def hubspot(worlds: Path, tmp_path: Path) -> Iterator[RunningRest]:
    store = Store(Path(shutil.copy(worlds / "hubspot.sqlite", tmp_path)))
    for url in served(store, lambda: HubSpot(store, "pat")):
        session = requests.Session()
        session.headers["Authorization"] = "Bearer pat"
        yield RunningRest(url, store, Simulator(url), session)


@pytest.fixture
def service(worlds: Path, tmp_path: Path) -> Iterator[RunningRest]:
    store = Store(Path(shutil.copy(worlds / "service.sqlite", tmp_path)))
    for url in served(store, lambda: Service(store, "key")):
        session = requests.Session()
        session.headers["Authorization"] = "Bearer key"
        yield RunningRest(url, store, Simulator(url), session)
