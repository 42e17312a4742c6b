"""What `make invoke-local` prepares for a container: doors that lead to this machine's ports, a template, a clear refusal."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from samcli.yamlhelper import yaml_parse

from local import invoke
from local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b"x" * 300_000


class Echo(BaseHTTPRequestHandler):
    """Answers with what it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where an echo is to be heard."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_door_leads_to_a_port_of_this_machine_while_it_is_open(port: int) -> None:
    with invoke.reachable("127.0.0.1") as reach:
        door = reach(port)
        assert door == reach(port) != f"http://127.0.0.1:{port}"
        assert [requests.post(door, data=BODY, timeout=10).content for _ in range(2)] == [BODY, BODY]
    with pytest.raises(requests.ConnectionError):
        requests.post(door, data=BODY, timeout=10)


def test_docker_desktop_needs_no_door() -> None:
    with invoke.reachable(None) as reach:
        assert reach(4566) == "http://host.docker.internal:4566"


def test_the_copy_of_the_template_declares_the_variable_and_goes_again(tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"
    built.write_text("Globals: {Function: {Environment: {Variables: {A: !Ref B}}}}\n", "utf-8")
    with invoke.declaring(built, "AWS_ENDPOINT_URL") as copy:
        assert copy.parent == tmp_path
        variables = yaml_parse(copy.read_text("utf-8"))["Globals"]["Function"]["Environment"]["Variables"]
        assert set(variables) == {"A", "AWS_ENDPOINT_URL"}
        assert "!Ref" not in str(variables["AWS_ENDPOINT_URL"])
    assert list(tmp_path.iterdir()) == [built]


def test_what_is_not_deployed_is_refused_with_the_next_step(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{}", "utf-8")
    nowhere = Stack().env() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(invoke.InvokeError, match=r"ExtractCrmFunction is not deployed .*make deploy"):
        invoke.invoke(invoke.Project(tmp_path, "lake", nowhere), "ExtractCrmFunction", event)
    with pytest.raises(invoke.InvokeError, match=r"there is no event .*events/functions/"):
        invoke.invoke(invoke.Project(tmp_path, "lake", nowhere), "ExtractCrmFunction", tmp_path / "none.json")
