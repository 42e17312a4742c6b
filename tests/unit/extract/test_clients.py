"""What outlives an invocation, and the event that begins one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from moto import mock_aws

from lake.extract.clients import SECRET_CACHED_S, Secrets, settled
from lake.extract.errors import BadRequest
from lake.extract.event import ExtractEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.replying_server import Server


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


def test_a_netrc_file_never_replaces_a_source_s_credentials(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    settled(requests.Session(), server.url).get(
        f"{server.url}/thing", headers={"Authorization": "Bearer ours"}, timeout=10
    )
    assert server.asked[0][1]["Authorization"] == "Bearer ours"


def test_a_source_is_reached_by_the_proxy_that_the_environment_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    settled(requests.Session(), "http://erp.invalid").get("http://erp.invalid/thing", timeout=10)
    settled(requests.Session(), server.url).get(f"{server.url}/thing", timeout=10)
    assert [path for path, _, _ in server.asked] == ["http://erp.invalid/thing", "/thing"]


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
