"""What outlives an invocation, and the event that begins one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from lake.extract.clients import SECRET_CACHED_S, Secrets
from lake.extract.errors import BadRequest
from lake.extract.event import ExtractEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def secretsmanager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-central-1")
        client.create_secret(Name="erp", SecretString="old")
        yield client


def test_a_secret_is_read_again_after_some_minutes_and_not_before(secretsmanager: Any) -> None:
    clock = [0.0]
    secrets = Secrets(secretsmanager, clock=lambda: clock[0])
    assert secrets.get("erp") == "old"
    secretsmanager.put_secret_value(SecretId="erp", SecretString="new")
    clock[0] = SECRET_CACHED_S - 1
    assert secrets.get("erp") == "old"
    clock[0] = SECRET_CACHED_S
    assert secrets.get("erp") == "new"


def test_a_forgotten_secret_is_read_anew(secretsmanager: Any) -> None:
    secrets = Secrets(secretsmanager)
    secrets.get("erp")
    secretsmanager.put_secret_value(SecretId="erp", SecretString="new")
    secrets.forget()
    assert secrets.get("erp") == "new"


def test_an_event_says_run_and_entity_and_for_a_backfill_lane_and_window() -> None:
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    event = {"run_id": "r", "entity": "erp.thing", "lane": "backfill#january", "window": window}
    assert ExtractEvent.read(event, "erp") == ExtractEvent("r", "erp.thing", "backfill#january", window)
    assert ExtractEvent.read({"run_id": "r", "entity": "erp.thing"}, "erp").lane == "live"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"run_id": None}, "run_id is no text"),
        ({"lane": "side"}, "lane is 'side'"),
        ({"lane": None}, "lane is None"),
        ({"window": {"from": 1}}, "window is no object of texts"),
        ({"since": "x"}, "since is not known"),
    ],
)
def test_an_event_of_another_form_is_refused_with_what_is_wrong(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        ExtractEvent.read({"run_id": "r", "entity": "erp.thing"} | wrong, "erp")
