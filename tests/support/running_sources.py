"""Simulators that run in the process of the tests, with a session that is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

from local.simulators.control import Control
from local.simulators.crm import DATA
from local.simulators.erp import ROOT
from local.simulators.faults import Faults
from local.simulators.server import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from local.simulators.client import Simulator
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


def served(store: Store, application: Callable[[], Any]) -> Iterator[str]:
    """Serves an application while its URL is in use."""
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
