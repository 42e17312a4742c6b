"""The field service counts its pages, and says what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from tests.support.running_sources import RunningRest

ORDERS = "/api/v2/work_orders"
ENGINEERS = "/api/v2/engineers"


def test_who_bears_no_key_is_refused(service: RunningRest) -> None:
    assert requests.get(f"{service.url}{ORDERS}", timeout=20).status_code == 401


def test_pages_are_numbered_and_end_with_a_404(service: RunningRest) -> None:
    first = service.get(ORDERS, per_page=250).json()
    second = service.get(ORDERS, per_page=250, page=2).json()
    assert first["meta"] == {"page": 1, "per_page": 250, "total": 500}
    assert [row["id"] for row in first["data"] + second["data"]] == [f"{n:010d}" for n in range(1, 501)]
    assert service.get(ORDERS, per_page=250, page=3).status_code == 404


def test_offsets_end_with_a_416(service: RunningRest) -> None:
    assert [row["id"] for row in service.get(ENGINEERS, limit=2, offset=3).json()["data"]] == [
        "0000000004",
        "0000000005",
    ]
    assert service.get(ENGINEERS, limit=2, offset=240).status_code == 416


def test_a_change_is_found_between_seconds_since_1970(service: RunningRest) -> None:
    service.control.change("service.work_order", "0000000007", {"price": "12.30"})
    now = 1794808800
    (row,) = service.get(ORDERS, updated_from=now, updated_to=now + 1).json()["data"]
    assert (row["id"], row["updated_at"]) == ("0000000007", now)
    assert row["price"] == {"__class__": "Decimal", "decimal": "12.30"}
    assert service.get(ORDERS, updated_from=now + 1).status_code == 200
    assert "0000000007" not in str(service.get(ORDERS, updated_to=now, per_page=250).json())


def test_a_count_tells_the_time(service: RunningRest) -> None:
    assert service.get(f"{ORDERS}/count").json() == {"count": 500, "time": 1794808800}


@pytest.mark.parametrize("asked", [{"page": "two"}, {"sort": "price"}])
def test_what_it_cannot_do_is_a_400(service: RunningRest, asked: dict[str, str]) -> None:
    answer = service.get(ORDERS, **asked)
    assert (answer.status_code, answer.json()["category"]) == (400, "bad_request")
