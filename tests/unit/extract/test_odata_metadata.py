"""What a service says of itself becomes the plan's types; what is no metadata is an error of our own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.contract.build import compile_folder
from lake.contract.plan import Plan, SourcePlan
from lake.extract.drift import drift
from lake.extract.errors import MalformedAnswer
from lake.extract.protocols import edm, odata
from lake.extract.protocols.dialect import SourceField
from lake.extract.protocols.edm import plan_type, read_model
from lake.extract.protocols.odata_metadata import DESCRIBE, service_of
from local.simulators import edmx, edmx_v2
from local.simulators.schema import SOURCES

BUILT = compile_folder(Path(__file__).parents[3] / "contracts")
ERP = SourcePlan.load(BUILT["source.erp.json"])
PLANS = [Plan.load(text) for name, text in BUILT.items() if name.startswith("erp.")]
(ORDER,) = (plan for plan in PLANS if plan.name == "sales_order")

SCHEMA = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="com.example" Alias="self">{inside}
</Schema></edmx:DataServices></edmx:Edmx>"""
INSIDE = """
<EnumType Name="State"><Member Name="Open"/></EnumType>
<TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="15" Scale="2"/>
<EntityType Name="base" Abstract="true"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Guid"/></EntityType>
<EntityType Name="thing" BaseType="self.base">
  <Property Name="state" Type="com.example.State"/>
  <Property Name="price" Type="self.Money" Nullable="false"/>
  <Property Name="tags" Type="Collection(Edm.String)"/>
  <Property Name="at" Type="Edm.DateTimeOffset"><Annotation Term="Core.Description" String="When"/></Property>
  <NavigationProperty Name="lines" Type="Collection(self.base)"/>
  <NavigationProperty Name="owner" Type="self.base"/>
</EntityType>
<EntityContainer Name="all"><EntitySet Name="things" EntityType="self.thing"/></EntityContainer>
<Annotations Target="self.thing/price"><Annotation Term="SAP__common.Label" String="What it costs"/></Annotations>
"""
DOCUMENT = SCHEMA.format(inside=INSIDE).encode()


def metadata(plan: Plan, version: str) -> bytes:
    service = service_of(plan.path).rstrip("/")
    entities = tuple(entity for entity in SOURCES["erp"] if entity.service == service)
    return edmx.metadata(service, entities) if version == "v4" else edmx_v2.metadata(service, entities)


def described(plan: Plan, version: str) -> dict[str, dict[str, SourceField]]:
    return DESCRIBE.read(replace(ERP, version=version), plan, metadata(plan, version))


@pytest.mark.parametrize("version", ["v4", "v2"])
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_contracts_are_what_the_metadata_says(plan: Plan, version: str) -> None:
    found = described(plan, version)
    assert drift(plan, found) == ()
    assert {plan.path, *(child.path for child in plan.children)} <= found.keys()
    for path, fields, key in [(plan.path, plan.fields, plan.key), *((c.path, c.fields, c.key) for c in plan.children)]:
        assert {field.field for field in fields} == found[path].keys()
        assert {field.field for field in fields if field.name in key} == {n for n, f in found[path].items() if f.key}


def test_a_field_is_described_with_type_and_label() -> None:
    assert described(ORDER, "v4")[ORDER.path]["TotalNetAmount"] == SourceField("TotalNetAmount", "decimal(16,3)", True)
    second = described(ORDER, "v2")[ORDER.path]
    assert second["TotalNetAmount"].description == "Total Net Amount"
    assert second["SalesOrder"] == SourceField("SalesOrder", "string", False, key=True, description="Sales Order")
    assert (second["SalesOrderDate"].type, second["LastChangeDateTime"].type) == ("date", "timestamp(3)")


def test_a_collection_that_is_gone_leads_to_nothing() -> None:
    body = metadata(ORDER, "v4").replace(b'Name="to_Item"', b'Name="to_Other"')
    assert DESCRIBE.read(ERP, ORDER, body)["A_SalesOrderItem"] == {}


def test_a_service_without_the_entity_says_what_it_has() -> None:
    assert DESCRIBE.read(ERP, replace(ORDER, path="API/Nothing"), metadata(ORDER, "v4")).keys() == {
        "API/A_SalesOrder",
        "API/A_SalesOrderItem",
    }


