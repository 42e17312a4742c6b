"""Whatever bytes come: rows that say what a plain reading of the JSON says, or a clear refusal."""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.raw import slow
from lake.raw.page import NotAPage, read_page
from lake.raw.record import layout_of
from lake.raw.safe import holds_tiny_numbers
from tests.support.envelopes import PLAN as V2_PLAN
from tests.support.envelopes import V2
from tests.support.plans import ENVELOPE, plan

KINDS = {
    "Text": "string",
    "Count": "int64",
    "Amount": "decimal(20,4)",
    "Flag": "boolean",
    "Day": "date",
    "Clock": "time",
}
PLAN = plan(KINDS, items={"Text": "string", "Amount": "decimal(20,4)"})
RECORDS = [
    '{"Key":"a","Text":"x \\u00e9 \\ud83d\\ude00","Count":9007199254740993,"Amount":1234567890123456.7891,"Flag":true}',
    '{"Key":"b","Day":"2026-11-16","Clock":"06:30:00","to_Item":[{"Text":"i","Amount":"0.1"},{}]}',
    '{"Key":"c","Text":null,"Count":"42","Amount":-1e3,"to_Item":null}',
    '{"Key":"d","New":{"deep":[1.10,{"er":null}]}}',
]
BODIES = [f'{{"@odata.count":4,"value":[{",".join(RECORDS[:n])}],"@odata.nextLink":"n"}}'.encode() for n in (2, 3, 4)]
SPLICES = [
    b"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"\\",
    b"null",
    b"NaN",
    b"-",
    b"0",
    b"1e9",
    b"\x00",
    b"\xff",
    b"\n",
    b"\\ud800",
]


VALUE = re.compile(rb'(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|null|true)(?=[,}\]])')
LITERALS = (
    b'null|true|false|0|-0|1.50|1e2|1e-43|12345678901234567890|"x"|""|"7"|"2026-02-30"|{}|[]|{"a":[1.0]}|[{}]'.split(
        b"|"
    )
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good body with a few other values, and now and then with a cut and a splice."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        start, end = draw(st.sampled_from([value.span() for value in VALUE.finditer(body)] or [(0, 0)]))
        body = body[:start] + draw(st.sampled_from(LITERALS)) + body[end:]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1]))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 12)))
        splice = draw(st.sampled_from([*SPLICES, body[start:end] * 2]) | st.binary(max_size=3))
        body = body[:start] + splice + body[end:]
    return body


