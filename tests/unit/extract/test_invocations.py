"""One invocation by its handler: event, environment, secret, records, limits."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from lake.extract import handler as module
from lake.extract.errors import BadRequest, FilterIgnored, MalformedAnswer, SourceAuthError, SourceUnavailable
from lake.extract.handler import handler_for
from lake.instants import from_text, to_text
from lake.settings import BadEnvironment
from lake.state.entity import StateTable
from lake.state.runs import RunRecords
from tests.support.replying_server import Reply, Server
from tests.support.source_plans import FINE_PLAN, source
from tests.support.state_table import create_state_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTITY, RUN = "erp.thing", "run-1"
PLAN = replace(FINE_PLAN, children=())
COUNT = Reply(body=b"2")
EMPTY = Reply(body=b'{"value":[]}')


class Context(LambdaContext):
    """Five minutes are left."""

    def __init__(self) -> None:
        self._function_name = self._memory_limit_in_mb = self._invoked_function_arn = self._aws_request_id = ""  # type: ignore[assignment]

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


class Lake:
    """A handler with its AWS, bound to a server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, url: str, **plan: Any) -> None:
        s3, self.dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        s3.create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        create_state_table(self.dynamodb, "state")
        self.secrets = boto3.client("secretsmanager")
        secret = self.secrets.create_secret(Name="erp", SecretString='{"user":"u","password":"old"}')
        environment = {"RAW_BUCKET": "raw", "STATE_TABLE": "state", "SOURCE_URL": url, "SOURCE_SECRET": secret["ARN"]}
        for name, value in environment.items():
            monkeypatch.setenv(f"LAKE_{name}", value)
        monkeypatch.setattr(module, "plans", lambda: {ENTITY: PLAN})
        monkeypatch.setattr(module, "sources", lambda: {"erp": source(auth="basic", **plan)})

    def call(self, **event: Any) -> dict[str, Any]:
        return handler_for("erp")({"run_id": RUN, "entity": ENTITY} | event, Context())

    @property
    def records(self) -> dict[str, Any]:
        return RunRecords(self.dynamodb, "state").read(RUN)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    module._clients.cache_clear()
    with mock_aws():
        yield
    module._clients.cache_clear()


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch, aws: None, server: Server) -> Lake:
    return Lake(monkeypatch, server.url)


def page(*rows: tuple[str, str | None]) -> Reply:
    return Reply(body=json.dumps({"value": [{"Key": key, "Fine": stamp} for key, stamp in rows]}).encode())


def test_an_invocation_answers_what_it_did_and_records_it(lake: Lake, server: Server) -> None:
    server.replies = [COUNT, page(("a", "2026-11-16T05:00:00.1234567Z")), EMPTY, page(("b", None)), EMPTY, COUNT]
    answer = lake.call()
    assert answer == {
        "entity": ENTITY,
        "status": "DONE",
        "loads": [1],
        "counts": {"received": 2, "landed": 2, "repeated": 0, "beyond": 0},
        "resume_at": None,
        "reason": None,
    }
    (record,) = lake.records.values()
    assert (record["status"], record["received"], record["landed"]) == ("DONE", 2, 2)
    assert json.dumps(answer)


def test_a_corrected_password_counts_from_the_next_invocation_on(lake: Lake, server: Server) -> None:
    server.replies = [Reply(401)]
    with pytest.raises(SourceAuthError):
        lake.call()
    lake.secrets.put_secret_value(SecretId="erp", SecretString='{"user":"u","password":"new"}')
    server.replies = [COUNT, EMPTY, EMPTY, COUNT]
    assert lake.call()["status"] == "DONE"
    pair = server.asked[-1][1]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(pair) == b"u:new"


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([Reply(body=b"many")], MalformedAnswer),
        ([COUNT, Reply(body=b"<html>")], MalformedAnswer),
        ([COUNT, EMPTY, page(("a", "2026-11-16T05:00:00Z"))], FilterIgnored),
        ([Reply(401)], SourceAuthError),
    ],
)
def test_an_invocation_that_fails_leaves_a_record_and_its_requests_counted(
    monkeypatch: pytest.MonkeyPatch, aws: None, server: Server, replies: list[Reply], error: type[Exception]
) -> None:
    lake = Lake(monkeypatch, server.url, daily_requests=100)
    server.replies = replies
    with pytest.raises(error) as raised:
        lake.call()
    (record,) = lake.records.values()
    assert (record["status"], record["landed"]) == ("FAILED", 0)
    assert record["reason"] == f"{error.__name__}: {raised.value}"
    item = lake.dynamodb.get_item(TableName="state", Key={"pk": {"S": "source#erp"}, "sk": {"S": "limits"}})["Item"]
    assert item["requests"]["N"] == str(len(server.asked))


