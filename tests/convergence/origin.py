"""A simulated source in this process: its small world, its server, its truth."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any, Self

from local.simulators.control import Control
from local.simulators.crm import Crm
from local.simulators.erp import Erp
from local.simulators.faults import Faults
from local.simulators.generate import open_store
from local.simulators.hubspot import HubSpot
from local.simulators.schema import ENTITIES, children
from local.simulators.server import make_server
from local.simulators.service import Service
from local.simulators.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from local.simulators.messages import Request

BEGIN = datetime(2026, 8, 3, 6, tzinfo=UTC)
APPLICATIONS: dict[str, Callable[[Store], Any]] = {
    "crm": lambda store: Crm(store, "lake-reader", "crm-secret"),
    "erp": lambda store: Erp(store, "LAKE", "erp-secret"),
    "hubspot": lambda store: HubSpot(store, "pat"),
    "service": lambda store: Service(store, "key"),
}
SECRETS = {
    "crm": {"client_id": "lake-reader", "client_secret": "crm-secret"},
    "erp": {"user": "LAKE", "password": "erp-secret"},
    "hubspot": {"token": "pat"},
    "service": {"token": "key"},
}
ASKED = "X-Asked"
"""The header by which a request is known again: what a slow answer takes is no real time, but noted under it."""

type Document = dict[str, Any]
"""A row with its fields as the table has them, and its collections (lists of rows) under their navigation's name."""


@dataclass
class Origin:
    """A source with a world of its own, as long as the `with` block lasts."""

    name: str
    folder: Path
    _delays: dict[str, float] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def __enter__(self) -> Self:
        self.faults = Faults(hold=self._hold)
        made = self.folder / "made"
        open_store(self.name, made, 7, "XS", BEGIN).close()
        self.store = Store(Path(shutil.copy(made / f"{self.name}.sqlite", self.folder)))
        self.control = Control(self.store, self.faults)
        self.server = make_server(0, self.store, APPLICATIONS[self.name](self.store), self.control, self.faults)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.005})
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.store.close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _hold(self, request: Request, seconds: float) -> None:
        with self._lock:
            asked = request.header(ASKED)
            self._delays[asked] = self._delays.get(asked, 0.0) + seconds

    def delay(self, asked: str) -> float:
        """The seconds by which the answer to a request is late."""
        with self._lock:
            return self._delays.pop(asked, 0.0)

    def perform(self, action: str, **body: Any) -> dict[str, Any]:
        """An action of the control API."""
        return self.control.perform(action, body)

    def truth(self, entity: str) -> dict[tuple[str, ...], Document]:
        """The visible documents by key, straight from the tables."""
        top = ENTITIES[entity]
        now = self.store.meta("now")
        found: dict[tuple[str, ...], Document] = {}
        for row in self.store.read(f"SELECT * FROM {top.set_name} WHERE _visible_at <= ?", (now,)):  # noqa: S608
            found[tuple(row[name] for name in top.key)] = dict(row) | {
                str(child.navigation): [] for child in children(top)
            }
        for child in children(top):
            sql = f"SELECT * FROM {child.set_name} WHERE _visible_at <= ? ORDER BY {', '.join(child.key)}"  # noqa: S608
            for row in self.store.read(sql, (now,)):
                document = found.get(tuple(row[name] for name in top.key))
                if document is not None:
                    document[str(child.navigation)].append(dict(row))
        return found
