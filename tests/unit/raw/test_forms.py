"""Values keep what they say in whatever form a source writes them; a value in another form does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.raw import fast, slow
from lake.raw.page import read_page
from lake.raw.record import layout_of
from tests.support.plans import ENVELOPE, field, plan

if TYPE_CHECKING:
    from lake.contract.plan import Plan

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
WALLS = (datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001


def formed(kind: str, form: str) -> Plan:
    made = plan()
    return replace(made, fields=(*made.fields, replace(field("V", kind), form=form or None)))


def body_of(*values: Any) -> bytes:
    return json.dumps({"value": [{"Key": "k", "V": value} for value in values]}).encode()


def read(made: Plan, *values: Any) -> list[dict[str, Any]]:
    return list(read_page(body_of(*values), made, ENVELOPE).batch.to_pylist())


def ms(instant: datetime) -> int:
    return (instant - EPOCH) // MS


instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)
days = st.dates()
midnights = days.map(lambda day: datetime.combine(day, time(), UTC))
zones = st.sampled_from(["", "+0000", "+0060", "-0480"])
times = st.times().map(lambda at: at.replace(microsecond=0))

WRITTEN: dict[tuple[str, str], st.SearchStrategy[tuple[Any, Any]]] = {
    ("timestamp(3)", "epoch_ms"): instants.flatmap(lambda at: st.sampled_from([(ms(at), at), (str(ms(at)), at)])),
    ("timestamp(0)", "epoch_s"): instants.map(lambda at: (ms(at) // 1000, at.replace(microsecond=0))),
    ("timestamp(7)", "epoch_ms"): instants.map(lambda at: (ms(at), f"{at:%Y}".zfill(4) + at.isoformat()[4:19])).map(
        lambda pair: (pair[0], f"{pair[1]}.{pair[0] % 1000:03}000Z")
    ),
    ("date", "epoch_ms"): midnights.map(lambda at: (ms(at), at.date())),
    ("date", "epoch_s"): midnights.map(lambda at: (ms(at) // 1000, at.date())),
    ("timestamp(3)", "odata_date"): st.tuples(instants, zones).map(
        lambda pair: (f"/Date({ms(pair[0])}{pair[1]})/", pair[0])
    ),
    ("date", "odata_date"): midnights.map(lambda at: (f"/Date({ms(at)})/", at.date())),
    ("date", "yyyymmdd"): days.flatmap(
        lambda day: st.sampled_from([(day.isoformat().replace("-", ""), day), (int(f"{day:%Y%m%d}"), day)])
    ),
    ("time", "hhmmss"): times.flatmap(
        lambda at: st.sampled_from([(f"{at:%H%M%S}", at.isoformat()), (int(f"{at:%H%M%S}"), at.isoformat())])
    ),
    ("time", "iso_duration"): times.flatmap(
        lambda at: st.sampled_from(
            [
                (f"PT{at:%H}H{at:%M}M{at:%S}S", at.isoformat()),
                (f"PT{at.hour}H{at.minute}M{at.second}.5S", f"{at.isoformat()}.5"),
            ]
        )
    ),
    ("timestamp(3)", "local(Europe/Berlin)"): st.datetimes(*WALLS)
    .map(lambda wall: wall.replace(microsecond=0, tzinfo=UTC).astimezone(BERLIN))
    .map(lambda wall: (wall.replace(tzinfo=None).isoformat(), wall.replace(fold=0).astimezone(UTC))),
    ("int64", ""): st.integers(-(2**63), 2**63 - 1).flatmap(lambda n: st.sampled_from([(n, n), (str(n), n)])),
}


@pytest.mark.parametrize(("kind", "form"), WRITTEN)
@settings(max_examples=40)
@given(data=st.data())
def test_a_value_says_the_same_in_each_form_and_lane(kind: str, form: str, data: st.DataObject) -> None:
    made = formed(kind, form)
    pairs = data.draw(st.lists(st.none() | WRITTEN[kind, form], min_size=1, max_size=4))
    written, expected = [pair and pair[0] for pair in pairs], [pair and pair[1] for pair in pairs]
    assert [(row["V"], row["_unfit"]) for row in read(made, *written)] == [(value, None) for value in expected]
    by_record = slow.read(body_of(*written), layout_of(made, ENVELOPE)).batch
    assert by_record.column("V").to_pylist() == expected


near = st.one_of(
    *(pairs.map(lambda pair: pair[0]) for pairs in WRITTEN.values()),
    st.integers(-(10**19), 10**19),
    st.text("0123456789-+PTHMS:/Date(). ", max_size=14),
    st.sampled_from(
        ["0x1F", "PT", "P1D", "PT24H", "PTT", "-PT1H", "/Date(9e9)/", "/Date(1)/\n", "00000000", "20260230", "2400"]
    ),
    st.sampled_from(["2026-03-29T02:30:00", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00.1234567", "/Date(1+9)/", ""]),
    st.sampled_from([True, [], {}, 1.5]),
)


@pytest.mark.parametrize(("kind", "form"), WRITTEN)
@settings(max_examples=40)
@given(values=st.lists(near, min_size=1, max_size=3))
def test_what_the_fast_lane_takes_the_slow_one_takes_for_the_same(kind: str, form: str, values: list[Any]) -> None:
    made = formed(kind, form)
    layout = layout_of(made, ENVELOPE)
    try:
        found = fast.read(body_of(*values), layout)
    except pa.ArrowInvalid:
        return
    assert slow.read(body_of(*values), layout).batch.equals(found.batch)


@pytest.mark.parametrize(("kind", "form"), WRITTEN)
@settings(max_examples=40)
@given(values=st.lists(near, min_size=1, max_size=3))
def test_a_value_in_another_form_is_kept_as_it_was_written(kind: str, form: str, values: list[Any]) -> None:
    for value, row in zip(values, read(formed(kind, form), *values), strict=True):
        assert (row["V"] is None) == (row["_unfit"] is not None)
        if row["_unfit"]:
            assert json.loads(row["_unfit"]) == {"V": value}


@pytest.mark.parametrize(
    ("kind", "form", "written"),
    [
        ("timestamp(3)", "epoch_ms", 10**18),
        ("timestamp(3)", "epoch_ms", "2026-11-16T06:00:00Z"),
        ("date", "epoch_ms", 1),
        ("date", "odata_date", "/Date(86400001)/"),
        ("date", "odata_date", "/Date(86400000+0060)/"),
        ("timestamp(3)", "odata_date", "2026-11-16T06:00:00Z"),
        ("timestamp(3)", "local(Europe/Berlin)", "2026-03-29T02:30:00"),
        ("timestamp(3)", "local(Europe/Berlin)", "2026-11-16T06:00:00Z"),
        ("date", "yyyymmdd", "00000000"),
        ("date", "yyyymmdd", "2026-11-16"),
        ("time", "hhmmss", "93045"),
        ("time", "hhmmss", 240_000),
        ("time", "iso_duration", "PT24H00M00S"),
        ("time", "iso_duration", "PT"),
        ("timestamp(3)", "", "/Date(0)/"),
        ("int64", "", "0x1F"),
    ],
)
def test_what_is_out_of_form_is_unfit_and_never_guessed(kind: str, form: str, written: Any) -> None:
    (row,) = read(formed(kind, form), written)
    assert (row["V"], json.loads(row["_unfit"])) == (None, {"V": written})


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("2026-07-01 12:00:00.25", datetime(2026, 7, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_local_stamp_of_a_repeated_hour_is_the_earlier_one(written: str, instant: datetime) -> None:
    assert [row["V"] for row in read(formed("timestamp(3)", "local(Europe/Berlin)"), written)] == [instant]


def test_the_rule_of_a_zone_goes_on_where_its_listed_changes_end() -> None:
    (row,) = read(formed("timestamp(3)", "local(Europe/Berlin)"), "2038-04-01T02:00:00")
    assert row["V"] == datetime(2038, 4, 1, tzinfo=UTC)


def test_the_offset_behind_milliseconds_only_tells_the_zone() -> None:
    (row,) = read(formed("timestamp(3)", "odata_date"), "/Date(1700000000000+0060)/")
    assert row["V"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("written", [["42", "9223372036854775807", None], [None, "-1"], [7, None]])
def test_quoted_numbers_stay_on_the_fast_lane(written: list[Any]) -> None:
    page = read_page(body_of(*written), formed("int64", ""), ENVELOPE)
    assert not page.by_record
    assert page.batch.column("V").to_pylist() == [None if value is None else int(value) for value in written]


def test_forms_that_a_protocol_always_uses_need_not_be_declared() -> None:
    envelope = replace(ENVELOPE, forms={"timestamp": "odata_date", "time": "iso_duration"})
    made = plan({"At": "timestamp(0)", "Clock": "time", "Day": "date"})
    made = replace(made, fields=(*made.fields[:-1], replace(made.fields[-1], form="yyyymmdd")))
    body = b'{"value":[{"Key":"k","At":"\\/Date(0)\\/","Clock":"PT6H","Day":"20261116"}]}'
    page = read_page(body, made, envelope)
    assert not page.by_record
    (row,) = page.batch.to_pylist()
    assert (row["At"], row["Clock"], row["Day"]) == (EPOCH, "06:00:00", date(2026, 11, 16))
