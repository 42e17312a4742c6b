"""From samples to a table: medians, ratios, verdicts, and no figure for other work."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.checking import OtherWork, check
from bench.measuring import Sample
from bench.results import comparison
from bench.rows import Totals
from bench.table import Speed, at_least, written
from bench.works import DLT, OURS, Goal, Work

if TYPE_CHECKING:
    from pathlib import Path

TOTALS = Totals(rows=3, items=6, net_amount=Decimal("4.50"))


def samples(*seconds: float) -> list[Sample]:
    return [Sample(second, second / 2, 100 + second) for second in seconds]


def test_a_speed_is_the_median_of_the_rounds() -> None:
    assert Speed.of(samples(9, 1, 2), rows=1_000_000) == Speed(rate=500_000, cpu=1.0)


@pytest.mark.parametrize(("goal", "met", "verdict"), [(1.5, True, "met"), (2.0, True, "met"), (2.5, False, "NOT MET")])
def test_a_goal_is_met_by_the_ratio_of_rates(goal: float, met: bool, verdict: str) -> None:
    line = at_least("work", "peer", Speed(200, 1.0), Speed(100, 3.0), goal)
    assert (line.ratio, line.by_cpu, line.met) == ("2.00", "3.00", met)
    assert line.cells[-1] == verdict


def test_a_peer_that_reads_fewer_rows_is_compared_by_rows_a_second() -> None:
    work = Work("odata", "OData", "odata", "odata", 1_000, (Goal(DLT, 4.0), Goal("casting", None)))
    lines, details = comparison(work, {OURS: samples(2), DLT: samples(2), "casting": samples(1)})
    assert [(line.ratio, line.met) for line in lines] == [("5.00", True), ("0.50", None)]
    assert [detail[2] for detail in details] == ["1,000", "200", "1,000"]


def test_a_source_that_thinks_is_also_compared_with_its_thinking_alone() -> None:
    work = Work("waiting", "waiting", "odata", "windows", 8_000, (Goal("prefetching", 3.0),), thinking=0.5)
    lines, _ = comparison(work, {OURS: samples(1), "prefetching": samples(4)})
    assert [(line.ratio, line.met) for line in lines] == [("4.00", True), ("2.00", None)]


def test_columns_of_a_table_are_aligned() -> None:
    assert written(("a", "bb"), [("1", "2"), ("333", "4")]) == "| a   | bb |\n|-----|----|\n| 1   | 2  |\n| 333 | 4  |"


def parquet(path: Path, items: list[int], amounts: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"items": items, "net_amount": pa.array([Decimal(text) for text in amounts], pa.decimal128(16, 2))}
    pq.write_table(pa.table(columns), path)


def test_files_that_hold_all_rows_are_accepted_whatever_their_number(tmp_path: Path) -> None:
    parquet(tmp_path / "a" / "1.parquet", [1, 2], ["1.00", "2.00"])
    parquet(tmp_path / "b" / "2.parquet", [3], ["1.50"])
    check(tmp_path, TOTALS)


@pytest.mark.parametrize(
    ("items", "amounts"),
    [([1, 2], ["3.00", "1.50"]), ([1, 2, 4], ["3.00", "1.00", "0.50"]), ([1, 2, 3], ["3", "1", "1"])],
)
def test_rows_that_are_missing_or_other_ones_are_no_result(
    tmp_path: Path, items: list[int], amounts: list[str]
) -> None:
    parquet(tmp_path / "1.parquet", items, amounts)
    with pytest.raises(OtherWork):
        check(tmp_path, TOTALS)
