"""`lake source compare` as an operator meets it: a simulator at one side, tables behind Athena at the other."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from local.simulators.client import Simulator
from tests.support.cli_lake import PROJECT, Lake, put_table
from tests.support.endpoints import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

PLANS = compile_folder(PROJECT / "contracts")
SECRETS = {
    "crm": {"client_id": "lake-reader", "client_secret": "crm-secret"},
    "erp": {"user": "LAKE", "password": "erp-secret"},
}
ELSE = "a key that no source has: the emulator reads no table without a row"
CODES, PRODUCTS = "erp.company_code", "crm.product"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Simulator]]:
    """Both sources, running."""
    started, processes = {}, []
    for name in SECRETS:
        folder, port = tmp_path_factory.mktemp(name), free_port()
        command = [sys.executable, "-m", "local.simulators", name, f"--port={port}", f"--data={folder}", "--size=S"]
        processes.append(subprocess.Popen(command, cwd=PROJECT))
        started[name] = Simulator(f"http://127.0.0.1:{port}")
    for simulator in started.values():
        simulator.wait(60)
    yield started
    for process in processes:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Side:
    """An entity at its source, and the lake that is compared with it."""

    lake: Lake
    simulator: Simulator
    plan: Plan

    def put(self, keys: list[str], held: list[dict[str, Any]] | None = None, flagged: tuple[str, ...] = ()) -> None:
        """Fills current anew, and quarantine where there is any."""
        glue, database = self.lake.client("glue"), f"{self.lake.name}_curated"
        for table in glue.get_tables(DatabaseName=database)["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])
        (key,) = self.plan.key
        rows = [{key: value, "is_deleted": value in flagged} for value in keys]
        put_table(self.lake, self.plan.table, {key: "string", "is_deleted": "boolean"}, rows)
        if held is not None:
            types = dict.fromkeys((key, "row", "status", "_observed_at", "_cursor"), "string")
            put_table(self.lake, f"{self.plan.table}_quarantine", types, held)

    def compare(self, *arguments: str) -> Result:
        source = self.plan.source
        where = (
            f"--contracts={PROJECT / 'contracts'}",
            f"--url={self.simulator.base_url}",
            f"--secret={self.lake.name}/{source}",
        )
        return self.lake.run("source", "compare", self.plan.entity, *where, *arguments)

    def found(self) -> tuple[int, dict[str, Any]]:
        asked = self.compare("--json")
        return asked.exit_code, json.loads(asked.stdout)


@pytest.fixture
def side(a_lake: Lake, sources: dict[str, Simulator]) -> Iterator[Callable[[str], Side]]:
    def of(entity: str) -> Side:
        plan = Plan.load(PLANS[f"{entity}.json"])
        a_lake.write_raw(f"plans/{plan.sha256}.json", plan.dump())
        secret = json.dumps(SECRETS[plan.source])
        a_lake.client("secretsmanager").create_secret(Name=f"{a_lake.name}/{plan.source}", SecretString=secret)
        return Side(a_lake, sources[plan.source], plan)

    yield of
    for simulator in sources.values():
        simulator.fault("none")


def held(key: str, **said: Any) -> dict[str, Any]:
    return {
        "company_code": key,
        "row": "{}",
        "status": "open",
        "_observed_at": "2026-11-16 12:00:00",
        "_cursor": None,
    } | said


def codes_of(side: Side) -> list[str]:
    """The company codes that the source shows: where the lake has none of them, each is missing in it."""
    side.put([ELSE])
    code, found = side.found()
    assert code == 3
    codes = [key for (key,) in found["only_in_source"]["first"]]
    assert len(codes) == found["source"]["keys"] == found["source"]["count"] == side.simulator.state()["rows"][CODES]
    return codes


def test_the_same_keys_on_both_sides_are_good(side: Callable[[str], Side]) -> None:
    codes = side(CODES)
    keys = codes_of(codes)
    codes.put(keys)
    code, found = codes.found()
    assert code == 0
    assert found["source"]["keys"] == found["lake"]["keys"] == len(keys)
    assert found["only_in_source"]["first"] == found["only_in_lake"]["first"] == []
    assert found["meaning"] == ["Both sides have the same keys."]


def test_what_either_side_lacks_is_named_and_quarantine_holds_what_current_does_not(
    side: Callable[[str], Side],
) -> None:
    codes = side(CODES)
    lacking, only_held, *rest = codes_of(codes)
    closed, without = held(lacking, status="superseded"), held("", company_code=None)
    codes.put([*rest, "gone"], [held(only_held), held(rest[0]), closed, without])
    code, found = codes.found()
    assert code == 3
    assert found["only_in_source"] == {"keys": 1, "first": [[lacking]]}
    assert found["only_in_lake"] == {"keys": 1, "first": [["gone"]]}
    assert found["lake"] == {
        "keys": len(rest) + 2,
        "soft_deleted": 0,
        "only_in_quarantine": 1,
        "without_key": 1,
    }
    shown = codes.compare("--limit=1")
    assert shown.exit_code == 3
    for text in (lacking, "gone", "lake run --entity erp.company_code", "1 records in quarantine"):
        assert text in shown.stdout


def test_rows_that_the_lake_has_as_deleted_are_missing_on_neither_side(side: Callable[[str], Side]) -> None:
    """One that is in the source's recycle bin, one that is gone from it, and a bad one that only quarantine holds."""
    products = side(PRODUCTS)
    products.put([ELSE])
    keys = [key for (key,) in products.found()[1]["only_in_source"]["first"]]
    products.simulator.delete(PRODUCTS, keys[0])
    bad = [
        {"id": "BAD", "row": json.dumps({"IsDeleted": flag}), "status": "open", "_observed_at": at, "_cursor": None}
        for at, flag in (("2026-11-16 12:00:00", False), ("2026-11-16 13:00:00", True))
    ]
    products.put([*keys, "PURGED"], bad, flagged=(keys[0], "PURGED"))
    code, found = products.found()
    assert code == 0, found
    assert found["source"]["keys"] == found["source"]["count"] == len(keys)
    assert found["lake"] == {"keys": len(keys) - 1, "soft_deleted": 3, "only_in_quarantine": 0, "without_key": 0}


