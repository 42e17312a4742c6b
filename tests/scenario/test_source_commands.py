"""`lake source check` and `lake contract draft` against real sources, before anything is deployed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from typer.testing import CliRunner, Result

from lake.cli.main import app
from lake.contract.build import compile_source_folder
from lake.contract.errors import ContractError
from lake.contract.plan import Plan
from tests.support.raw_lake import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.raw_lake import Source

CONTRACTS = Path(__file__).parents[2] / "contracts"
TABLES = {"crm.account": "Account", "erp.sales_order": "A_SalesOrder"}
SERVED = "      paging: {mode: server}\n"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def secrets(aws: Any) -> None:
    """Each source's secret, under its name."""
    for source, secret in SECRETS.items():
        boto3.client("secretsmanager").create_secret(Name=f"lake/{source}", SecretString=json.dumps(secret))


def lake(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def findings(source: Source, *arguments: str, folder: Path | None = None) -> dict[str, tuple[str, str]]:
    return {item["what"]: (item["verdict"], item["said"]) for item in check(source, *arguments, folder=folder)}


def check(source: Source, *arguments: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """All findings, in their order."""
    folder = folder or CONTRACTS / source.name
    result = lake(
        "source", "check", str(folder), "--url", source.url, "--secret", f"lake/{source.name}", "--json", *arguments
    )
    return list(json.loads(result.stdout)["findings"])


def orders(source: Source, folder: Path, extraction: str) -> dict[str, dict[str, Any]]:
    """What is found of the orders, by what it is about, where lines of `extraction` stand in their contract."""
    shutil.copytree(CONTRACTS / "erp", folder)
    file = folder / "sales_order.odcs.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("      page_size: 1000\n", f"      page_size: 1000\n{extraction}"), "utf-8")
    found = check(source, "--entity", "erp.sales_order", folder=folder)
    return {item["what"].removeprefix("erp.sales_order: "): item for item in found}


def test_a_source_shows_what_it_can_do(crm: Source, erp: Source, secrets: None) -> None:
    for source, entity, deletes in ((crm, "crm.account", "feed"), (erp, "erp.sales_order", "swept")):
        found = findings(source)
        verdicts = {what: verdict for what, (verdict, _) in found.items()}
        assert "fail" not in verdicts.values(), found
        assert {verdicts[f"{entity}: {what}"] for what in ("count", "types", "pages", "filter", "deletes")} == {"ok"}
        assert deletes in found[f"{entity}: deletes"][1]
        assert "rows on" in found[f"{entity}: pages"][1]
        assert found[f"{entity}: count"] == ("ok", f"all {len(source.rows(TABLES[entity])):,} rows came")


def test_rows_that_the_source_counts_and_no_page_brings_are_found(erp: Source, secrets: None, tmp_path: Path) -> None:
    erp.control.faults({"kind": "result_cap", "rows": 150}, {"kind": "page_cap", "rows": 100})
    count = orders(erp, tmp_path / "erp", SERVED)["count"]
    rows = len(erp.rows("A_SalesOrder"))
    assert count["verdict"] == "fail"
    assert f"150 keys, and the source counts {rows:,} rows" in count["said"]
    assert "count: {ignored: <reason>}" in count["remedy"]


def test_a_count_that_is_smaller_than_what_comes_is_told(erp: Source, secrets: None) -> None:
    erp.control.fault("wrong_count", by=-1)
    verdict, said = findings(erp, "--entity", "erp.sales_order")["erp.sales_order: count"]
    assert verdict == "warn"
    assert "more than the" in said


def test_what_does_not_come_within_a_few_pages_is_not_compared(erp: Source, secrets: None) -> None:
    erp.control.fault("page_cap", rows=50)
    verdict, said = findings(erp, "--entity", "erp.sales_order")["erp.sales_order: count"]
    assert verdict == "ok"
    assert "not compared" in said


def test_a_count_that_the_contract_ignores_is_compared_with_nothing(erp: Source, secrets: None, tmp_path: Path) -> None:
    erp.control.faults({"kind": "result_cap", "rows": 150}, {"kind": "page_cap", "rows": 100})
    ignored = f"{SERVED}      count: {{ignored: drafts are counted}}\n"
    count = orders(erp, tmp_path / "erp", ignored)["count"]
    assert count["verdict"] == "note"
    assert "drafts are counted" in count["said"]


@pytest.mark.parametrize(
    ("word", "verdict", "remedy"),
    [
        ("", "fail", "`paging: {mode: server, rows_may_shift: accepted}`"),
        (", rows_may_shift: accepted", "warn", "`key`"),
    ],
)
def test_links_that_count_rows_are_found(
    start_source: Callable[..., Source], secrets: None, tmp_path: Path, word: str, verdict: str, remedy: str
) -> None:
    """HubSpot's `after` is the number of the rows that came so far; its contract pages by key for that reason."""
    folder = tmp_path / "hubspot"
    shutil.copytree(EXAMPLES / "hubspot", folder)
    file = folder / "contact.odcs.yaml"
    text = file.read_text("utf-8").replace("paging: {mode: key}", f"paging: {{mode: server{word}}}")
    file.write_text(text.replace("page_size: 200", "page_size: 50"), "utf-8")
    found = check(start_source("hubspot"), "--entity", "hubspot.contact", folder=folder)
    (paging,) = (item for item in found if item["what"].endswith(": paging"))
    assert paging["verdict"] == verdict
    assert "count rows" in paging["said"]
    assert remedy in paging["remedy"]


@pytest.mark.parametrize("form", ["skip", "skiptoken"])
def test_links_of_odata_that_count_rows_are_found(erp: Source, secrets: None, tmp_path: Path, form: str) -> None:
    erp.control.faults({"kind": "offset_tokens", "as": form}, {"kind": "page_cap", "rows": 60})
    assert orders(erp, tmp_path / "erp", SERVED)["paging"]["verdict"] == "fail"


def test_links_that_do_not_count_are_told_of_once_two_were_seen(erp: Source, secrets: None, tmp_path: Path) -> None:
    assert "only one page" in orders(erp, tmp_path / "whole", SERVED)["paging"]["said"]
    erp.control.fault("page_cap", rows=60)
    paging = orders(erp, tmp_path / "pages", SERVED)["paging"]
    assert paging["verdict"] == "ok"
    assert "none counts rows" in paging["said"]


def test_a_next_link_that_nobody_knows_is_found(erp: Source, secrets: None, tmp_path: Path) -> None:
    erp.control.faults({"kind": "unknown_continuation", "name": "paging.next"}, {"kind": "page_cap", "rows": 60})
    found = orders(erp, tmp_path / "erp", SERVED)
    for what in ("count", "pages", "deletes"):
        assert found[what]["verdict"] == "fail"
        assert "`paging.next`" in found[what]["said"]


@pytest.mark.parametrize("entity", ["service.work_order", "service.engineer"])
def test_pages_that_the_contract_itself_counts_are_told_of_once(
    start_source: Callable[..., Source], secrets: None, entity: str
) -> None:
    found = check(start_source("service"), "--entity", entity, folder=EXAMPLES / "service")
    (paging,) = (item for item in found if item["what"].endswith(": paging"))
    assert paging["verdict"] == "warn"


def test_a_source_that_refuses_the_secret_is_named(crm: Source, aws: Any) -> None:
    boto3.client("secretsmanager").create_secret(
        Name="lake/crm", SecretString='{"client_id": "x", "client_secret": "y"}'
    )
    assert findings(crm)["login"][0] == "fail"


def test_what_the_contract_says_otherwise_is_found(erp: Source, secrets: None, tmp_path: Path) -> None:
    """A field that is gone, and one of another type, with the rows that do not fit."""
    folder = tmp_path / "erp"
    shutil.copytree(CONTRACTS / "erp", folder)
    file = folder / "sales_order.odcs.yaml"
    about = "classification: confidential, description: Net amount of the order"
    file.write_text(file.read_text("utf-8").replace(f'"decimal(16,3)", {about}', f"int64, {about}"), "utf-8")
    found = findings(erp, "--entity", "erp.sales_order", folder=folder)
    assert found["erp.sales_order: types"][0] == "fail"
    assert "TotalNetAmount is decimal" in found["erp.sales_order: types"][1]
    assert found["erp.sales_order: values"] == ("fail", found["erp.sales_order: values"][1])
    assert "TotalNetAmount (" in found["erp.sales_order: values"][1]


@pytest.mark.parametrize(
    ("which", "path", "fields", "second"),
    [
        ("crm", "Account", ("Id", "SystemModstamp"), False),
        ("erp", "API_SALES_ORDER_SRV/A_SalesOrder", ("SalesOrder", "LastChangeDateTime"), False),
        ("erp", "API_SALES_ORDER_SRV/A_SalesOrder", ("SalesOrder", "LastChangeDateTime"), True),
        (
            "erp",
            "API_BUSINESS_PARTNER/A_BusinessPartner",
            ("BusinessPartner", "LastChangeDate", "LastChangeTime"),
            True,
        ),
    ],
)
def test_a_draft_compiles_and_its_source_takes_it(
    which: str,
    path: str,
    fields: tuple[str, ...],
    second: bool,
    crm: Source,
    erp: Source,
    secrets: None,
    tmp_path: Path,
) -> None:
    """`fields`: the key and the stamp that it finds. `second`: over OData v2."""
    source = {"crm": crm, "erp": erp}[which]
    folder = tmp_path / which
    folder.mkdir()
    described = (CONTRACTS / which / "source.yaml").read_text("utf-8")
    if second:
        described = described.replace("/sap/opu/odata4/sap", "/sap/opu/odata/sap\nversion: v2")
    (folder / "source.yaml").write_text(described, "utf-8")
    file = folder / "drafted.odcs.yaml"
    arguments = ("--url", source.url, "--secret", f"lake/{which}", "--name", "drafted", "--out", str(file))
    result = lake("contract", "draft", str(folder), path, *arguments)
    assert result.exit_code == 0, result.output
    plan = Plan.load(compile_source_folder(folder)[f"{which}.drafted.json"])
    assert (*(field.field for field in plan.key_fields), *plan.cursor.fields) == fields
    assert {verdict for verdict, _ in findings(source, folder=folder).values()} <= {"ok", "note"}
    assert lake("contract", "draft", str(folder), path, *arguments).exit_code == 1
    assert yaml.safe_load(file.read_text("utf-8"))["status"] == "draft"


def test_a_draft_from_rows_holds_only_words_that_a_contract_takes(
    start_source: Callable[..., Source], secrets: None, tmp_path: Path
) -> None:
    """What rows do not tell is named as missing, one by one; nothing that was written is refused."""
    source, folder = start_source("service"), tmp_path / "service"
    folder.mkdir()
    shutil.copy(EXAMPLES / "service" / "source.yaml", folder)
    file = folder / "order.odcs.yaml"
    where = ("--url", source.url, "--secret", "lake/service", "--out", str(file))
    result = lake("contract", "draft", str(folder), "work_orders", *where)
    assert result.exit_code == 0, result.output
    with pytest.raises(ContractError) as found:
        compile_source_folder(folder)
    assert {mistake.reason.partition(",")[0] for mistake in found.value.mistakes} == {
        "is missing",
        "`mode: keyset` needs {filter} in the request",
    }
    (drafted,) = yaml.safe_load(file.read_text("utf-8"))["schema"]
    types = {field["name"]: field["physicalType"] for field in drafted["properties"]}
    assert types["price"] == "decimal(38,9)"


def test_a_path_that_the_source_does_not_know_is_named(crm: Source, secrets: None) -> None:
    result = lake("contract", "draft", str(CONTRACTS / "crm"), "Nothing", "--url", crm.url, "--secret", "lake/crm")
    assert result.exit_code == 1
    assert "404" in result.output


def test_a_folder_without_a_source_is_named(tmp_path: Path) -> None:
    for command in (["source", "check", str(tmp_path)], ["contract", "draft", str(tmp_path), "X"]):
        result = lake(*command)
        assert result.exit_code == 1
        assert "source.yaml" in result.output
