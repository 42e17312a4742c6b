"""The sources on ports of the system's choice, in this process, each test with a world of its own."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from local.simulators.client import Simulator
from local.simulators.control import Control
from local.simulators.crm import DATA, Crm
from local.simulators.erp import ROOT, Erp
from local.simulators.faults import Faults
from local.simulators.generate import open_store
from local.simulators.hubspot import HubSpot
from local.simulators.server import make_server
from local.simulators.service import Service
from local.simulators.store import Store

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@dataclass(frozen=True)
class RunningCrm:
    """The CRM with a token in hand."""

    url: str
    store: Store
    control: Simulator
    session: requests.Session

    def query(self, soql: str, *, everything: bool = False, batch: int | None = None) -> requests.Response:
        headers = {} if batch is None else {"Sforce-Query-Options": f"batchSize={batch}"}
        path = f"{self.url}{DATA}{'queryAll' if everything else 'query'}"
        return self.session.get(path, params={"q": soql}, headers=headers, timeout=20)

    def records(self, soql: str, *, everything: bool = False) -> list[dict[str, Any]]:
        answer = self.query(soql, everything=everything)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["records"])


@dataclass(frozen=True)
class RunningErp:
    """The ERP with its user signed in."""

    url: str
    store: Store
    control: Simulator
    session: requests.Session

    def get(self, path: str, service: str = "API_SALES_ORDER_SRV", **headers: str) -> requests.Response:
        """GET below a service; a blank in `path` goes out as %20."""
        url = f"{self.url}{ROOT}{service}/{path}".replace(" ", "%20")
        return self.session.get(url, headers=headers, timeout=20)

    def rows(self, path: str, service: str = "API_SALES_ORDER_SRV") -> list[dict[str, Any]]:
        answer = self.get(path, service)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["value"])


@dataclass(frozen=True)
class RunningRest:
    """HubSpot or the field service with its token in hand."""

    url: str
    store: Store
    control: Simulator
    session: requests.Session

    def get(self, path: str, **params: str | int) -> requests.Response:
        return self.session.get(f"{self.url}{path}", params=params, timeout=20)

    def search(self, objects: str, **body: Any) -> requests.Response:
        return self.session.post(f"{self.url}/crm/v3/objects/{objects}/search", json=body, timeout=20)

    def found(self, objects: str, **body: Any) -> list[dict[str, Any]]:
        answer = self.search(objects, **body)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["results"])


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
    for url in _served(store, lambda: Crm(store, "lake-reader", "crm-secret")):
        session = requests.Session()
        form = {"grant_type": "client_credentials", "client_id": "lake-reader", "client_secret": "crm-secret"}
        token = session.post(f"{url}/services/oauth2/token", data=form, timeout=20).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield RunningCrm(url, store, Simulator(url), session)


@pytest.fixture
def erp(worlds: Path, tmp_path: Path) -> Iterator[RunningErp]:
    store = Store(Path(shutil.copy(worlds / "erp.sqlite", tmp_path)))
    for url in _served(store, lambda: Erp(store, "LAKE", "erp-secret")):
        session = requests.Session()
        session.auth = ("LAKE", "erp-secret")
        yield RunningErp(url, store, Simulator(url), session)


@pytest.fixture
def hubspot(worlds: Path, tmp_path: Path) -> Iterator[RunningRest]:
    store = Store(Path(shutil.copy(worlds / "hubspot.sqlite", tmp_path)))
    for url in _served(store, lambda: HubSpot(store, "pat")):
        session = requests.Session()
        session.headers["Authorization"] = "Bearer pat"
        yield RunningRest(url, store, Simulator(url), session)


@pytest.fixture
def service(worlds: Path, tmp_path: Path) -> Iterator[RunningRest]:
    store = Store(Path(shutil.copy(worlds / "service.sqlite", tmp_path)))
    for url in _served(store, lambda: Service(store, "key")):
        session = requests.Session()
        session.headers["Authorization"] = "Bearer key"
        yield RunningRest(url, store, Simulator(url), session)


def _served(store: Store, application: Callable[[], Any]) -> Iterator[str]:
    faults = Faults()
    server = make_server(0, store, application(), Control(store, faults), faults)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()
    # Hundreds of copies would fill a small disk.
    store.path.unlink()
