"""Contracts compile to plans; each mistake names file, field and reason."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.build import compile_folder, main
from lake.contract.errors import ContractError
from lake.contract.extraction import seconds
from lake.contract.plan import Curated, Plan, PlanError, Relationship, SourcePlan
from tests.support.contract_copies import (
    ACCOUNT,
    CONTRACTS,
    ORDER,
    PARTNER,
    ROOT,
    Edit,
    contracts,
    curated,
    extraction,
    own,
    prop,
)

if TYPE_CHECKING:
    from pathlib import Path

    pass


def mistakes(folder: Path, name: str, edit: Edit) -> list[str]:
    with pytest.raises(ContractError) as error:
        compile_folder(contracts(folder, {name: edit}))
    assert str(error.value) == "\n".join(str(mistake) for mistake in error.value.mistakes)
    return [str(mistake) for mistake in error.value.mistakes]


def related(raw: dict[str, Any], *relationships: dict[str, Any]) -> None:
    """Says of an order's customer what it names."""
    prop(raw, "SoldToParty")["relationships"] = list(relationships)


def rename(mapping: dict[str, Any], old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


CASES: list[tuple[str, str, Edit, str]] = [
    ("an unknown key", ORDER, lambda c: rename(prop(c, "SalesOrder"), "primaryKey", "primaryKye"),
     "schema[0].properties[0].primaryKye: the standard has no such key; did you mean `primaryKey`?"),
    ("an unknown key without a near one", ORDER, lambda c: c.update(zzzz=1), "zzzz: the standard has no such key"),
    ("a wrong value", ORDER, lambda c: prop(c, "SalesOrder").update(required="perhaps"), "required: Input should be"),
    ("no classification", ACCOUNT, lambda c: prop(c, "Name").pop("classification"),
     "schema[0].properties[1].classification: is None, expected one of public, internal"),
    ("an unknown classification", ACCOUNT, lambda c: prop(c, "Name").update(classification="secret"),
     "classification: is 'secret'"),
    ("a key that may be null", ACCOUNT, lambda c: prop(c, "Id").pop("required"),
     "schema[0].properties[0].required: id is part of the key: say `required: true`"),
    ("no key", ACCOUNT, lambda c: prop(c, "Id").pop("primaryKey"), "schema[0].properties: none has `primaryKey: true`"),
    ("an unknown type", ACCOUNT, lambda c: prop(c, "Name").update(physicalType="varchar"), "is 'varchar', expected one of"),
    ("too many digits", ORDER, lambda c: prop(c, "TotalNetAmount").update(physicalType="decimal(39,3)"),
     "decimal(39,3): precision is 1 to 38"),
    ("a scale beyond the precision", ORDER, lambda c: prop(c, "TotalNetAmount").update(physicalType="decimal(2,3)"),
     "scale at most the precision"),
    ("no description", ACCOUNT, lambda c: prop(c, "Name").pop("description"), "description: is missing"),
    ("no API name", ACCOUNT, lambda c: prop(c, "Name").pop("physicalName"), "physicalName: is missing"),
    ("a reserved name", ACCOUNT, lambda c: prop(c, "Name").update(name="_row"), "is '_row', expected snake_case"),
    ("a name that stands twice", ACCOUNT, lambda c: prop(c, "Name").update(name="industry"), "'industry' stands twice"),
    ("a field that stands twice", ACCOUNT, lambda c: prop(c, "Name").update(physicalName="Industry"),
     "'Industry' stands twice"),
    ("another id", ACCOUNT, lambda c: c.update(id="erp.account"), "id: is 'erp.account', expected crm.account"),
    ("no version", ACCOUNT, lambda c: c.update(version="one"), "version: is 'one', expected MAJOR.MINOR.PATCH"),
    ("no schema", ACCOUNT, lambda c: c.update(schema=[]), "schema: is empty"),
    ("no table name", ACCOUNT, lambda c: c["schema"][0].update(name="Account"), "schema[0].name: is 'Account'"),
    ("no object", ACCOUNT, lambda c: c["schema"][0].pop("physicalName"), "schema[0].physicalName: is missing"),
    ("no extraction", ACCOUNT, lambda c: c.update(customProperties=[]), "lacks the property `extraction`"),
    ("an unknown extraction key", ACCOUNT, lambda c: extraction(c).update(pagesize=1), "value.pagesize: Extra inputs"),
    ("an unknown cursor", ACCOUNT, lambda c: extraction(c)["cursor"].update(field="Modified"),
     "cursor: Modified is not among the entity's fields"),
    ("a cursor that is no stamp", ACCOUNT, lambda c: extraction(c)["cursor"].update(field="Name"),
     "cursor.field: Name is a string(255), expected a timestamp"),
    ("a cursor that may be null", ORDER, lambda c: extraction(c)["cursor"].pop("nulls"),
     "LastChangeDateTime may be null: say `nulls: own_pass`"),
    ("a half of a cursor that may be null", PARTNER, lambda c: extraction(c)["cursor"].pop("stand_in"),
     "LastChangeTime may be null"),
    ("half a cursor", PARTNER, lambda c: extraction(c)["cursor"].pop("date"), "give either `field`, or `date` and `time`"),
    ("a split cursor of other types", PARTNER, lambda c: prop(c, "LastChangeTime").update(physicalType="string"),
     "cursor: is of ['date', 'string'], expected a date and a time"),
    ("a stand-in of another form", PARTNER, lambda c: extraction(c)["cursor"].update(stand_in={"field": "CreationDate"}),
     "stand_in: is of ['date'], expected the cursor's own types ['date', 'time']"),
    ("a stand-in of other digits", ORDER,
     lambda c: (prop(c, "CreationDate").update(physicalType="timestamp(0)"),
                extraction(c)["cursor"].update(nulls=None, stand_in={"field": "CreationDate"})),
     "stand_in: is of ['timestamp(0)'], expected the cursor's own types ['timestamp(7)']"),
    ("no zone", PARTNER, lambda c: extraction(c)["cursor"].pop("zone"), "cursor.zone: is missing"),
    ("no such zone", PARTNER, lambda c: extraction(c)["cursor"].update(zone="Europe/Walldorf"),
     "'Europe/Walldorf' is no time zone"),
    ("incomplete deletes", ORDER, lambda c: extraction(c)["deletes"][0].pop("every"),
     "key_sweep takes ['every', 'max_fraction', 'min_rows'], found ['max_fraction', 'min_rows']"),
    ("deletes of too much", ORDER, lambda c: extraction(c).update(deletes=[{"strategy": "none", "field": "X"}]),
     "none takes nothing, found ['field']"),
    ("no deletes", ORDER, lambda c: extraction(c).update(deletes=[]), "deletes: List should have at least 1 item"),
    ("a flag that is none", ACCOUNT, lambda c: extraction(c)["deletes"][0].update(field="Name"),
     "deletes[0].field: Name is no boolean field"),
    ("a duration in words", ORDER, lambda c: extraction(c).update(overlap="an hour"), "overlap: String should match"),
    ("a start without an offset", ORDER, lambda c: extraction(c).update(initial={"from": "2020-01-01T00:00:00"}),
     "initial.from: '2020-01-01T00:00:00' is no instant with an offset"),
    ("a start that is none", ORDER, lambda c: extraction(c).update(initial={"from": "long ago"}), "'long ago' is no instant"),
    ("no kind", ACCOUNT, lambda c: c.pop("kind"), "kind: is None, expected DataContract"),
    ("another standard", ACCOUNT, lambda c: c.update(apiVersion="v2.2.2"), "apiVersion: is 'v2.2.2', expected a version 3"),
    ("no owner", ACCOUNT, lambda c: c.pop("team"), "team: is missing"),
    ("an owner without an address", ACCOUNT, lambda c: c["team"]["members"][0].pop("username"), "team: lacks a `name`"),
    ("a table without a description", ORDER, lambda c: c["schema"][1].pop("description"), "schema[1].description: is missing"),
    ("a property of one's own that nobody reads", ACCOUNT, lambda c: own(c, "extractoin", {}),
     "customProperties[1]: 'extractoin' is not read here; there are: extraction, curated"),
    ("a field's property that nobody reads", ACCOUNT, lambda c: own(prop(c, "Name"), "from", "a"),
     "'from' is not read here; there are: form, renamed_from, severity"),
    ("a promise that nobody keeps", ACCOUNT, lambda c: prop(c, "Name").update(unique=True), "unique: is not read: a key is"),
    ("another SLA", ACCOUNT, lambda c: c["slaProperties"].append({"property": "retention", "value": 3}),
     "slaProperties[1]: 'retention' is not read; there is: latency"),
    ("freshness of nothing", ACCOUNT, lambda c: c["slaProperties"][0].update(element="account.modified"),
     "slaProperties[0].element: there is no account.modified"),
    ("a relationship to nothing", ORDER, lambda c: related(c, {"to": "partner"}),
     "relationships[0].to: is 'partner', expected table.column"),
    ("a relationship to two tables", ORDER,
     lambda c: c["schema"][1].update(relationships=[{"from": ["a", "b"], "to": ["erp.x.a", "erp.y.b"]}]), "of one table"),
    ("a relationship of another type", ORDER,
     lambda c: related(c, {"to": "x.y", "type": "likes"}), "type: is 'likes'; there is: foreignKey"),
    ("a relationship of a field that names another", ORDER,
     lambda c: related(c, {"from": "a.b", "to": "x.y"}), "from: is for the relationships of a table"),
    ("a relationship of unequal sides", ORDER,
     lambda c: c["schema"][0].update(relationships=[{"from": ["a"], "to": ["x.y", "x.z"]}]),
     "1 column(s) cannot name a row by 2"),
    ("a relationship that stands twice", ORDER,
     lambda c: related(c, {"to": "x.y"}, {"to": "x.z"}), "is the name of two relationships"),
    ("no freshness", ACCOUNT, lambda c: c.update(slaProperties=[]), "slaProperties: lacks `latency`"),
    ("freshness in months", ACCOUNT, lambda c: c["slaProperties"][0].update(unit="months"), "slaProperties[0]: latency takes"),
    ("a check of another engine", ACCOUNT, lambda c: c["schema"][0]["quality"][0].update(engine="soda"),
     "quality[0].engine: is 'soda'; only `lake` is supported"),
    ("a check without a condition", ACCOUNT, lambda c: c["schema"][0]["quality"][0].pop("implementation"),
     "quality[0].implementation: is missing"),
    ("a check without a severity", ACCOUNT, lambda c: c["schema"][0]["quality"][0].update(severity="bad"),
     "quality[0].severity: is 'bad'"),
    ("a check without a name", ACCOUNT, lambda c: c["schema"][0]["quality"][0].pop("name"), "quality[0].name: is None"),
    ("a sort by nothing", ACCOUNT, lambda c: curated(c, sort=["nmae"]), "curated.sort[0]: 'nmae' is no column of the entity"),
    ("a partition that a row may leave", ACCOUNT, lambda c: curated(c, partition=["bucket(4, industry)"]),
     "curated.partition[0]: 'industry' is not in the key (id): a row may change it"),
    ("a partition by a transform that is none", ACCOUNT, lambda c: curated(c, partition=["month(created_date)"]),
     "curated.partition[0]: 'month(created_date)' is no bucket(n, column)"),
    ("a share above all", ACCOUNT, lambda c: curated(c, quarantine={"max_fraction": 2}), "value.quarantine.max_fraction"),
    ("an unknown way to keep tables", ACCOUNT, lambda c: curated(c, hist=True), "value.hist: Extra inputs"),
    ("a column renamed from one that is there", ACCOUNT, lambda c: own(prop(c, "Name"), "renamed_from", "industry"),
     "name is renamed from industry, which is still there"),
    ("a column renamed from itself", ACCOUNT, lambda c: own(prop(c, "Name"), "renamed_from", "name"),
     "renamed_from 'name' is no earlier name of name"),
    ("a child that hangs nowhere", ORDER, lambda c: c["schema"][1].pop("customProperties"),
     "schema[1].customProperties: lacks the property `child`"),
    ("a child of another key", ORDER,
     lambda c: c["schema"][1]["customProperties"][0]["value"].update(parent_key=["material"]), "parent_key must name"),
    ("an unknown protocol", "erp/source.yaml", lambda s: s.update(protocol="soap"), "protocol: Input"),
    ("no token path", "crm/source.yaml", lambda s: s["auth"].pop("token_path"), "auth: oauth2_client_credentials needs"),
    ("two places of tokens", "crm/source.yaml", lambda s: s["auth"].update(token_url="https://login.example/t"),
     "and not both"),
    ("tokens over plain HTTP", "crm/source.yaml", lambda s: s["auth"].update(token_path=None, token_url="http://login.example/t"),
     "auth.token_url"),
    ("an unknown limit", "crm/source.yaml", lambda s: s["limits"].update(daily=1), "limits.daily: Extra inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_names_file_field_and_reason(tmp_path: Path, name: str, edit: Edit, expected: str) -> None:
    found = mistakes(tmp_path, name, edit)
    assert any(expected in text and re.match(rf"{name}:\d+: ", text) for text in found), found


def test_a_contract_asks_nothing_that_its_protocol_cannot_say(tmp_path: Path) -> None:
    edits: dict[str, Edit] = {
        "erp/source.yaml": lambda s: s.update(version="v2"),
        ORDER: lambda c: extraction(c)["deletes"].append({"strategy": "delta_link"}),
    }
    with pytest.raises(ContractError) as error:
        compile_folder(contracts(tmp_path, edits))
    told = [f"{mistake.file}: {mistake.field}: {mistake.reason}" for mistake in error.value.mistakes]
    assert told == [
        f"{PARTNER}: schema[1].customProperties: erp speaks odata v2: no `filter` of a child",
        f"{ORDER}: customProperties.extraction.deletes: erp speaks odata v2: it has no delta links",
        f"{ORDER}: schema[0].properties: last_change_date_time is a timestamp(7): odata v2 sends milliseconds, timestamp(3)",
    ]


@pytest.mark.parametrize(
    ("name", "edit", "place", "expected"),
    [
        (ORDER, lambda c: related(c, {"to": "crm.partner.id"}), "to: crm.partner.id", "there is no crm.partner"),
        (ORDER, lambda c: related(c, {"to": "business_partner.number"}), "to: bus", "no column erp.business_partner.number"),
        (ORDER, lambda c: related(c, {"to": "crm.account.is_deleted"}), "to: crm", "sold_to_party is a string(10), is_deleted a"),
        (ORDER, lambda c: c["schema"][1].update(name="sales_order_deleted"), "name: sales_order",
         "its table erp_sales_order_deleted is one of erp.sales_order, too"),
    ],
    ids=["no table", "no column", "another type", "a table that is there"],
)  # fmt: skip
def test_contracts_are_held_against_each_other(
    tmp_path: Path, name: str, edit: Edit, place: str, expected: str
) -> None:
    folder = contracts(tmp_path, {name: edit})
    with pytest.raises(ContractError) as error:
        compile_folder(folder)
    (mistake,) = error.value.mistakes
    assert expected in mistake.reason
    assert mistake.line is not None
    assert place in (folder / name).read_text("utf-8").splitlines()[mistake.line - 1]


def test_relationships_reach_the_plan(tmp_path: Path) -> None:
    def edit(raw: dict[str, Any]) -> None:
        related(raw, {"to": "business_partner.customer"})
        material = {"id": "own_item", "from": ["sales_order_item.sales_order"], "to": ["erp.sales_order.sales_order"]}
        raw["schema"][1]["relationships"] = [material]

    plan = Plan.load(compile_folder(contracts(tmp_path, {ORDER: edit}))["erp.sales_order.json"])
    assert plan.relationships == (
        Relationship("sales_order_sold_to_party", ("sold_to_party",), "erp.business_partner", ("customer",)),
        Relationship("own_item", ("sales_order",), "erp.sales_order", ("sales_order",), "sales_order_item"),
    )


def test_each_mistake_names_its_line(tmp_path: Path) -> None:
    edits = {
        "name: name, physicalName": ("name: Name, physicalName", "expected snake_case"),
        "industry, physicalName: Industry": ("industry, physicalNam: Industry", "did you mean `physicalName`?"),
        "implementation: parent_id <> id": ("implementation: parent_id <> ids", "there is no column 'ids'"),
        "page_size: 2000": ("page_size: 0", "greater than or equal to 1"),
    }
    before = (CONTRACTS / ACCOUNT).read_text("utf-8")
    for old, (new, reason) in edits.items():
        assert before.count(old) == 1
        folder = contracts(tmp_path / reason[:9])
        (folder / ACCOUNT).write_text(before.replace(old, new), "utf-8")
        line = next(n for n, text in enumerate(before.splitlines(), 1) if old in text)
        with pytest.raises(ContractError) as error:
            compile_folder(folder)
        assert [mistake.line for mistake in error.value.mistakes if reason in mistake.reason] == [line]


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    folder = contracts(tmp_path)
    text = (CONTRACTS / ACCOUNT).read_text("utf-8").replace("version: 1", "status: draft\nversion: 1", 1)
    (folder / ACCOUNT).write_text(text, "utf-8")
    with pytest.raises(ContractError, match=rf"{ACCOUNT}:\d+: status: stands twice: only one would count"):
        compile_folder(folder)


def test_a_file_is_called_like_its_entity(tmp_path: Path) -> None:
    folder = contracts(tmp_path)
    (folder / ACCOUNT).rename(folder / "crm/accounts.odcs.yaml")
    with pytest.raises(
        ContractError, match=r"accounts\.odcs\.yaml:\d+: name: is account: call the file account\.odcs\.yaml"
    ):
        compile_folder(folder)


def test_all_mistakes_of_all_files_are_shown_at_once(tmp_path: Path) -> None:
    edits: dict[str, Edit] = {
        ORDER: lambda c: (prop(c, "SalesOrder").pop("description"), c.update(version="x")),
        ACCOUNT: lambda c: c.update(version="y"),
        PARTNER: lambda c: c.update(zzz=1),
    }
    with pytest.raises(ContractError) as error:
        compile_folder(contracts(tmp_path, edits))
    assert sorted(mistake.file for mistake in error.value.mistakes) == [ACCOUNT, PARTNER, ORDER, ORDER]


@pytest.mark.parametrize(
    ("text", "reason"), [("- a list", "holds no mapping"), ("a: [", "is not YAML"), (b"a: \xff", "is not YAML")]
)
def test_what_is_no_contract_at_all_is_named(tmp_path: Path, text: str | bytes, reason: str) -> None:
    (contracts(tmp_path) / ORDER).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ContractError, match=rf"erp/sales_order\.odcs\.yaml:[12]: \(file\): {reason}"):
        compile_folder(tmp_path)


def test_a_folder_without_sources_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"\(folder\): holds no <source>/source\.yaml"):
        compile_folder(tmp_path)


def test_the_projects_contracts_compile_and_survive_their_json_form() -> None:
    built = compile_folder(CONTRACTS)
    assert {"crm.account.json", "erp.business_partner.json", "erp.sales_order.json"} <= built.keys()
    for name, text in built.items():
        kind: type[Plan | SourcePlan] = SourcePlan if name.startswith("source.") else Plan
        assert kind.load(text).dump() == text


def test_a_plan_says_what_its_contract_says() -> None:
    plan = Plan.load(compile_folder(CONTRACTS)["erp.sales_order.json"])
    assert (plan.table, plan.key, plan.major, plan.overlap_s, plan.freshness_s) == (
        "erp_sales_order",
        ("sales_order",),
        1,
        1800,
        90_000,
    )
    (item,) = plan.children
    assert (item.field, item.parent_key, item.key) == ("to_Item", ("sales_order",), ("sales_order", "sales_order_item"))
    assert [(f.field, f.base, f.parameters) for f in plan.key_fields] == [("SalesOrder", "string", (10,))]
    sweep = plan.strategy("key_sweep")
    assert sweep is not None
    assert (sweep.every_s, sweep.max_fraction, sweep.min_rows) == (86_400, 0.05, 100)
    assert plan.strategy("soft_flag") is None


def test_options_of_a_contract_reach_its_plan(tmp_path: Path) -> None:
    def edit(raw: dict[str, Any]) -> None:
        options = {
            "filter": "X eq 'a'",
            "initial": {"from": "2020-01-01T00:00:00+01:00"},
            "overlap": "PT1H",
            "settle_lag": "P1DT2M3S",
        }
        extraction(raw).update(options)

    plan = Plan.load(compile_folder(contracts(tmp_path, {ORDER: edit}))["erp.sales_order.json"])
    assert (plan.filter, plan.initial_from) == ("X eq 'a'", "2019-12-31T23:00:00Z")
    assert (plan.overlap_s, plan.settle_lag_s) == (3600, 86_523)


def test_what_a_contract_says_of_its_tables_reaches_the_plan(tmp_path: Path) -> None:
    def edit(raw: dict[str, Any]) -> None:
        own(prop(raw, "SoldToParty"), "renamed_from", "customer")
        quarantine = {"max_fraction": 0.1, "min_rows": 5}
        partition = ["bucket( 16,sales_order )", "truncate(3, sales_order)", "sales_order"]
        curated(
            raw, history=True, sort=["sold_to_party"], partition=partition, quarantine=quarantine, time_travel="P30D"
        )

    plan = Plan.load(compile_folder(contracts(tmp_path, {ORDER: edit}))["erp.sales_order.json"])
    partition = ("bucket(16, sales_order)", "truncate(3, sales_order)", "sales_order")
    assert plan.curated == Curated(True, ("sold_to_party",), partition, 0.1, 5, 30 * 86_400)
    assert next(field for field in plan.fields if field.name == "sold_to_party").renamed_from == "customer"


def test_a_plan_from_before_a_member_was_there_has_its_default() -> None:
    text = compile_folder(CONTRACTS)["erp.sales_order.json"]
    raw = json.loads(text)
    del raw["curated"], raw["relationships"]
    for field in raw["fields"]:
        del field["form"], field["renamed_from"]
    plan = Plan.load(json.dumps(raw))
    assert plan.curated == Curated(False, (), (), 0.2, 100, 7 * 86_400)
    assert plan == replace(Plan.load(text), curated=Curated(), relationships=())


def test_the_hash_of_a_plan_follows_its_content_alone(tmp_path: Path) -> None:
    def shuffle(raw: dict[str, Any]) -> None:
        for key in sorted(copy.copy(raw), reverse=True):
            raw[key] = raw.pop(key)

    def hashes(folder: Path) -> dict[str, str]:
        built = compile_folder(folder)
        return {name: Plan.load(text).sha256 for name, text in built.items() if not name.startswith("source.")}

    same = hashes(contracts(tmp_path / "same", {ORDER: shuffle}))
    assert same.items() <= hashes(CONTRACTS).items()
    other = hashes(contracts(tmp_path / "other", {ORDER: lambda c: extraction(c).update(page_size=7)}))
    assert {name for name in same if same[name] != other[name]} == {"erp.sales_order.json"}


@pytest.mark.parametrize("text", ['{"format": 2}', "{}"])
def test_a_plan_of_another_format_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="build and deploy again"):
        Plan.load(text)


@pytest.mark.parametrize(("text", "amount"), [("PT0S", 0), ("P2D", 172_800), ("PT1H2M3S", 3723), ("P1DT1S", 86_401)])
def test_durations_are_seconds(text: str, amount: int) -> None:
    assert seconds(text) == amount


def build(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake.contract.build", "--contracts", str(folder), "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "src")


def test_a_build_with_a_mistake_exits_with_1_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = build(contracts(tmp_path / "in", {ORDER: lambda c: c.update(version="x")}), out)
    assert found.returncode == 1
    assert "1 mistake(s); nothing was built" in found.stderr
    assert re.search(r"erp/sales_order\.odcs\.yaml:\d+: version: is 'x'", found.stderr)
    assert not out.exists()


def test_a_build_leaves_the_plans_and_nothing_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "erp.gone.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["build", "--contracts", str(contracts(tmp_path / "in")), "--out", str(out)])
    assert main() == 0
    assert {path.name for path in out.iterdir()} == set(compile_folder(tmp_path / "in"))
    assert Plan.load((out / "crm.account.json").read_text("utf-8")).entity == "crm.account"
