"""Ranges of keys."""

from hypothesis import given
from hypothesis import strategies as st

from lake.curate.bounds import few


@given(st.sets(st.text(max_size=6), max_size=60), st.integers(1, 8))
def test_few_ranges_hold_all_that_many_hold(keys: set[str], most: int) -> None:
    ranges = few([(key[:4], key, key) for key in keys], most)
    assert len(ranges) <= most
    assert all(any(low <= key <= high for _, low, high in ranges) for key in keys)


def test_keys_that_lie_apart_are_ranges_apart() -> None:
    keys = [f"{number:04d}" for number in (1, 2, 3, 7001, 7002, 9999)]
    assert few([(key[:3], key, key) for key in keys], 3) == [
        ("00", "0001", "0003"),
        ("70", "7001", "7002"),
        ("99", "9999", "9999"),
    ]
