"""Pages become rows without loss, whichever lane reads them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.raw import slow
from lake.raw.literal import Number, dump, parse
from lake.raw.page import NotAPage, Page, read_page
from lake.raw.record import layout_of
from tests.support.plans import ENVELOPE, TYPES, plan

ALL = plan(TYPES, items=TYPES)
DECLARED = {"Key", *TYPES, "to_Item"}


def read(body: str | bytes) -> Page:
    return read_page(body if isinstance(body, bytes) else body.encode(), ALL, ENVELOPE)


def page_of(*records: str) -> str:
    return f'{{"value":[{",".join(records)}]}}'


def row_of(record: str) -> dict[str, Any]:
    (row,) = read(page_of(record)).batch.to_pylist()
    return dict(row)


def by_record(body: str) -> Page:
    return slow.read(body.encode(), layout_of(ALL, ENVELOPE))


def same_value(sent: Any, kept: Any) -> bool:
    """Whether a typed value says what the JSON value said."""
    match kept:
        case bool() | None:
            return sent is kept
        case Decimal() | int():
            return Decimal(sent) == kept
        case datetime():
            return datetime.fromisoformat(sent) == kept
        case date():
            return bool(sent == kept.isoformat())
        case _:
            return bool(sent == kept and not isinstance(sent, Number))


def assert_kept(record: dict[str, Any], row: dict[str, Any]) -> None:
    """Each value of a record stands in its row: typed, in `_unfit` or in `_unmapped`."""
    unfit = parse((row["_unfit"] or "{}").encode())
    unmapped = parse((row["_unmapped"] or "{}").encode())
    for name, value in record.items():
        if name not in DECLARED:
            assert dump(unmapped.pop(name)) == dump(value)
        elif name == "to_Item" and row[name] is not None and name not in unfit:
            assert_items_kept(value, row[name], unfit, unmapped)
        else:
            assert_value_kept(name, value, row[name], unfit)
    assert unfit == {}
    assert unmapped == {}


def assert_items_kept(sent: list[Any], kept: list[Any], unfit: dict[str, Any], unmapped: dict[str, Any]) -> None:
    assert len(sent) == len(kept)
    for position, (item, row) in enumerate(zip(sent, kept, strict=True)):
        for name, value in item.items():
            path = f"to_Item[{position}].{name}"
            if name in TYPES:
                assert_value_kept(path, value, row[name], unfit)
            else:
                assert dump(unmapped.pop(path)) == dump(value)


def assert_value_kept(path: str, sent: Any, kept: Any, unfit: dict[str, Any]) -> None:
    if path in unfit:
        assert kept is None
        assert dump(unfit.pop(path)) == dump(sent)
    else:
        assert same_value(sent, kept), (path, sent, kept)


fitting = {
    "Text": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "Flag": st.booleans(),
    "Count": st.integers(-(2**63), 2**63 - 1),
    "Amount": st.decimals(-99999, 99999, places=2).map(str),
    "Day": st.dates().map(date.isoformat),
    "Clock": st.times().map(lambda t: t.isoformat()),
    "Instant": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.isoformat() + "Z"),  # noqa: DTZ001
    "Fine": st.sampled_from(["2026-11-16T06:00:00.1234567Z", "2026-11-16T06:00:00Z", "2026-11-16T07:00:00.5+02:00"]),
}
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**25), 10**25),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=6),
        st.sampled_from(["1_000", "٣", " 1", "1e400", "2026-02-30", "0000-01-01", "24:00:00", "06:30", "/Date(1)/"]),
        st.sampled_from(["2026-11-16T06:00:00", "2026-11-16T06:00Z", "0001-01-01T00:00:00+02:00", "9" * 5000]),
        *fitting.values(),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
loose_item = st.dictionaries(st.sampled_from([*TYPES, "New", "Key#2"]), anything, max_size=3)
loose = st.dictionaries(
    st.sampled_from(["Key", *TYPES, "to_Item", "New", "Newer.Field[0]"]),
    anything | st.lists(loose_item, max_size=2),
    max_size=5,
)
strict_item = st.fixed_dictionaries({}, optional={name: st.none() | kind for name, kind in fitting.items()})
strict = st.fixed_dictionaries(
    {"Key": st.text("abc", min_size=1)},
    optional={name: st.none() | kind for name, kind in fitting.items()}
    | {"to_Item": st.none() | st.lists(strict_item, max_size=2)},
)


@settings(max_examples=120)
@given(st.lists(loose, max_size=3))
def test_what_was_sent_can_be_read_back_value_for_value(records: list[dict[str, Any]]) -> None:
    body = json.dumps({"value": records})
    sent = parse(body.encode())["value"]
    rows = read(body).batch.to_pylist()
    assert len(rows) == len(sent)
    for record, row in zip(sent, rows, strict=True):
        assert_kept(record, row)


@settings(max_examples=80)
@given(st.lists(strict, max_size=3))
@example([{"Key": "a", "Text": "0007", "Amount": 10, "Count": 10}])
def test_both_lanes_agree_on_pages_that_fit(records: list[dict[str, Any]]) -> None:
    body = json.dumps({"value": records})
    slow = by_record(body)
    assert slow.batch.column("_unfit").null_count == len(records)
    fast = read(body)
    assert fast.batch.equals(slow.batch)
    for record, row in zip(parse(body.encode())["value"], fast.batch.to_pylist(), strict=True):
        assert_kept(record, row)


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("Amount", "1.239"),
        ("Amount", "123456.00"),
        ("Amount", '"NaN"'),
        ("Amount", '"1_000"'),
        ("Amount", '"\u0663"'),
        ("Amount", "1e99999999999999999999"),
        ("Count", "18446744073709551615"),
        ("Count", "3.0"),
        ("Count", '"\u0664\u0662"'),
        ("Count", "9" * 5000),
        ("Text", "42"),
        ("Text", "{}"),
        ("Text", "true"),
        ("Text", '"\\ud800"'),
        ("Flag", '"true"'),
        ("Day", '"/Date(1763251200000)/"'),
        ("Day", '"2026-02-30"'),
        ("Day", '"0000-01-01"'),
        ("Clock", '"24:00:00"'),
        ("Clock", '"PT6H"'),
        ("Instant", '"2026-11-16T06:00:00"'),
        ("Instant", '"2026-11-16T06:00Z"'),
        ("Instant", '"2026-11-16T06:00:00.1234567Z"'),
        ("Instant", '"0001-01-01T00:00:00+02:00"'),
        ("Instant", '"9999-12-31T23:59:59-05:00"'),
        ("Fine", '"2026-11-16T06:00:00.123456789Z"'),
        ("Fine", '"2026-11-16T06:00Z"'),
        ("to_Item", "{}"),
        ("to_Item", "[null]"),
    ],
)
def test_a_value_that_does_not_fit_is_kept_as_it_was_written(name: str, literal: str) -> None:
    row = row_of(f'{{"Key":"k","{name}":{literal}}}')
    assert row["Key"] == "k"
    assert row[name] is None
    assert row["_unfit"] == f'{{"{name}":{literal if literal.isascii() else json.dumps(json.loads(literal))}}}'


def test_one_bad_value_in_an_item_costs_no_other_value() -> None:
    row = row_of('{"Key":"k","to_Item":[{"Amount":1.5},{"Amount":"x","Count":7,"New":[1.10]}]}')
    assert [item["Amount"] for item in row["to_Item"]] == [Decimal("1.5"), None]
    assert row["to_Item"][1]["Count"] == 7
    assert row["_unfit"] == '{"to_Item[1].Amount":"x"}'
    assert row["_unmapped"] == '{"to_Item[1].New":[1.10]}'


def test_a_key_that_stands_twice_keeps_both_values() -> None:
    row = row_of('{"Key":"k","Text":"a","Text":"b"}')
    assert (row["Text"], row["_unmapped"]) == ("a", '{"Text#2":"b"}')


def test_a_record_that_is_no_object_is_kept_whole() -> None:
    assert row_of("[1,2.50]")["_unfit"] == '{"$":[1,2.50]}'


@pytest.mark.parametrize("record", ['{"Key":"k","Amount":1.5}', '{"Key":"k","Amount":1.5,"New":1}'])
def test_what_the_protocol_adds_is_not_the_sources(record: str) -> None:
    row = row_of(record[:-1] + ',"@odata.etag":"W/1","to_Item":[]}')
    assert row["_unfit"] is None
    assert "etag" not in (row["_unmapped"] or "")


def test_items_that_the_source_kept_back_make_the_document_unfit() -> None:
    row = row_of('{"Key":"k","to_Item":[{"Text":"first"}],"to_Item@odata.nextLink":"Thing(1)/to_Item?$skip=1"}')
    assert row["_unfit"] == '{"to_Item@odata.nextLink":"Thing(1)/to_Item?$skip=1"}'


@pytest.mark.parametrize("value", ["null", "[]"])
def test_no_items_and_an_empty_list_of_items_differ(value: str) -> None:
    assert row_of(f'{{"Key":"k","to_Item":{value}}}')["to_Item"] == json.loads(value)
    assert by_record(page_of(f'{{"Key":"k","to_Item":{value}}}')).batch.to_pylist()[0]["to_Item"] == json.loads(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b" null {}",
        b'{"value":{}}',
        b'{"d":{"results":[]}}',
        b'{"value":[]}{"value":[]}',
        b'{"value":[],"value":[{"Key":"k"}]}',
        b'{"value":[],"error":{"code":"X"}}',
        b'{"value":[],"@odata.nextLink":7}',
        b'{"value":[],"@odata.nextLink":"a","@odata.nextLink":"b"}',
        b'{"value":[{"Key":"\xff\xfe"}]}',
        b'{"value":[{"Count":NaN}]}',
        b'{"value":[{"Key":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    ],
)
def test_what_is_no_whole_page_is_refused(body: bytes) -> None:
    with pytest.raises(NotAPage):
        read(body)


@pytest.mark.parametrize("record", ['{"Key":"k"}', '{"Key":"k","New":1}'])
def test_the_next_link_is_handed_on(record: str) -> None:
    assert read(f'{{"value":[{record}],"@odata.nextLink":"Thing?$skiptoken=2"}}').next_link == "Thing?$skiptoken=2"


def test_pages_that_fit_take_the_fast_lane() -> None:
    good = page_of('{"Key":"k","Instant":"2026-11-16T08:00:00+02:00","Day":"2026-11-16","Amount":"1.50"}')
    page = read(good)
    assert not page.by_record
    (row,) = page.batch.to_pylist()
    assert (row["Instant"], row["Amount"]) == (datetime(2026, 11, 16, 6, tzinfo=UTC), Decimal("1.50"))
    assert read(page_of('{"Key":7}')).by_record


def test_an_empty_page_has_the_columns_of_a_row_file() -> None:
    batch = read('{"value":[]}').batch
    assert (batch.num_rows, batch.schema.field("Amount").type) == (0, pa.decimal128(7, 2))
