"""Requests to a source that misbehaves: a real server, real connections."""

from __future__ import annotations

import base64
import email.utils
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.errors import OutOfTime, Paused, SourceAuthError, SourceRejected, SourceUnavailable
from lake.extract.http import http_date, retry_after
from tests.support.http_client import NOW, OAUTH, SECRET, client, token
from tests.support.replying_server import Reply, Server
from tests.support.source_plans import source

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_answer_carries_both_clocks(server: Server) -> None:
    asking = client(server)
    answer = asking.read()
    assert (answer.body, answer.asked_at) == (b"ok", NOW)
    assert abs(answer.source_now - datetime.now(UTC)) < timedelta(seconds=10)
    assert server.asked[0][0] == "/thing?%24filter=a%20eq%20%27b%20c%27"
    assert asking.connection.requests_made == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [0, 7])
def test_the_source_says_how_long_to_wait(server: Server, status: int, seconds: int) -> None:
    server.replies = [Reply(status, {"Retry-After": str(seconds)}), Reply()]
    asking = client(server)
    assert asking.read().body == b"ok"
    assert asking.slept == [seconds]


def test_the_source_says_until_when_to_wait(server: Server) -> None:
    at = email.utils.format_datetime(NOW + timedelta(seconds=9), usegmt=True)
    server.replies = [Reply(429, {"Retry-After": at}), Reply()]
    asking = client(server)
    asking.read()
    assert asking.slept == [9]


@pytest.mark.parametrize(
    "reply", [Reply(s) for s in (429, 503, 500, 502, 504, 408)] + [Reply(429, {"Retry-After": "soon"})]
)
def test_without_a_word_the_wait_grows(server: Server, reply: Reply) -> None:
    server.replies = [reply, reply, Reply()]
    asking = client(server)
    assert asking.read().body == b"ok"
    first, second = asking.slept
    assert 0.25 <= first <= 0.5 <= second <= 1


@pytest.mark.parametrize(
    "broken",
    [
        Reply(None),
        Reply(200, {}, b"half", announced=10),
        Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b"whole")[:-9] + b"123456789"),
    ],
)
def test_a_broken_answer_is_asked_for_again_and_never_taken_for_whole(server: Server, broken: Reply) -> None:
    server.replies = [broken, Reply(body=b"whole")]
    asking = client(server)
    assert asking.read().body == b"whole"
    assert len(asking.slept) == 1


def test_a_source_that_stays_down_is_named(server: Server) -> None:
    server.replies = [Reply(500, body=b"<h1>No  more\nmemory</h1>")]
    asking = client(server)
    with pytest.raises(SourceUnavailable, match=r"answers 500: <h1>No more memory</h1>, 3 times\. Is the source up"):
        asking.read()
    assert len(asking.slept) == 2


def test_a_refused_connection_is_named(server: Server) -> None:
    asking = client(replace(server, url="http://127.0.0.1:9"))
    with pytest.raises(SourceUnavailable, match="does not answer"):
        asking.read()


def test_no_wait_is_begun_that_the_budget_cannot_hold(server: Server) -> None:
    server.replies = [Reply(500)]
    asking = client(server, seconds=0.1)
    with pytest.raises(OutOfTime):
        asking.read()
    assert asking.slept == []


def test_what_is_tried_as_often_as_the_source_file_says_while_time_is_left_is_not_out_of_time(server: Server) -> None:
    server.replies = [Reply(500)]
    with pytest.raises(SourceUnavailable) as raised:
        client(server).read()
    assert not isinstance(raised.value, OutOfTime)


@pytest.mark.parametrize(("wanted", "seconds", "is_brief"), [("61", 600, False), ("60", 10, True), ("61", 10, False)])
def test_a_rest_that_more_time_could_hold_is_brief(server: Server, wanted: str, seconds: float, is_brief: bool) -> None:
    server.replies = [Reply(429, {"Retry-After": wanted})]
    with pytest.raises(Paused) as paused:
        client(server, seconds).read()
    assert paused.value.is_brief is is_brief


@pytest.mark.parametrize(("wanted", "seconds", "rest"), [("61", 600, 61), ("30", 10, 30), ("9" * 20, 600, 86400)])
def test_a_rest_beyond_the_budget_pauses(server: Server, wanted: str, seconds: float, rest: int) -> None:
    server.replies = [Reply(429, {"Retry-After": wanted})]
    asking = client(server, seconds)
    with pytest.raises(Paused) as paused:
        asking.read()
    assert (paused.value.resume_at, paused.value.quota) == (NOW + timedelta(seconds=rest), False)
    assert asking.slept == []


