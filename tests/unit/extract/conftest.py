"""A source of a few lines that answers what it is told to."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.replying_server import Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.asked.append((self.path, dict(self.headers), body))
            reply = served.replies.pop(0) if len(served.replies) > 1 else served.replies[0]
            if reply.status is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(reply.announced or len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = True

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Server(f"http://127.0.0.1:{http.server_port}", [Reply()])
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield served
    http.shutdown()
    http.server_close()
