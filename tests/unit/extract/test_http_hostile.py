"""Answers that nobody should send: bombs, drips, garbage. A real server on a bare socket, for no library would write them."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.extract import http
from lake.extract.auth import LOGINS, login_for
from lake.extract.errors import AnswerTooLarge, ExtractError, Paused, SourceAuthError, SourceRejected, SourceUnavailable
from lake.extract.http import Request, Usage
from tests.support.http_client import NOW, OAUTH, SECRET, client, token
from tests.support.replying_server import Reply, Server
from tests.support.source_plans import source

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\n"
NO_PATIENCE = replace(source(), max_retries=0, timeout_s=1)


@contextmanager
def answering(*pieces: bytes, pause: float = 0) -> Iterator[Server]:
    """A server that writes the same bytes to whoever connects, piece by piece, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.recv(65_536)
                    for piece in pieces:
                        peer.sendall(piece)
                        if over.wait(pause):
                            return
                except OSError:
                    continue

    thread = threading.Thread(target=answer)
    thread.start()
    yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", [])
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def whole(body: bytes, *headers: bytes) -> bytes:
    lines = [*headers, b"Content-Length: %d" % len(body), b"Connection: close"]
    return HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 4 * 1024 * 1024)
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    with answering(whole(bomb, b"Content-Encoding: gzip")) as server:
        tracemalloc.start()
        with pytest.raises(AnswerTooLarge, match="more than 4 MB to one request: lower the contract's page_size"):
            client(server).read()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 16 * 1024 * 1024


def test_packed_answers_are_read_whole() -> None:
    body = json.dumps({"value": list(range(300_000))}).encode()
    with answering(whole(gzip.compress(body), b"Content-Encoding: gzip")) as server:
        assert client(server).read().body == body


def test_an_answer_in_chunks_is_read_whole_and_a_broken_off_one_never_taken_for_whole() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3\r\nfgh\r\n"
    with answering(chunked + b"0\r\n\r\n") as server:
        assert client(server).read().body == b"abcdefgh"
    for half in (chunked, chunked + b"7\r\nab", chunked + b"zz\r\n"):
        with answering(half) as server, pytest.raises(SourceUnavailable, match="does not answer"):
            client(server, plan=NO_PATIENCE).read()


def test_a_dripping_answer_ends_at_the_time_out() -> None:
    """Each byte comes in time, the answer never: what counts is the whole."""
    drips = [HEAD + b"Content-Length: 20\r\n\r\n", *[b"x"] * 20]
    with (
        answering(*drips, pause=0.2) as server,
        pytest.raises(SourceUnavailable, match=r"does not answer \(Timeout\)"),
    ):
        client(server, plan=NO_PATIENCE).read()


def test_a_redirect_is_refused_and_says_where_it_points() -> None:
    with (
        answering(b"HTTP/1.1 307 Go\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n") as server,
        pytest.raises(SourceRejected, match=r"answered 307 and points to https://elsewhere\.example/") as refused,
    ):
        client(server).read()
    assert refused.value.status == 307


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 120))
def test_mutated_heads_end_in_an_error_of_ours(garbage: bytes, at: int) -> None:
    """Whatever stands where an answer should: an answer, a pause or an error of our own tree, never a hang."""
    sent = whole(b"{}", b"Retry-After: 1", b"Date: Mon, 16 Nov 2026 06:00:00 GMT", b"Content-Encoding: identity")
    with answering(sent[:at] + garbage + sent[at + len(garbage) :]) as server, suppress(ExtractError, Paused):
        client(server, plan=NO_PATIENCE).read()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_date_and_no_rest_is_made_of_garbage(header: str) -> None:
    http.http_date(header)
    http.retry_after(header, NOW)


@pytest.mark.parametrize(
    ("auth", "secret", "header", "value"),
    [
        ("bearer", {"token": "t0k"}, "Authorization", "Bearer t0k"),
        ("api_key", {"key": "k3y"}, "X-Api-Key", "k3y"),
    ],
)
def test_tokens_and_keys_prove_who_asks(
    server: Server, auth: str, secret: dict[str, str], header: str, value: str
) -> None:
    plan = source(auth=auth, auth_header="X-Api-Key")
    client(server, secret=json.dumps(secret), plan=plan).read()
    assert server.asked[0][1][header] == value


