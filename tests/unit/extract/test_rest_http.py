"""What declarative REST asks of a connection: bodies that are posted, statuses that only end, errors behind a good status."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.errors import Paused, SourceRejected, SourceUnavailable
from lake.extract.http import Connection, Request
from lake.extract.protocols import DIALECTS
from tests.support.replying_server import Reply, Server
from tests.support.source_plans import source

if TYPE_CHECKING:
    from lake.extract.http import Answer

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
REST = DIALECTS["rest"]
PLAN = replace(
    source("rest", auth="bearer"), rest={"errors": {"code": "error.code", "pause": ["quota"], "retry": ["busy"]}}
)


def error(code: str) -> bytes:
    return json.dumps({"error": {"code": code}}).encode()


def read(server: Server, request: Request) -> Answer:
    connection = Connection(
        url=server.url,
        plan=PLAN,
        login=login_for(PLAN, '{"token": "t"}'),
        session=requests.Session(),
        budget=Budget(time.monotonic() + 60, 0, None),
        quota_reached=REST.quota_reached,
        passing=REST.passing,
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    return connection.read(request)


def test_a_search_is_posted_with_its_body(server: Server) -> None:
    request = Request("/search", (), (("Content-Type", "application/json"),), "POST", b'{"limit": 1}')
    assert read(server, request).body == b"ok"
    ((path, headers, body),) = server.asked
    assert (path, headers["Authorization"], body) == ("/search", "Bearer t", b'{"limit": 1}')


def test_an_error_that_passes_is_tried_again_though_its_status_is_good(server: Server) -> None:
    server.replies = [Reply(200, {}, error("busy")), Reply(200, {}, error("busy")), Reply()]
    assert read(server, Request("/a")).body == b"ok"
    assert len(server.asked) == 3


def test_an_error_that_does_not_pass_ends_as_unavailable(server: Server) -> None:
    server.replies = [Reply(200, {}, error("busy"))]
    with pytest.raises(SourceUnavailable, match="busy"):
        read(server, Request("/a"))


def test_a_quota_behind_a_good_status_pauses(server: Server) -> None:
    server.replies = [Reply(200, {}, error("quota"))]
    with pytest.raises(Paused) as paused:
        read(server, Request("/a"))
    assert paused.value.quota


def test_a_status_that_only_ends_stands_for_its_body(server: Server) -> None:
    server.replies = [Reply(404, {}, b"no such page")]
    assert read(server, Request("/a", instead=((404, b"[]"),))).body == b"[]"
    with pytest.raises(SourceRejected, match="404"):
        read(server, Request("/a", instead=((416, b"[]"),)))


def test_the_link_header_comes_with_the_answer(server: Server) -> None:
    server.replies = [Reply(200, {"Link": '</a?page=2>; rel="next"'})]
    assert read(server, Request("/a")).links == '</a?page=2>; rel="next"'