def test_more_keys_than_athena_gives_at_once_all_count(side: Callable[[str], Side]) -> None:
    codes = side(CODES)
    codes.put([f"K{number}" for number in range(2_345)])
    assert codes.found()[1]["only_in_lake"]["keys"] == 2_345


def test_an_entity_that_is_not_known_or_has_no_table_is_told(side: Callable[[str], Side]) -> None:
    codes = side(CODES)
    unknown = replace(codes, plan=replace(codes.plan, entity="erp.nothing")).compare()
    assert unknown.exit_code == 1
    assert "The lake has no entity erp.nothing" in unknown.stderr
    empty = codes.compare()
    assert empty.exit_code == 1
    assert "There is no table erp_company_code yet" in empty.stderr


def test_another_contract_than_the_deployed_one_is_told_and_another_key_refused(side: Callable[[str], Side]) -> None:
    codes = side(CODES)
    codes.put([ELSE])
    later = replace(codes.plan, page_size=77)
    codes.lake.write_raw(f"plans/{later.sha256}.json", later.dump())
    assert any("than what is deployed" in text for text in codes.found()[1]["meaning"])
    other = replace(codes.plan, key=(codes.plan.fields[1].name,))
    codes.lake.write_raw(f"plans/{other.sha256}.json", other.dump())
    refused = codes.compare()
    assert refused.exit_code == 1
    assert "The key of erp.company_code is company_code in" in refused.stderr


def test_a_source_that_refuses_is_told_with_what_to_do(side: Callable[[str], Side]) -> None:
    codes = side(CODES)
    codes.put([ELSE])
    codes.simulator.fault("http", status=403)
    refused = codes.compare()
    assert refused.exit_code == 1
    assert "403" in refused.stderr