def test_a_used_up_quota_pauses_the_whole_source(server: Server) -> None:
    server.replies = [Reply(403, body=b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]')]
    with pytest.raises(Paused) as paused:
        client(server, plan=source("salesforce")).read()
    assert paused.value.quota
    assert paused.value.resume_at > NOW


@pytest.mark.parametrize("status", [400, 403, 404, 410, 301, 304])
def test_a_refused_request_is_not_tried_again(server: Server, status: int) -> None:
    server.replies = [Reply(status, body=b"no such field X")]
    with pytest.raises(SourceRejected, match=f"/thing answered {status}"):
        client(server).read()
    assert len(server.asked) == 1


def test_credentials_go_to_no_other_host(server: Server) -> None:
    """A redirect could name any host: it is refused, not followed."""
    server.replies = [Reply(302, {"Location": f"{server.url.replace('127.0.0.1', 'localhost')}/elsewhere"}), Reply()]
    with pytest.raises(SourceRejected):
        client(server, secret='{"user":"u","password":"p"}', plan=source(auth="basic")).read()
    assert [path for path, _, _ in server.asked] == ["/thing?%24filter=a%20eq%20%27b%20c%27"]


def test_user_and_password_prove_who_asks(server: Server) -> None:
    client(server, secret='{"user":"LAKE","password":"pä:ss"}', plan=source(auth="basic")).read()
    kind, _, pair = server.asked[0][1]["Authorization"].partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", "LAKE:pä:ss")


def test_a_refused_password_is_not_tried_again(server: Server) -> None:
    server.replies = [Reply(401, body=b"wrong")]
    with pytest.raises(SourceAuthError, match=r"source erp \(401\): wrong\. Correct"):
        client(server, secret='{"user":"u","password":"p"}', plan=source(auth="basic")).read()
    assert len(server.asked) == 1


def test_a_token_is_fetched_once_and_renewed_once_when_refused(server: Server) -> None:
    server.replies = [token("one"), Reply(), Reply(401), token("two"), Reply(body=b"again")]
    asking = client(server, secret=SECRET, plan=OAUTH)
    asking.read()
    assert asking.read().body == b"again"
    path, _, form = server.asked[0]
    assert (path, parse_qs(form.decode())["client_secret"]) == ("/token", ["s&cret"])
    assert [headers.get("Authorization") for _, headers, _ in server.asked] == [
        None,
        "Bearer one",
        "Bearer one",
        None,
        "Bearer two",
    ]


def test_a_token_that_stays_refused_ends_it(server: Server) -> None:
    server.replies = [token("one"), Reply(401), token("two"), Reply(401)]
    with pytest.raises(SourceAuthError):
        client(server, secret=SECRET, plan=OAUTH).read()
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "reply", [Reply(400, body=b'{"error":"invalid_client"}'), Reply(), Reply(body=b'{"access_token":7}'), Reply(302)]
)
def test_a_login_without_a_token_names_the_secret(server: Server, reply: Reply) -> None:
    server.replies = [reply]
    with pytest.raises(SourceAuthError, match=r"gave source erp no token .*Secrets Manager"):
        client(server, secret=SECRET, plan=OAUTH).read()


def test_a_login_that_is_busy_is_tried_again(server: Server) -> None:
    server.replies = [Reply(503, {"Retry-After": "3"}), token("one"), Reply()]
    asking = client(server, secret=SECRET, plan=OAUTH)
    assert asking.read().body == b"ok"
    assert asking.slept == [3]


@pytest.mark.parametrize("secret", ["", "[]", "{}", '{"user":"u"}', "7"])
def test_a_secret_of_another_form_is_named(secret: str) -> None:
    with pytest.raises(SourceAuthError, match="secret of source erp lacks what basic needs"):
        login_for(source(auth="basic"), secret)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 120 ", 120),
        ("1.5", None),
        ("-5", None),
        ("²", None),
        ("Mon, 16 Nov 2026 06:00:30 GMT", 30),
        ("Mon, 16 Nov 2026 05:00:00 GMT", 0),
    ],
)
def test_retry_after_in_either_form(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize("header", [None, "yesterday", ""])
def test_a_date_that_cannot_be_read_is_none(header: str | None) -> None:
    assert http_date(header) is None


def budget(requests_allowed: int | None, at: Callable[[], float] = lambda: 100.0) -> Budget:
    return Budget(deadline=150, margin=10, requests=requests_allowed, clock=at)


def test_a_budget_ends_a_margin_before_the_deadline() -> None:
    assert budget(None).seconds_left() == 40
    assert budget(None).seconds_to_deadline() == 50
    assert not budget(None).used_up(10**6)
    assert budget(None, lambda: 140.0).used_up(0)
    assert budget(None, lambda: 141.0).used_up(0)
    assert budget(None, lambda: 151.0).seconds_to_deadline() == 0


@pytest.mark.parametrize(("left", "is_used_up"), [(6.0, False), (5.9, True), (0.0, True), (-1.0, True)])
def test_a_page_is_asked_for_while_one_and_a_half_times_the_slowest_is_left(left: float, is_used_up: bool) -> None:
    instants = iter((100.0, 104.0, 104.0, 105.0))
    now = [0.0]
    given = budget(None, lambda: next(instants, now[0]))
    for _ in range(2):
        with given.timed():
            pass
    now[0] = 140.0 - left
    assert given.pace.slowest_s == 4
    assert given.used_up(0) is is_used_up
    assert given.at_most(3).used_up(0) is is_used_up, "it is the same time"


@pytest.mark.parametrize(("own", "source_left", "allowed"), [(None, None, None), (5, None, 5), (None, 3, 3), (5, 3, 3)])
def test_a_budget_counts_requests(own: int | None, source_left: int | None, allowed: int | None) -> None:
    both = budget(own).at_most(source_left)
    assert both.requests == allowed
    assert allowed is None or (both.used_up(allowed) and not both.used_up(allowed - 1))


def test_a_budget_keeps_a_tenth_of_lambdas_time() -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 100_000

    assert 85 < Budget.of(Context()).seconds_left() <= 90
    assert (Budget.of(Context()).margin, Budget.of(Context()).requests) == (10.0, None)


def test_a_budget_keeps_a_minute_at_most_and_the_requests_that_are_allowed() -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 900_000

    assert (Budget.of(Context(), 5).margin, Budget.of(Context(), 5).requests) == (60.0, 5)
