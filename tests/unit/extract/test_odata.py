"""How both versions of OData are asked, and that their links lead nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from lake.extract.errors import MalformedAnswer
from lake.extract.passes import key_pass, page_query, window_passes
from lake.extract.protocols import odata
from lake.extract.protocols.odata_literals import v2_literal, v4_literal
from lake.extract.query import EVERY_ROW, Expand, Query
from tests.support.source_plans import FINE_PLAN, WINDOW, source

if TYPE_CHECKING:
    from lake.extract.http import Request

V2 = source(version="v2")
KEYS = page_query(FINE_PLAN, key_pass(FINE_PLAN), None)


def asked(request: Request) -> str:
    return unquote(request.target)


def page(
    plan: Any = FINE_PLAN, *, version: str = "v4", position: tuple[str, ...] | None = None, **query: Any
) -> Request:
    made = page_query(plan, window_passes(plan, WINDOW)[0], position)
    return odata.pages(source(version=version), plan, replace(made, **query))[0]


def test_version_4_writes_a_page() -> None:
    request = page(position=("2026-11-16T07:45:00+02:00", "O'Neil & Söhne"))
    assert asked(request).startswith(
        "/base/Thing?sap-client=100&$select=Key,Fine&$expand=to_Item($select=Text)&$orderby=Fine,Key&$top=100&$filter="
    )
    assert "Fine eq 2026-11-16T07:45:00+02:00 and Key gt 'O''Neil & Söhne'" in asked(request)
    assert dict(request.headers) == {
        "Accept": "application/json",
        "OData-MaxVersion": "4.0",
        "Prefer": "odata.maxpagesize=100",
    }


def test_version_2_writes_a_page() -> None:
    request = page(version="v2", position=("2026-11-16T05:45:00.120000Z", "O'Neil & Söhne"))
    assert asked(request) == (
        "/base/Thing?sap-client=100&$format=json&$select=Key,Fine,to_Item/Text&$expand=to_Item&$orderby=Fine,Key&$top=100"
        "&$filter=(Fine gt datetimeoffset'2026-11-16T05:45:00.12Z' or "
        "(Fine eq datetimeoffset'2026-11-16T05:45:00.12Z' and Key gt 'O''Neil & Söhne'))"
        " and Fine lt datetimeoffset'2026-11-16T06:00:00Z'"
    )
    assert dict(request.headers)["MaxDataServiceVersion"] == "2.0"


def test_no_server_can_take_a_blank_a_plus_or_an_ampersand_of_a_value_for_its_own() -> None:
    target = page(position=("2026-11-16T07:45:00+02:00", "O'Neil & Söhne")).target
    assert "+" not in target
    assert " " not in target
    assert "%2B02%3A00" in target
    assert "O%27%27Neil%20%26%20S%C3%B6hne" in target


def test_items_that_the_contract_leaves_out_are_not_asked_for() -> None:
    expand = (Expand("to_Tax", ("Type", "Number"), "Type ne 'US1'"), Expand("to_Item", ("Text",)))
    assert "$expand=to_Tax($select=Type,Number;$filter=Type ne 'US1'),to_Item($select=Text)&" in asked(
        page(expand=expand)
    )


def test_a_server_that_pages_is_told_the_size_and_not_to_end() -> None:
    request = page(replace(FINE_PLAN, paging="server"))
    assert "$top" not in asked(request)
    assert dict(request.headers)["Prefer"] == "odata.maxpagesize=100"


def test_changes_are_tracked_from_a_whole_reading_on() -> None:
    query = replace(KEYS, served=True, track=True)
    request = odata.pages(source(), FINE_PLAN, query)[0]
    assert asked(request) == "/base/Thing?sap-client=100&$select=Key"
    assert dict(request.headers)["Prefer"] == "odata.track-changes,odata.maxpagesize=100"
    assert odata.link(source(), FINE_PLAN, query, "Thing?$deltatoken=7").headers == request.headers


@pytest.mark.parametrize(
    ("value", "kind", "form", "v4", "v2"),
    [
        ("it's", "string(10)", None, "'it''s'", "'it''s'"),
        ("6d4b8f7e-0000-4000-8000-000000000001", "string", "guid", "6d4b8f7e-0000-4000-8000-000000000001",
         "guid'6d4b8f7e-0000-4000-8000-000000000001'"),
        ("true", "boolean", None, "true", "true"),
        ("5", "int64", None, "5", "5"),
        ("9007199254740993", "int64", None, "9007199254740993", "9007199254740993L"),
        ("10.5", "decimal(7,2)", None, "10.5", "10.5M"),
        ("2026-11-16", "date", None, "2026-11-16", "datetime'2026-11-16T00:00:00'"),
        ("2026-11-16", "date", "yyyymmdd", "'20261116'", "'20261116'"),
        ("06:45:00", "time", None, "06:45:00", "time'PT06H45M00S'"),
        ("06:45:00", "time", "iso_duration", "duration'PT06H45M00S'", "time'PT06H45M00S'"),
        ("06:45:00", "time", "hhmmss", "'064500'", "'064500'"),
        ("2026-11-16T05:45:00.120000Z", "timestamp(3)", None, "2026-11-16T05:45:00.120000Z",
         "datetimeoffset'2026-11-16T05:45:00.12Z'"),
        ("2026-11-16T05:45:00.000000+01:00", "timestamp(3)", None, "2026-11-16T05:45:00.000000+01:00",
         "datetimeoffset'2026-11-16T05:45:00.000000+01:00'"),
        ("2026-11-16T05:45:00.120000Z", "timestamp(3)", "local(Europe/Berlin)", "'2026-11-16T06:45:00.120000'",
         "datetime'2026-11-16T06:45:00.120000'"),
        ("2026-11-16T05:45:00.120000Z", "timestamp(3)", "odata_datetime", "2026-11-16T05:45:00.120000Z",
         "datetime'2026-11-16T05:45:00.12'"),
        ("2026-11-16T05:45:00.123000Z", "timestamp(3)", "epoch_ms", "1794807900123", "1794807900123"),
        ("1969-12-31T23:59:59.500000Z", "timestamp(3)", "epoch_ms", "-500", "-500"),
        ("2026-11-16", "date", "epoch_s", "1794787200", "1794787200"),
    ],
)  # fmt: skip
def test_each_version_writes_each_type_its_own_way(value: str, kind: str, form: str | None, v4: str, v2: str) -> None:
    assert (v4_literal(value, kind, form), v2_literal(value, kind, form)) == (v4, v2)


@given(st.text(st.sampled_from("'\"()a ") | st.characters()))
def test_no_text_ends_its_literal(text: str) -> None:
    """Whatever a key holds, a stranger's grammar reads one literal of just this value."""
    tree = ODataParser().parse(ODataLexer().tokenize(f"Key gt {v4_literal(text, 'string', None)}"))
    assert (type(tree.right), tree.right.val) == (ast.String, text)
    assert v2_literal(text, "string", None) == v4_literal(text, "string", None)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://evil.example/base/Thing?$skiptoken=A%2BB", "/base/Thing?sap-client=100&$skiptoken=A%2BB"),
        ("https://inside.example:8443/behind/proxy/base/Thing?a=1", "/base/Thing?sap-client=100&a=1"),
        ("/prefix/of/its/own/Thing?a=1", "/base/Thing?sap-client=100&a=1"),
        ("/base/Thing?sap-client=9&$skiptoken=2", "/base/Thing?sap-client=9&$skiptoken=2"),
        ("Thing?sap%2Dclient=9&$skiptoken='x y'", "/base/Thing?sap%2Dclient=9&$skiptoken='x y'"),
        ("?$skiptoken=A+B", "/base/Thing?sap-client=100&$skiptoken=A+B"),
        ("Thing", "/base/Thing?sap-client=100"),
    ],
)
def test_a_link_is_followed_as_it_was_written_on_the_path_that_was_asked(url: str, target: str) -> None:
    for version in (source(), V2):
        request = odata.link(version, FINE_PLAN, KEYS, url)
        assert request.target == target
        assert request.headers == odata.pages(version, FINE_PLAN, KEYS)[0].headers


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/base/Users?$skiptoken=1", "/other/Thing/x", "//[", "Thing/$count", ".."],
)
def test_a_link_to_something_else_is_refused(url: str) -> None:
    with pytest.raises(MalformedAnswer, match=r"erp\.thing: .*(goes on with|is no link)"):
        odata.link(source(), FINE_PLAN, KEYS, url)


