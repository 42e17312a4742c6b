"""The control API as a class, for the demo and the tests."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

type Key = str | Sequence[str]


class Simulator:
    """One running simulator; a refused request raises requests.HTTPError with the simulator's words."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def wait(self, seconds: float = 20) -> None:
        """Return once it answers; TimeoutError where it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.base_url}/_control/health", timeout=2).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise TimeoutError(f"no simulator answers at {self.base_url} after {seconds:.0f} s: is it started?")

    def state(self) -> dict[str, Any]:
        """Its clock, seed, size and row counts."""
        return self._read(requests.get(f"{self.base_url}/_control/state", timeout=30))

    def advance(self, hours: float | None = None, to: datetime | None = None) -> str:
        """Move its clock on by hours or to an instant; the new time."""
        body: dict[str, object] = {"to": to.isoformat()} if to is not None else {"hours": hours}
        return str(self._post("advance", body)["now"])

    def change(
        self,
        entity: str,
        key: Key,
        columns: Mapping[str, object],
        *,
        stamp: str | None = "now",
        visible_after_minutes: float | None = None,
    ) -> None:
        """Change one row; `stamp` is "now", an ISO instant, None (becomes null) or "none" (does not move)."""
        body = {"entity": entity, "key": _listed(key), "set": dict(columns), "stamp": stamp}
        self._post("change", body | {"visible_after_minutes": visible_after_minutes})

    def insert(
        self,
        entity: str,
        *rows: Mapping[str, object],
        stamp: str | None = "now",
        visible_after_minutes: float | None = None,
    ) -> list[list[str]]:
        """Add rows, children under their navigation's name; their keys."""
        body = {"entity": entity, "rows": [dict(row) for row in rows], "stamp": stamp}
        keys = self._post("insert", body | {"visible_after_minutes": visible_after_minutes})["keys"]
        return [[str(part) for part in key] for key in keys]

    def delete(self, entity: str, *keys: Key, hard: bool = False) -> None:
        """Delete rows: hard in the ERP, into the recycle bin in the CRM unless `hard`."""
        self._post("delete", {"entity": entity, "keys": [_listed(key) for key in keys], "hard": hard})

    def undelete(self, entity: str, *keys: Key) -> None:
        """Take rows out of the CRM's recycle bin."""
        self._post("undelete", {"entity": entity, "keys": [_listed(key) for key in keys]})

    def touch(self, entity: str, rows: int, at: str = "now") -> int:
        """Stamp many rows with one instant; how many there were."""
        return int(self._post("touch", {"entity": entity, "rows": rows, "at": at})["touched"])

    def day_of_changes(self, hours: float = 24) -> dict[str, Any]:
        """Let a day pass in which all that may happen happens; what did."""
        return self._post("day_of_changes", {"hours": hours})

    def bulk_change(
        self, entity: str, rows: int, at: str = "now", *, seed: int = 0, visible_after_minutes: float | None = None
    ) -> int:
        """Change many rows, picked by chance, in one transaction: one stamp, seen at one instant; how many there were."""
        body = {"entity": entity, "rows": rows, "at": at, "seed": seed, "visible_after_minutes": visible_after_minutes}
        return int(self._post("bulk_change", body)["changed"])

    def random_changes(
        self, changes: int, *, seed: int = 0, visible_after_minutes: float | None = None
    ) -> dict[str, int]:
        """Make changes by chance, of all kinds that users make; how many of each."""
        body = {"changes": changes, "seed": seed, "visible_after_minutes": visible_after_minutes}
        return dict(self._post("random_changes", body)["done"])

    def odd_values(self, entity: str, rows: int, *kinds: str, seed: int = 0) -> dict[str, int]:
        """Put values into rows that break naive readers (kinds: `odd.ODD`; none given: any); how many of each."""
        body = {"entity": entity, "rows": rows, "kinds": list(kinds), "seed": seed}
        return dict(self._post("odd_values", body)["done"])

    def clock_changes(self, entity: str, rows: int, year: int, *, seed: int = 0) -> int:
        """Stamp rows around both daylight-saving switches of a year; how many there were."""
        body = {"entity": entity, "rows": rows, "year": year, "seed": seed}
        return int(self._post("clock_changes", body)["changed"])

    def snapshot(self, name: str = "backup") -> int:
        """Set the source's state aside; how many rows it has."""
        return int(self._post("snapshot", {"name": name})["rows"])

    def restore(self, name: str = "backup") -> dict[str, int]:
        """Restore a backup: rows and stamps go back, the clock goes on; how many rows vanished, returned, reverted."""
        return dict(self._post("restore", {"name": name})["done"])

    def rewind(self, name: str = "backup") -> str:
        """Make everything as it was at a snapshot, the clock too; the new time."""
        return str(self._post("rewind", {"name": name})["now"])

    def track_changes(self, mode: str = "on", *, once: bool = False, notation: str = "4.0", both: bool = False) -> None:
        """Whether the ERP gives delta links: see `local.simulators.delta`."""
        self._post("track_changes", {"mode": mode, "once": once, "notation": notation, "both": both})

    def expire_delta_links(self) -> int:
        """Make every delta link unknown; how many there were."""
        return int(self._post("expire_delta_links", {})["expired"])

    def fault(self, kind: str, **settings: object) -> None:
        """Begin one fault in the place of all others, or end all with `none`."""
        self._post("fault", {"kind": kind, **settings})

    def faults(self, *faults: Mapping[str, object], seed: int = 0) -> None:
        """Begin several faults in the place of all others: see `local.simulators.faults`."""
        self._post("faults", {"faults": [dict(fault) for fault in faults], "seed": seed})

    def met(self) -> list[dict[str, Any]]:
        """The faults that are on, how many requests each has `met` and how often it `played`."""
        return list(self._read(requests.get(f"{self.base_url}/_control/faults", timeout=30))["faults"])

    def _post(self, action: str, body: Mapping[str, object]) -> dict[str, Any]:
        return self._read(requests.post(f"{self.base_url}/_control/{action}", json=body, timeout=120))

    @staticmethod
    def _read(response: requests.Response) -> dict[str, Any]:
        answer: dict[str, Any] = response.json()
        if not response.ok:
            raise requests.HTTPError(f"{response.url}: {answer.get('error', answer)}", response=response)
        return answer


def _listed(key: Key) -> list[str]:
    return [key] if isinstance(key, str) else list(key)