def test_what_was_read_before_the_source_fell_silent_is_kept(
    monkeypatch: pytest.MonkeyPatch, aws: None, server: Server
) -> None:
    lake = Lake(monkeypatch, server.url, max_retries=0)
    server.replies = [COUNT, page(("a", "2026-11-16T05:00:00Z")), Reply(500)]
    with pytest.raises(SourceUnavailable):
        lake.call()
    (record,) = lake.records.values()
    assert (record["status"], record["landed"], record["loads"]) == ("CONTINUE", 1, [1])
    server.replies = [EMPTY, EMPTY, COUNT]
    assert lake.call()["status"] == "DONE"
    assert any("gt%20%27a%27" in path for path, _, _ in server.asked)


def test_a_source_that_wants_a_rest_pauses_the_entity_alone(lake: Lake, server: Server) -> None:
    server.replies = [Reply(429, {"Retry-After": "3600"})]
    answer = lake.call()
    assert answer["status"] == "PAUSED"
    assert from_text(answer["resume_at"]) > datetime.now(UTC) + timedelta(minutes=59)
    asked = len(server.asked)
    assert lake.call()["status"] == "PAUSED"
    assert len(server.asked) == asked, "nothing is asked for before the rest is over"


def test_a_pause_in_the_middle_keeps_what_was_read(lake: Lake, server: Server) -> None:
    server.replies = [COUNT, page(("a", "2026-11-16T05:00:00Z")), Reply(429, {"Retry-After": "3600"})]
    answer = lake.call()
    assert (answer["status"], answer["loads"]) == ("PAUSED", [1])
    state = StateTable(lake.dynamodb, "state").read(ENTITY)
    assert state.checkpoint is not None
    assert to_text(state.resume_at or datetime.min.replace(tzinfo=UTC)) == answer["resume_at"]


def test_no_more_requests_are_made_than_the_source_allows_a_day(
    monkeypatch: pytest.MonkeyPatch, aws: None, server: Server
) -> None:
    lake = Lake(monkeypatch, server.url, daily_requests=3)
    server.replies = [COUNT, *(page((f"a{n}", f"2026-11-16T05:00:0{n}Z")) for n in range(9))]
    assert lake.call()["status"] == "CONTINUE"
    assert len(server.asked) == 3
    answer = lake.call()
    assert (answer["status"], len(server.asked)) == ("PAUSED", 3)
    assert answer["resume_at"].endswith("T00:00:00.000000Z")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"entity": "erp.thong"}, r"erp\.thong is no entity of erp; there are erp\.thing"),
        ({"entity": None}, "expected"),
        ({"extra": 1}, "expected"),
        ({"lane": "night"}, "expected"),
        ({"lane": "backfill#../x"}, "expected"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(lake: Lake, event: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        lake.call(**event)
    assert lake.records == {}


def test_a_backfill_reads_its_window_in_its_own_lane(lake: Lake, server: Server) -> None:
    server.replies = [page(("a", "2026-01-05T05:00:00Z")), EMPTY]
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    answer = lake.call(lane="backfill#1", window=window)
    assert (answer["status"], answer["loads"]) == ("DONE", [1])
    table = StateTable(lake.dynamodb, "state")
    assert table.read(ENTITY).watermark is None
    assert table.read(ENTITY, "backfill#1").finished_at is not None
    asked = len(server.asked)
    assert lake.call(lane="backfill#1")["status"] == "DONE"
    assert len(server.asked) == asked, "what is finished is not read again"


def test_a_missing_variable_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKE_SOURCE_URL")
    with pytest.raises(BadEnvironment, match="LAKE_SOURCE_URL"):
        lake.call()