def test_names_are_resolved_and_base_types_joined_in() -> None:
    model = read_model(DOCUMENT)
    thing = model.of_set("things")
    assert thing is not None
    assert {name: field.type for name, field in thing.fields.items()} == {
        "id": "string",
        "state": "string",
        "price": "decimal(15,2)",
        "tags": None,
        "at": "timestamp",
    }
    assert (thing.key, thing.fields["id"].key, thing.fields["id"].nullable) == (("id",), True, False)
    assert (thing.fields["price"].description, thing.fields["at"].description) == ("What it costs", "When")
    assert not thing.fields["price"].nullable
    assert {name: field.form for name, field in thing.fields.items() if field.form} == {"id": "guid"}
    assert thing.collections == {"lines": "com.example.base"}


@pytest.mark.parametrize(
    ("kind", "facets", "word"),
    [
        ("Edm.Int32", {}, "int64"),
        ("Edm.Guid", {}, "string"),
        ("Edm.Decimal", {"Precision": "39", "Scale": "2"}, None),
        ("Edm.Decimal", {"Precision": "38", "Scale": "Variable"}, "decimal"),
        ("Edm.Decimal", {}, "decimal"),
        ("Edm.Decimal", {"Precision": "9"}, "decimal(9,0)"),
        ("Edm.DateTime", {"display-format": "Date"}, "date"),
        ("Edm.DateTime", {}, "timestamp(3)"),
        ("Edm.DateTimeOffset", {"Precision": "7"}, "timestamp(7)"),
        ("Edm.TimeOfDay", {}, "time"),
        ("Edm.Double", {}, None),
        ("Edm.Stream", {}, None),
    ],
)
def test_a_type_becomes_the_plans_word_for_it(kind: str, facets: dict[str, str], word: str | None) -> None:
    assert plan_type(kind, facets) == word


def test_a_service_is_asked_for_its_own_metadata() -> None:
    request = DESCRIBE.request(ERP, ORDER)
    assert request.target == "/sap/opu/odata4/sap/API_SALES_ORDER_SRV/$metadata?sap-client=100"
    assert [service_of(path) for path in ("accounts", "companies(1)/items", "a/b/Set")] == ["", "", "a/b/"]
    assert odata.DIALECT.describe is DESCRIBE


BOMB = b'<!DOCTYPE x [<!ENTITY a "%s"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Schema>&b;</Schema>' % (b"x" * 10_000)
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no XML"),
    "a page to log in": (b"<html><body>Log in<br></body></html>", "no XML"),
    "JSON": (b'{"error":{"code":"1"}}', "no XML"),
    "another document": (b"<html><body/></html>", "no schema"),
    "a bomb": (BOMB, "no XML"),
    "a document type": (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Schema/>', "no XML"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="x-none"?><Schema/>', "no XML"),
    "depth": (b"<Schema>" + b"<a>" * 100_000, "deeper"),
    "a type derived from itself": (
        DOCUMENT.replace(b'BaseType="self.base"', b'BaseType="self.thing"'),
        "derived from itself",
    ),
    "a type derived from nothing": (DOCUMENT.replace(b'BaseType="self.base"', b'BaseType="self.no"'), "no entity type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_metadata_is_said_so(case: str) -> None:
    body, text = REFUSED[case]
    with pytest.raises(MalformedAnswer, match=text):
        DESCRIBE.read(ERP, replace(ORDER, path="things", children=()), body)


@pytest.mark.parametrize(("bound", "most"), [("MOST_BYTES", 100), ("MOST_ELEMENTS", 10)])
def test_metadata_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    monkeypatch.setattr(edm, bound, most)
    with pytest.raises(MalformedAnswer, match=r"bytes, at most 100|over 10 elements"):
        read_model(DOCUMENT)


@given(st.data())
def test_mutated_metadata_is_read_or_refused(data: Any) -> None:
    """Whatever a gateway makes of a document: fields with known types, or an error of our own."""
    body = bytearray(data.draw(st.sampled_from([DOCUMENT, metadata(ORDER, "v4"), metadata(ORDER, "v2")])))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = min(len(body), start + data.draw(st.integers(0, 30)))
        body[start:end] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"<", b">", b'"', b"&lol;", b"Name"]))
        )
    try:
        model = read_model(bytes(body))
    except MalformedAnswer as error:
        assert str(error)
        return
    words = ("string", "boolean", "int64", "decimal", "date", "time", "timestamp", None)
    for kind in model.types.values():
        assert all(f.type is None or f.type.partition("(")[0] in words for f in kind.fields.values())
