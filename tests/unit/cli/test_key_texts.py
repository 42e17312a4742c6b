"""Keys as texts: what a source sends and what the lake's tables print are one and the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.cli.key_texts import keys_of, number_of_keys, same_text
from lake.contract.plan import Field
from lake.raw.schema import UNFIT, raw_type


def field(kind: str) -> Field:
    return Field("k", "K", kind, required=True, classification="internal", description="")


@pytest.mark.parametrize(
    ("kind", "sent", "held"),
    [
        ("int64", 7, "7"),
        ("string(10)", "0007", "0007"),
        ("string(10)", "", ""),
        ("boolean", True, "true"),
        ("date", date(2026, 11, 16), "2026-11-16"),
        ("decimal(16,3)", Decimal("-1.500"), "-1.500"),
        ("decimal(16,3)", Decimal("1.500"), "1.5"),
        ("decimal(38,9)", Decimal("12345678901234567890123456789.123456789"), "12345678901234567890123456789.123456789"),
        ("decimal(38,9)", Decimal("0.000000001"), "0.000000001"),
        ("decimal(5,2)", Decimal("0.00"), "0"),
        ("timestamp(3)", datetime(2026, 11, 16, 6, 0, 0, 120_000, UTC), "2026-11-16 06:00:00.120 UTC"),
        ("timestamp(0)", datetime(2026, 11, 16, 6, tzinfo=UTC), "2026-11-16 06:00:00"),
        ("timestamp(6)", datetime(2026, 11, 16, 6, 0, 0, 123_999, UTC), "2026-11-16 06:00:00.123 UTC"),
        ("timestamp(7)", "2026-11-16T07:00:00.1239999+01:00", "2026-11-16 06:00:00.123 UTC"),
    ],
)  # fmt: skip
def test_a_key_as_the_source_sends_it_is_the_key_as_athena_or_spark_print_it(kind: str, sent: Any, held: str) -> None:
    of_kind = field(kind)
    page = pa.RecordBatch.from_pydict({"K": pa.array([sent], raw_type(of_kind)), UNFIT: pa.array([None], pa.string())})
    assert keys_of(page, [of_kind]) == [(same_text(of_kind, held),)]


def test_a_key_that_is_not_of_its_type_stands_as_it_was_sent_and_one_that_is_missing_is_none() -> None:
    page = pa.RecordBatch.from_pydict(
        {"K": pa.array([1, None, None], pa.int64()), UNFIT: pa.array([None, '{"K": "one"}', None], pa.string())}
    )
    assert keys_of(page, [field("int64")]) == [("1",), ("one",), None]


def test_equal_keys_count_once_and_rows_without_a_key_one_by_one() -> None:
    assert number_of_keys([("1",), ("1",), ("2",), None, None]) == 4