def plain(body: bytes) -> Any:
    """A plain reading with exact numbers; doubled keys are told apart."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) < len(found):
            raise ValueError("a doubled key")
        return dict(found)

    def refuse(name: str) -> Any:
        raise ValueError(name)

    text = body.decode().removeprefix("\ufeff")
    return json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=pairs)


def same(sent: Any, kept: Any) -> bool:
    """Whether a typed value says what a plain reading says."""
    if isinstance(kept, Decimal | int) and not isinstance(kept, bool):
        return not isinstance(sent, bool) and Decimal(sent) == kept
    if isinstance(kept, list):
        return len(sent) == len(kept) and all(
            same(item.get(name), value) for item, row in zip(sent, kept, strict=True) for name, value in row.items()
        )
    return bool(sent == kept if isinstance(kept, str | bool | None) else str(kept) == sent)


@settings(max_examples=400)
@given(mutated())
def test_a_mutated_body_gives_the_rows_that_a_plain_reading_gives_or_is_refused(body: bytes) -> None:
    try:
        page = read_page(body, PLAN, ENVELOPE)
    except NotAPage as refused:
        assert str(refused).startswith("the body")
        return
    try:
        sent = plain(body)["value"]
    except ValueError as error:
        assert "doubled key" in str(error) or "surrogates" in str(error), "what is no JSON was taken for a page"
        return
    rows = page.batch.to_pylist()
    assert len(rows) == len(sent)
    for record, row in zip(sent, rows, strict=True):
        aside = {**json.loads(row["_unfit"] or "{}"), **json.loads(row["_unmapped"] or "{}")}
        for name in ("Key", *KINDS, "to_Item"):
            if (
                name not in aside
                and not any(path.startswith(f"{name}[") for path in aside)
                and isinstance(record, dict)
            ):
                assert same(record.get(name), row[name]), (name, record, row)


@settings(max_examples=60)
@given(st.binary(max_size=40) | st.text('[]{}",:d0', max_size=60).map(str.encode))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    for made, envelope in ((PLAN, ENVELOPE), (V2_PLAN, V2)):
        try:
            read_page(body, made, envelope)
        except NotAPage as refused:
            assert str(refused).startswith("the body")


@pytest.mark.parametrize("record", ['{"Key":"k",%s}', '{"Key":"k","New":1,%s}'], ids=["fast", "slow"])
@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ('"Count":9007199254740993', "Count", 2**53 + 1),
        ('"Count":-9223372036854775808', "Count", -(2**63)),
        ('"Amount":9999999999999999.9999', "Amount", Decimal("9999999999999999.9999")),
        ('"Amount":"9999999999999999.9999"', "Amount", Decimal("9999999999999999.9999")),
        ('"Amount":1E-4', "Amount", Decimal("0.0001")),
        (f'"Text":"{"x" * 100_000}"', "Text", "x" * 100_000),
        ('"Text":"\\u0000 \\ud83d\\ude00 /\\/ \\u00e9"', "Text", "\0 😀 // é"),
    ],
)
def test_big_things_arrive_whole(record: str, written: str, name: str, value: Any) -> None:
    (row,) = read_page(f'{{"value":[{record % written}]}}'.encode(), PLAN, ENVELOPE).batch.to_pylist()
    assert (row[name], row["_unfit"]) == (value, None)


TINY = [
    "1e-43",
    "-1e-999999999",
    "0e-99",
    "0." + "0" * 60 + "1",
    '"1e-43"',
    '"1E-00000043"',
    '"\\u0031e-43"',
    '"1\\u0065-43"',
]
UUID = "4711234e-1234-4e-99-8e-10"


@pytest.mark.parametrize("literal", TINY)
def test_a_number_that_arrow_would_misread_never_reaches_it(literal: str) -> None:
    """It would crash the process, or make 0 of it."""
    body = f'{{"value":[{{"Key":"k","Amount":{literal}}}]}}'.encode()
    assert holds_tiny_numbers(body)
    (row,) = read_page(body, PLAN, ENVELOPE).batch.to_pylist()
    if literal == "0e-99":
        assert (row["Amount"], row["_unfit"]) == (0, None)
    else:
        assert (row["Amount"], json.loads(row["_unfit"])) == (None, json.loads(f'{{"Amount":{literal}}}'))


@pytest.mark.parametrize("text", [UUID, "e-mail", "phase-12", "1.5e-9", "\\u002B49 30 1e-9", "ge-2024"])
def test_what_only_looks_like_such_a_number_stays_on_the_fast_lane(text: str) -> None:
    body = f'{{"value":[{{"Key":"k","Text":"{text}","Amount":1.5E-3}}]}}'.encode()
    assert not read_page(body, PLAN, ENVELOPE).by_record


@pytest.mark.parametrize(
    "literal", ["1" + "0" * 4000, "1e999999999", "-1e-999999999", "0." + "1" * 4000, '"1e99999999999999999999"']
)
@pytest.mark.parametrize("name", ["Count", "Amount"])
def test_numbers_beyond_all_bounds_are_kept_as_they_were_written(name: str, literal: str) -> None:
    (row,) = read_page(f'{{"value":[{{"Key":"k","{name}":{literal}}}]}}'.encode(), PLAN, ENVELOPE).batch.to_pylist()
    assert (row[name], row["_unfit"]) == (None, f'{{"{name}":{literal}}}')


digits = st.text("0123456789", min_size=1, max_size=45) | st.integers(1, 45).map(lambda n: "9" + "0" * n)
numbers = st.tuples(
    st.sampled_from(["", "-"]),
    digits.map(lambda text: text.lstrip("0") or "0"),
    st.just("") | digits.map(lambda text: f".{text}"),
    st.sampled_from(["", "e0", "E+5", "e-5", "e20", "e-20", "e38", "e39", "e-43", "e-99"]),
).map("".join)
decimals = st.sampled_from(["decimal(5,2)", "decimal(20,4)", "decimal(38,0)", "decimal(38,10)", "decimal(38,38)"])


@settings(max_examples=200)
@example(kind="decimal(5,2)", written=["12345"], quoted=False)
@example(kind="decimal(38,10)", written=["1e-43"], quoted=False)
@given(kind=decimals, written=st.lists(numbers, min_size=1, max_size=3), quoted=st.booleans())
def test_a_decimal_is_exact_or_unfit_whatever_lane_reads_it(kind: str, written: list[str], *, quoted: bool) -> None:
    made = plan({"V": kind})
    precision, scale = made.fields[1].parameters
    literals = [f'"{number}"' if quoted else number for number in written]
    body = f'{{"value":[{",".join(f'{{"Key":"k","V":{literal}}}' for literal in literals)}]}}'.encode()
    for page in (read_page(body, made, ENVELOPE), slow.read(body, layout_of(made, ENVELOPE))):
        for number, literal, row in zip(written, literals, page.batch.to_pylist(), strict=True):
            exact = Decimal(number)
            with localcontext(Context(prec=400)):
                fits = abs(exact) < Decimal(10) ** (precision - scale) and exact == round(exact, scale)
            assert (row["V"], row["_unfit"]) == ((exact, None) if fits else (None, f'{{"V":{literal}}}'))


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    for record in ('{"Key":"k"}', '{"Key":"k","New":1}'):
        page = read_page(b"\xef\xbb\xbf" + f'{{"value":[{record}]}}'.encode(), PLAN, ENVELOPE)
        assert page.batch.column("Key").to_pylist() == ["k"]


@pytest.mark.parametrize("body", BODIES)
def test_half_a_body_is_refused_wherever_it_breaks_off(body: bytes) -> None:
    for end in range(len(body)):
        with pytest.raises(NotAPage):
            read_page(body[:end], PLAN, ENVELOPE)


@pytest.mark.parametrize("nest", [b'{"a":', b"["])
def test_what_is_nested_without_end_is_refused(nest: bytes) -> None:
    deep = nest * 200_000
    with pytest.raises(NotAPage, match="no JSON that can be read"):
        read_page(b'{"value":[{"Key":"k","New":' + deep, PLAN, ENVELOPE)


def test_what_is_nested_deeply_but_can_be_read_is_kept() -> None:
    nested = "[" * 100 + "]" * 100
    (row,) = read_page(f'{{"value":[{{"Key":"k","New":{nested}}}]}}'.encode(), PLAN, ENVELOPE).batch.to_pylist()
    assert row["_unmapped"] == f'{{"New":{nested}}}'
