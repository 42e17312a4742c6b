"""The HTTP server that both sources stand on: requests and answers as values, the simulated clock in `Date`."""

import os
import socket
import struct
import time
from collections.abc import Callable
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local.simulators.faults import Faults
from local.simulators.messages import Break, RefusedError, Request, Response, as_json
from local.simulators.store import Store

__all__ = ["Application", "RefusedError", "Request", "Response", "as_json", "make_server"]

type Application = Callable[[Request], Response]


def make_server(
    port: int, store: Store, source: Application, control: Application, faults: Faults
) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that hands `/_control/` to `control` and all else, through the faults that are on, to `source`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One segment an answer: headers and body written apart would wait for each other's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(self.command, parts.path, parts.query, dict(self.headers), self.rfile.read(length))
            if request.path.startswith("/_control/"):
                self._send(control(request))
            else:
                self._send(faults.answer(request, store.now, source))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  http.server names them so

        def _send(self, response: Response) -> None:
            breaks = response.breaks
            if breaks is None or breaks.after is not None:
                self.send_response_only(response.status)
                headers = {"Server": self.version_string(), "Date": format_datetime(store.now, usegmt=True)}
                headers |= {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
                for name, value in (headers | response.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.body if breaks is None else response.body[: breaks.after])
            if breaks is not None:
                self._break(breaks)

        def _break(self, breaks: Break) -> None:
            self.close_connection = True
            self.wfile.flush()
            if breaks.how == "reset":
                # What was sent so far must have arrived: a reset overtakes it.
                time.sleep(0.05)
                # With no time to linger, closing resets the connection.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            """Say nothing: a page is asked for hundreds of times in a run."""

    ThreadingHTTPServer.daemon_threads = True
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