@given(st.text(), st.text(st.sampled_from("/?#:@[]%&='\\Thing.") | st.characters()))
def test_no_link_leads_away_from_the_path_that_was_asked(start: str, rest: str) -> None:
    """Whatever a source writes as a link, no other host, path or entity is asked with our credentials."""
    for url in (start + rest, f"https://{rest}", f"//{rest}", f"Thing?{rest}"):
        try:
            target = odata.link(source(), FINE_PLAN, KEYS, url).target
        except MalformedAnswer:
            continue
        parts = urlsplit(f"https://configured.example{target}")
        assert (parts.netloc, parts.path) == ("configured.example", "/base/Thing")


def test_a_link_of_a_path_with_signs_is_known_in_either_spelling() -> None:
    query = Query("companies(1)/Customer Sales", (), (), (), (), 10, deleted=False)
    for path in ("companies(1)/Customer%20Sales", "/base/companies%281%29/Customer%20Sales", "Customer Sales"):
        assert (
            odata.link(source(params={}), FINE_PLAN, query, f"{path}?a=1").path
            == "/base/companies(1)/Customer Sales?a=1"
        )


def test_rows_are_counted_in_both_versions() -> None:
    filtered = replace(FINE_PLAN, filter="Text ne 'x'")
    for version in (source(), V2):
        assert (
            asked(odata.count(version, filtered, EVERY_ROW)) == "/base/Thing/$count?sap-client=100&$filter=Text ne 'x'"
        )
        assert odata.count(version, FINE_PLAN, EVERY_ROW).params == (("sap-client", "100"),)
        assert odata.read_count(version, FINE_PLAN, b"\xef\xbb\xbf42") == 42