def test_id_and_secret_stand_in_a_header_where_the_source_wants_that(server: Server) -> None:
    server.replies = [token("one"), Reply()]
    plan = replace(OAUTH, client_auth="basic", scope="api refresh")
    client(server, secret='{"client_id":"me","client_secret":"s:&cret"}', plan=plan).read()
    _, headers, form = server.asked[0]
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"me:s%3A%26cret"
    assert form == b"grant_type=client_credentials&scope=api+refresh"


def test_tokens_come_from_elsewhere_where_the_source_file_says_so(server: Server) -> None:
    with answering(whole(b'{"access_token":"theirs"}')) as elsewhere:
        plan = replace(OAUTH, token_path=None, token_url=f"{elsewhere.url}/tenant/token")
        client(server, secret=SECRET, plan=plan).read()
    assert [headers.get("Authorization") for _, headers, _ in server.asked] == ["Bearer theirs"]


@pytest.mark.parametrize("auth", [name for name, (members, _) in LOGINS.items() if members])
def test_secrets_show_in_no_text(auth: str) -> None:
    plan = source(auth=auth, auth_header="X-Api-Key", token_path="/token")
    members, _ = LOGINS[auth]
    login = login_for(plan, json.dumps({member: "hush-hush" if member != "client_id" else "me" for member in members}))
    assert "hush" not in f"{login!r} {login}"


@pytest.mark.parametrize("value", ["line\nbreak", "snö"])
def test_a_secret_that_no_header_can_carry_is_named(value: str) -> None:
    with pytest.raises(SourceAuthError, match="holds characters that no header can carry"):
        login_for(source(auth="bearer"), json.dumps({"token": value}))


def test_threads_share_one_login_and_renew_it_once(server: Server) -> None:
    """The answers do not depend on the order: whoever bears the old token is refused, and one new token is fetched."""
    tokens = iter(range(1, 100))
    bearers = {"Bearer 1": Reply(401)}

    class Replies(list[Reply]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, _: object) -> Reply:  # type: ignore[override]
            path, headers, _body = server.asked[-1]
            return token(str(next(tokens))) if path == "/token" else bearers.get(headers["Authorization"], Reply())

    server.replies = Replies()
    asking = client(server, secret=SECRET, plan=OAUTH)
    asking.connection.login.headers(asking.connection)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        answers = [pool.submit(asking.read) for pool in (one, other) for _ in range(3)]
        assert {answer.result().body for answer in answers} == {b"ok"}
    assert sum(path == "/token" for path, _, _ in server.asked) == 2
    assert asking.connection.requests_made == len(server.asked)


def test_a_login_that_somebody_renewed_meanwhile_is_not_renewed_again(server: Server) -> None:
    server.replies = [token("one"), token("two"), token("three")]
    connection = client(server, secret=SECRET, plan=OAUTH).connection
    refused = connection.login.headers(connection)
    for _ in range(2):
        assert connection.login.renew(refused)
        assert connection.login.headers(connection) == {"Authorization": "Bearer two"}


def test_requests_keep_the_distance_that_the_source_wants(server: Server) -> None:
    """Ten a second, shared by two entities at a time: five a second for each."""
    plan = replace(source(), requests_per_second=10.0, concurrency=2)
    asking = client(server, plan=plan)
    asking.connection.budget = replace(asking.connection.budget, clock=lambda: 50.0, deadline=100.0)
    for _ in range(3):
        asking.read()
    assert asking.slept == pytest.approx([0.2, 0.4])


def test_the_source_is_heard_on_its_quota(server: Server) -> None:
    asking = client(server)
    asking.connection.usage_of = lambda response: Usage(80, 100) if "X-Used" in response.headers else None
    server.replies = [Reply(headers={"X-Used": "80"}), Reply()]
    asking.read()
    asking.read()
    assert asking.connection.usage == Usage(80, 100)
    assert asking.connection.usage.reaches(0.8)
    assert not asking.connection.usage.reaches(0.81)


def test_a_source_that_reads_by_post_is_sent_its_body_again(server: Server) -> None:
    server.replies = [Reply(503), Reply()]
    headers = (("Content-Type", "application/json"),)
    client(server).read(Request("/search", (), headers, "POST", b'{"limit":100}'))
    assert [body for _, _, body in server.asked] == [b'{"limit":100}'] * 2
