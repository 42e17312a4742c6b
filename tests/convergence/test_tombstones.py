"""From when on a key is gone: a tombstone ends what was seen before its instant, and nothing that was seen at it or later."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lake.extract.world import Extracted
from lake.state.entity import LIVE
from tests.convergence.cloud import Fate
from tests.convergence.kinds import KINDS
from tests.convergence.lab import Lab
from tests.convergence.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS: dict[str, Any] = {"page_size": 3, "parallel_windows": 1}
HOUR = timedelta(hours=1)


@contextmanager
def laboratory(folder: Path, kind: str, **settings: Any) -> Iterator[Lab]:
    with Origin(KINDS[kind].system, folder) as origin, closing(Lab(origin, KINDS[kind], SETTINGS | settings)) as lab:
        read(lab)
        yield lab


def read(lab: Lab, lane: str = LIVE, window: dict[str, str] | None = None) -> None:
    """Reads all that is due."""
    while once(lab, None, lane, window).status != "DONE":
        pass


def once(lab: Lab, requests: int | None, lane: str = LIVE, window: dict[str, str] | None = None) -> Extracted:
    outcome = lab.extract(Fate(), "run-1", requests, lane, window)
    assert isinstance(outcome, Extracted), outcome
    return outcome


def an_hour_passes(lab: Lab, only: str) -> None:
    """Before the source answers a request whose target contains that, once."""
    fault = {"kind": "meanwhile", "do": [["advance", {"hours": 1}]], "only": only, "scope": "source", "times": 1}
    lab.play({"do": "faults", "faults": [fault]})


def told(lab: Lab) -> list[dict[str, Any]]:
    """The rows of all tombstones."""
    loads = [manifest for manifest in lab.reader.manifests() if manifest["kind"] == "tombstones"]
    return [row for manifest in loads for row in lab.reader.rows(manifest)]


@pytest.mark.parametrize(
    ("kind", "request_"),
    [("odata-delta", "$deltatoken"), ("odata-delta", "$skiptoken"), ("salesforce-feed", "deleted")],
)
def test_a_tombstone_counts_from_when_its_page_was_asked_for(tmp_path: Path, kind: str, request_: str) -> None:
    """Whoever saw the row after that, while the answer was on its way, saw it live."""
    with laboratory(tmp_path, kind) as lab:
        lab.play({"do": "advance", "minutes": 120})
        lab.play({"do": "erase", "seed": 2, "rows": 4})
        if request_ == "$skiptoken":  # of a delta of several pages, removed keys are on the last one
            lab.play({"do": "bulk", "seed": 1, "rows": 5})
        lab.play({"do": "advance", "minutes": 120})
        asked_at = lab.origin.store.now
        an_hour_passes(lab, request_)
        read(lab)
        assert lab.origin.faults.listed()[0]["played"] == 1
        assert len(told(lab)) == 4
        assert {row["_observed_at"] - asked_at < HOUR for row in told(lab)} == {True}
        lab.settle()


@pytest.mark.parametrize(("notation", "changed"), [("4.0", 0), ("4.01", 0), ("4.0", 7)])
def test_a_key_that_a_delta_shows_as_a_row_and_as_removed_is_gone(tmp_path: Path, notation: str, changed: int) -> None:
    """On its first page, or, where more has changed, on a later one."""
    with laboratory(tmp_path, "odata-delta") as lab:
        lab.origin.perform("track_changes", mode="on", notation=notation, both=True)
        lab.play({"do": "erase", "seed": 2, "rows": 2})
        if changed:
            lab.play({"do": "bulk", "seed": 1, "rows": changed})
        lab.play({"do": "advance", "minutes": 20})
        read(lab)
        gone = {lab.reader.key_of(row): row["_observed_at"] for row in told(lab)}
        loads = [load for load in lab.reader.manifests() if (load["reason"], load["kind"]) == ("delta", "rows")]
        shown = {lab.reader.key_of(row): row["_observed_at"] for load in loads for row in lab.reader.rows(load)}
        assert len(gone) == 2
        assert all(shown[key] < at for key, at in gone.items())
        lab.compare()


def test_a_key_that_came_back_behind_a_delta_that_shows_it_as_both_lives(tmp_path: Path) -> None:
    with laboratory(tmp_path, "odata-delta", both=True) as lab:
        flip = {"seed": 5, "favourite": True}
        lab.play({"do": "flip"} | flip)
        lab.play({"do": "erase"} | flip)
        document = lab.hand.erased[0]
        row = {name: document[name] for name in ("SalesOrder", "ExternalDocumentID")}
        insert = ["insert", {"entity": "erp.sales_order", "row": row | {"to_Item": [{"SalesOrderItem": "000010"}]}}]
        fault = {"kind": "meanwhile", "do": [insert], "only": "SalesOrder eq", "times": 1}
        lab.play({"do": "faults", "faults": [fault]})
        read(lab)
        assert lab.origin.faults.listed()[0]["played"] == 1
        assert (document["SalesOrder"],) in lab.reader.alive()
        lab.compare()


@pytest.mark.parametrize(
    ("kind", "phase"), [("odata-sweep", "keys"), ("hubspot-sweep", "keys"), ("odata-refresh", "refresh")]
)
def test_a_row_that_a_backfill_sees_while_a_sweep_is_read_lives(tmp_path: Path, kind: str, phase: str) -> None:
    """The sweep is behind its key already: a sweep counts from its start, and says nothing of what was seen after it. (Another
    row goes that it has found: by the source's count it lacks none.)"""
    with laboratory(tmp_path, kind) as lab:
        lab.play({"do": "advance", "minutes": 25 * 60})
        lab.play({"do": "backfill", "days_ago": 0, "days": 900})
        while not ((lab.state().checkpoint or {}).get("phase") == phase and (lab.state().checkpoint or {})["loads"]):
            once(lab, 2)
        before = lab.origin.truth(lab.kind.entity).keys()
        lab.origin.perform("delete", entity=lab.kind.entity, keys=[list(min(before))], hard=True)
        new = first_key(lab)
        read(lab, *lab.lanes[0])
        assert new in lab.reader.alive(), "the backfill has seen it"
        sweeps = len(list(lab.reader.sweeps()))
        read(lab)
        *_, (_, _, found) = lab.reader.sweeps()
        assert len(list(lab.reader.sweeps())) == sweeps + 1
        assert new not in found
        assert new not in before
        assert new in lab.reader.alive()
        lab.settle()


def first_key(lab: Lab) -> tuple[str, ...]:
    """The key of a row that appears before all others, stamped ten days ago."""
    rows: dict[str, dict[str, Any]] = {
        "erp.sales_order": {"SalesOrder": "0000000000", "to_Item": [{"SalesOrderItem": "000010"}]},
        "hubspot.contact": {"hs_object_id": "1", "lastname": "new"},
        "erp.business_partner": {"BusinessPartner": "0000000000"},
    }
    stamp = (lab.origin.store.now - timedelta(days=10)).isoformat()
    (key,) = lab.origin.perform("insert", entity=lab.kind.entity, row=rows[lab.kind.entity], stamp=stamp)["keys"]
    lab.hand.old.add(tuple(key))
    return tuple(key)
